//! Money that was taken beyond what an order was sold for, and that turns out not to have been.

use super::{Event, Order, Overpaid, OverpaidCorrected};
use crate::ids::PaymentId;
use crate::money::Money;

impl Order {
    /// What is told of it when this payment, with all others, comes to another sum than `before`:
    /// nothing, unless it is beyond the price.
    pub fn overpaid(&self, payment_id: PaymentId, before: Money, taken: Money) -> Option<Event> {
        let beyond = |taken: Money| self.sold.map_or(taken, |sold| taken.less(sold));
        let more = beyond(taken).less(beyond(before));
        if !more.is_zero() {
            return Some(Overpaid { payment_id, amount: more }.into());
        }
        let known = self.overpaid.unwrap_or(Money::zero(taken.currency()));
        let amount = beyond(before).less(beyond(taken)).at_most(known);
        (!amount.is_zero()).then(|| OverpaidCorrected { payment_id, amount }.into())
    }
}
