//! Asks the gateway what a payment's open request says, and records its answer.

use std::time::{Duration, Instant};

use domain::command::payment::{Command as Ask, Verdict};
use domain::order::PaymentMethod;
use domain::payment::{self, Payment};
use domain::{Category, Command, Event, PaymentId, StreamId};
use event_store::{Outcome, Recorded};

use crate::gateway::Call;
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::{Done, Reaction, Retry, Task};

/// How long a gateway may take; less than the lease of the task.
const GATEWAY_TIME_MAX: Duration = Duration::from_secs(20);
/// The longest pause before a gateway is asked again about an unknown outcome, in seconds.
const ASK_AGAIN_SECONDS_MAX: u64 = 60;

/// See above.
pub(super) struct AskGateway;

impl Reaction for AskGateway {
    const NAME: &'static str = "ask_gateway";
    const READS: &'static [Category] = &[Category::Payment];
    type Subject = PaymentId;

    fn note(event: &Recorded, list: &mut List<'_, PaymentId>) {
        let Recorded { stream, recorded_at, event, .. } = event;
        let (StreamId::Payment(id), Event::Payment(event)) = (stream, event) else { return };
        match event {
            // By the log's clock, not the caller's: Postgres says when something is due.
            payment::Event::Requested(_) => list.due(id, *recorded_at),
            payment::Event::ActionRequired(_)
            | payment::Event::Authorized(_)
            | payment::Event::Captured(_)
            | payment::Event::Voided(_)
            | payment::Event::Expired(_)
            | payment::Event::Refunded(_)
            | payment::Event::Failed(_)
            | payment::Event::RequestFailed(_) => list.settled(id),
            payment::Event::Created(_)
            | payment::Event::OutcomeUnknown(_)
            | payment::Event::CollectionDue(_)
            | payment::Event::Collected(_)
            | payment::Event::Remitted(_)
            | payment::Event::Uncollected(_) => {}
        }
    }

    async fn act(task: &Task<PaymentId>, hands: &Hands) -> Result<Done, Retry> {
        let id = task.subject;
        let history = hands.history(&StreamId::Payment(id)).await?;
        let Some((method, call)) = open_call(id, &history) else { return Ok(Done::Finished) };
        let asked = Instant::now();
        let answering = hands.gateways().perform(method, &call);
        let answer = match tokio::time::timeout(GATEWAY_TIME_MAX, answering).await {
            Ok(answer) => answer.ok_or(Retry::NoGateway(method))?,
            Err(_) => Verdict::Unknown,
        };
        metrics::histogram!("gateway_request_duration_seconds").record(asked.elapsed());
        record(task, call.request, answer, hands).await
    }
}

/// The request that waits for an answer, if one still does, and how the payment is paid.
fn open_call(id: PaymentId, history: &[Recorded]) -> Option<(PaymentMethod, Call)> {
    let mut state = Payment::default();
    let mut token = None;
    for recorded in history {
        if let Event::Payment(event) = &recorded.event {
            if let payment::Event::Created(created) = event {
                token.clone_from(&created.token);
            }
            state.evolve(event);
        }
    }
    let (terms, open) = (state.terms?, state.in_flight?);
    let payment::InFlight { operation, amount, request, .. } = open;
    Some((terms.method, Call { payment_id: id, request, operation, amount, token }))
}

/// Tells the log what the gateway answered.
async fn record(
    task: &Task<PaymentId>,
    request: u32,
    verdict: Verdict,
    hands: &Hands,
) -> Result<Done, Retry> {
    let unknown = verdict == Verdict::Unknown;
    let step = if unknown { "unknown" } else { "verdict" };
    metrics::counter!("gateway_answers_total", "kind" => step).increment(1);
    let command = Command::Payment(task.subject, Ask::Record { request, verdict });
    // Recording twice what a request came to does nothing, by the number of the request.
    if let Outcome::Refused(refusal) = hands.submit(task, step, command).await? {
        // Money may have moved and the log does not say so. Never dropped, always seen.
        let (code, payment) = (refusal.code().0, task.subject);
        tracing::error!(code, %payment, "the gateway's answer could not be recorded");
        metrics::counter!("gateway_answers_refused_total").increment(1);
        return Ok(Done::Later(Duration::from_secs(ASK_AGAIN_SECONDS_MAX)));
    }
    if unknown {
        return Ok(Done::Later(ask_again(task.attempts)));
    }
    Ok(Done::Recorded)
}

/// The pause after the how manieth unknown outcome.
fn ask_again(attempts: i32) -> Duration {
    let seconds = 1_u64 << attempts.clamp(0, 6);
    Duration::from_secs(seconds.min(ASK_AGAIN_SECONDS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{self, given, payment_id};

    #[test]
    fn the_gateway_is_asked_what_is_requested_at_once() {
        let events = [given::payment("created"), given::payment("requested")];
        given::<AskGateway>(events).then_due(&payment_id(), given::recorded_at(), 2);
    }

    #[test]
    fn an_answer_settles_it() {
        for answer in [
            "action_required",
            "authorized",
            "captured",
            "voided",
            "expired",
            "refunded",
            "failed",
            "request_failed",
        ] {
            let events = [given::payment("requested"), given::payment(answer)];
            given::<AskGateway>(events).then_settled(&payment_id());
        }
    }

    #[test]
    fn an_unknown_outcome_and_cash_change_nothing() {
        for other in ["created", "outcome_unknown", "collection_due", "collected", "remitted"] {
            given::<AskGateway>([given::payment(other)]).then_nothing();
        }
        given::<AskGateway>([given::payment("uncollected"), given::placed()]).then_nothing();
        let unknown = [given::payment("requested"), given::payment("outcome_unknown")];
        given::<AskGateway>(unknown).then_due(&payment_id(), given::recorded_at(), 1);
    }

    #[test]
    fn only_an_open_request_is_asked() {
        let created = [given::payment("created")];
        assert_eq!(open_call(payment_id(), &given::history(created)), None);
        let open = [given::payment("created"), given::payment("requested")];
        let (method, call) = open_call(payment_id(), &given::history(open)).unwrap();
        assert_eq!((method, call.request), (PaymentMethod::Card, 1));
        assert_eq!(call.key(), format!("{}:1", payment_id()));
        let names = ["created", "requested", "authorized"];
        assert_eq!(open_call(payment_id(), &given::history(names.map(given::payment))), None);
    }

    #[test]
    fn the_pause_doubles_up_to_a_minute() {
        let pauses = [1, 2, 5, 6, 99].map(|attempts| ask_again(attempts).as_secs());
        assert_eq!(pauses, [2, 4, 32, 60, 60]);
    }
}
