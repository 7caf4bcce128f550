//! An order that was certain and whose payment came to nothing before anything left: it waits for
//! another, for a time. What stands for its money is reckoned in [`crate::command`].

use chrono::{DateTime, Utc};

use super::{Event, Order, PAY_AGAIN_WITHIN, Secured, Status, Unsecured};
use crate::ids::PaymentId;

/// Each gives the event of one decision; none where it does not wait.
impl Order {
    /// What it was certain by came to nothing. While nothing has left it waits so long for another,
    /// unless one stands beside.
    pub fn unsecure(&self, payment_id: PaymentId, at: DateTime<Utc>) -> Option<Event> {
        let others = self.standing_payments().any(|standing| standing != payment_id);
        let waits = self.status == Status::Confirmed && !self.has_left() && !others;
        let reserved_until = at.checked_add_signed(PAY_AGAIN_WITHIN).filter(|_| waits)?;
        Some(Unsecured { payment_id, reserved_until }.into())
    }

    /// Something stands for its money again.
    pub fn secure(&self, payment_id: Option<PaymentId>) -> Option<Event> {
        self.unsecured.then(|| Secured { payment_id }.into())
    }
}
