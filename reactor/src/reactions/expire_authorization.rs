//! Lets an authorisation go that was not captured in time.

use domain::command::payment::Command as Ask;
use domain::{Category, Command, Event, PaymentId, StreamId, payment};
use event_store::Recorded;

use super::expiry::let_go;
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// See above.
pub(super) struct ExpireAuthorization;

impl Reaction for ExpireAuthorization {
    const NAME: &'static str = "expire_authorization";
    const READS: &'static [Category] = &[Category::Payment];
    type Subject = PaymentId;

    fn note(event: &Recorded, list: &mut List<'_, PaymentId>) {
        let (StreamId::Payment(id), Event::Payment(event)) = (&event.stream, &event.event) else {
            return;
        };
        match event {
            payment::Event::Authorized(authorized) => list.due(id, authorized.expires_at),
            // While more may be taken, the rest may lapse.
            payment::Event::Captured(captured) if !captured.last => {}
            payment::Event::Captured(_)
            | payment::Event::Voided(_)
            | payment::Event::Expired(_)
            | payment::Event::Failed(_) => list.settled(id),
            payment::Event::Created(_)
            | payment::Event::Assigned(_)
            | payment::Event::Resolved(_)
            | payment::Event::Reported(_)
            | payment::Event::Restored(_)
            | payment::Event::Disputed(_)
            | payment::Event::Requested(_)
            | payment::Event::ActionRequired(_)
            | payment::Event::Refunded(_)
            | payment::Event::RequestFailed(_)
            | payment::Event::OutcomeUnknown(_)
            | payment::Event::CollectionDue(_)
            | payment::Event::Collected(_)
            | payment::Event::CollectionCorrected(_)
            | payment::Event::RemittanceCorrected(_)
            | payment::Event::RefundCorrected(_)
            | payment::Event::Remitted(_)
            | payment::Event::Uncollected(_) => {}
        }
    }

    async fn act(task: &Task<PaymentId>, hands: &Hands) -> Result<Done, Retry> {
        let_go(task, Command::Payment(task.subject, Ask::Expire { at: hands.now() }), hands).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{self, given, payment_id};

    #[test]
    fn an_authorisation_is_let_go_when_it_lapses() {
        let events = [given::payment("requested"), given::payment("authorized")];
        given::<ExpireAuthorization>(events).then_due(&payment_id(), given::expires_at(), 2);
    }

    #[test]
    fn one_that_came_to_an_end_is_not() {
        for end in ["captured_last", "voided", "expired", "failed"] {
            let events = [given::payment("authorized"), given::payment(end)];
            given::<ExpireAuthorization>(events).then_settled(&payment_id());
        }
    }

    #[test]
    fn what_else_happens_to_it_changes_nothing() {
        for other in [
            "created",
            "requested",
            "captured",
            "action_required",
            "refunded",
            "request_failed",
            "outcome_unknown",
            "collection_due",
            "collected",
            "collection_corrected",
            "remittance_corrected",
            "refund_corrected",
            "remitted",
            "uncollected",
        ] {
            given::<ExpireAuthorization>([given::payment(other)]).then_nothing();
        }
    }
}
