//! Asks a gateway again what it refused: to take what is owed, to give back what is not, to let go
//! what will not be needed. Until it does, or the order no longer asks for it.

use domain::command::order::Command as Ask;
use domain::{Category, Command, Event, OrderId, payment};
use event_store::Recorded;

use chrono::TimeDelta;

use super::expiry::let_go;
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// The pause after the first request of a payment was refused; it doubles with each.
const PAUSE: TimeDelta = TimeDelta::minutes(1);
/// How often it doubles: up to 17 hours.
const DOUBLINGS_MAX: u32 = 10;

/// See above.
pub(super) struct SettleOrder;

impl Reaction for SettleOrder {
    const NAME: &'static str = "settle_order";
    const READS: &'static [Category] = &[Category::Payment];
    type Subject = OrderId;

    fn note(event: &Recorded, list: &mut List<'_, OrderId>) {
        let Event::Payment(payment) = &event.event else { return };
        let request = match payment {
            payment::Event::RequestFailed(failed) => failed.request,
            // A refund that came back: whatever kept it from its customer may pass.
            payment::Event::Restored(_) => 0,
            _ => return,
        };
        list.due(&payment.order_id(), event.recorded_at + pause(request));
    }

    async fn act(task: &Task<OrderId>, hands: &Hands) -> Result<Done, Retry> {
        let_go(task, Command::Order(task.subject, Ask::Settle), hands).await
    }
}

fn pause(request: u32) -> TimeDelta {
    // The first request of a payment sets money aside.
    PAUSE * 2_i32.pow(request.saturating_sub(2).min(DOUBLINGS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{self, given, order_id};

    #[test]
    fn what_a_gateway_refused_is_asked_again_later() {
        let events = [given::payment("requested"), given::payment("request_failed")];
        let later = given::recorded_at() + TimeDelta::minutes(1);
        given::<SettleOrder>(events).then_due(&order_id(), later, 2);
        given::<SettleOrder>([given::payment("restored")]).then_due(&order_id(), later, 1);
    }

    #[test]
    fn what_else_happens_changes_nothing() {
        for other in ["created", "authorized", "captured", "refunded", "failed", "voided"] {
            given::<SettleOrder>([given::payment(other)]).then_nothing();
        }
        given::<SettleOrder>([given::placed()]).then_nothing();
    }

    #[test]
    fn the_pause_doubles_up_to_a_bound() {
        let minutes = [0, 1, 2, 3, 4, 99].map(|request| pause(request).num_minutes());
        assert_eq!(minutes, [1, 1, 1, 2, 4, 1_024]);
    }
}
