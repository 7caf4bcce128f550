//! Calls an order off that nobody paid in time, or paid again after its payment lapsed.

use chrono::{DateTime, Utc};
use domain::command::order::Command as Ask;
use domain::{Category, Command, Event, OrderId, StreamId, order};
use event_store::Recorded;

use super::expiry::let_go;
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(super) struct ExpireOrder;

impl Reaction for ExpireOrder {
    const NAME: &'static str = "expire_order";
    const READS: &'static [Category] = &[Category::Order];
    type Subject = OrderId;

    fn note(event: &Recorded, list: &mut List<'_, OrderId>) {
        let Recorded { stream, event, occurred_at, recorded_at, .. } = event;
        let (StreamId::Order(id), Event::Order(event)) = (stream, event) else { return };
        // As long as it was to be, by the log's clock: that of the caller may be wrong.
        let due = |until: DateTime<Utc>| *recorded_at + (until - *occurred_at);
        match event {
            // Nothing is reserved for what was recorded.
            order::Event::Placed(placed) if placed.recorded => {}
            order::Event::Placed(placed) => list.due(id, due(placed.reserved_until)),
            order::Event::HoldProlonged(held) => list.due(id, due(held.reserved_until)),
            order::Event::Unsecured(lapsed) => list.due(id, due(lapsed.reserved_until)),
            order::Event::Confirmed(_) | order::Event::Secured(_) | order::Event::Cancelled(_) => {
                list.settled(id);
            }
            // Confirmed in the same breath.
            order::Event::Reinstated(_)
            | order::Event::PaymentStarted(_)
            | order::Event::PaymentEnded(_)
            | order::Event::Assigned(_)
            | order::Event::AddressChanged(_)
            | order::Event::FulfilmentPlanned(_)
            | order::Event::FulfilmentShipped(_)
            | order::Event::UnitsDelivered(_)
            | order::Event::DeliveryCorrected(_)
            | order::Event::FulfilmentClosed(_)
            | order::Event::UnitsCancelled(_)
            | order::Event::ReturnOpened(_)
            | order::Event::UnitsReturned(_)
            | order::Event::ReturnCorrected(_)
            | order::Event::Overpaid(_)
            | order::Event::OverpaidCorrected(_)
            | order::Event::ReturnClosed(_)
            | order::Event::NoteAdded(_)
            | order::Event::Completed(_) => {}
        }
    }

    async fn act(task: &Task<OrderId>, hands: &Hands) -> Result<Done, Retry> {
        let_go(task, Command::Order(task.subject, Ask::Expire { at: hands.now() }), hands).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{self, given, order_id};

    /// The caller's clock is an hour behind the log's: the hold is not shorter for that.
    fn held_until() -> DateTime<Utc> {
        given::reserved_until() + chrono::TimeDelta::hours(1)
    }

    #[test]
    fn an_order_is_called_off_when_its_reservation_ends() {
        given::<ExpireOrder>([given::placed()]).then_due(&order_id(), held_until(), 1);
    }

    #[test]
    fn a_bank_that_has_the_shopper_puts_it_off() {
        let events = [given::placed(), given::order("hold_prolonged")];
        given::<ExpireOrder>(events).then_due(&order_id(), held_until(), 2);
    }

    #[test]
    fn one_whose_payment_lapsed_waits_for_another() {
        let events = [given::placed(), given::order("confirmed"), given::order("unsecured")];
        given::<ExpireOrder>(events).then_due(&order_id(), held_until(), 3);
    }

    #[test]
    fn one_that_is_confirmed_secured_or_off_is_not() {
        for end in ["confirmed", "secured", "cancelled"] {
            let events = [given::placed(), given::order(end)];
            given::<ExpireOrder>(events).then_settled(&order_id());
        }
    }

    #[test]
    fn what_else_happens_to_it_changes_nothing() {
        for other in [
            "payment_started",
            "payment_ended",
            "fulfilment_planned",
            "fulfilment_closed",
            "completed",
            "reinstated",
        ] {
            given::<ExpireOrder>([given::order(other)]).then_nothing();
        }
        let of_payment = [given::payment("requested"), given::payment("authorized")];
        given::<ExpireOrder>(of_payment).then_nothing();
    }
}
