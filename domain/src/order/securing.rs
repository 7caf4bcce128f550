//! An order that is certain and for whose money nothing stands, of which nothing has left: it waits
//! for another payment, for a time. What stands for its money is reckoned in [`crate::command`].

use chrono::{DateTime, Utc};

use super::{Event, Order, PAY_AGAIN_WITHIN, Secured, Status, Unsecured};
use crate::ids::PaymentId;

/// Each gives the event of one decision; none where it does not wait.
impl Order {
    /// Nothing stands for what it owes: while nothing has left it waits so long for another payment
    /// than this one, or where it was none the last that was begun. One that was recorded waits as
    /// long as it takes: nothing is set aside for it that others wait for.
    pub fn unsecure(&self, payment_id: Option<PaymentId>, at: DateTime<Utc>) -> Option<Event> {
        let last = self.payments.keys().next_back().copied();
        let payment_id = payment_id.or(last)?;
        let waits = self.status == Status::Confirmed && !self.has_left();
        let has_term = self.unsecured || self.recorded;
        let reserved_until = at.checked_add_signed(PAY_AGAIN_WITHIN);
        let reserved_until = reserved_until.filter(|_| waits && !has_term)?;
        Some(Unsecured { payment_id, reserved_until }.into())
    }

    /// Something stands for its money again.
    pub fn secure(&self, payment_id: Option<PaymentId>) -> Option<Event> {
        self.unsecured.then(|| Secured { payment_id }.into())
    }
}
