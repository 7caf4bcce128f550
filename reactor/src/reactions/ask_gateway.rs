//! Asks the gateway what a payment's open request says, and records its answer.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use domain::command::payment::{Command as Ask, Verdict};
use domain::payment::{self, Operation, Payment};
use domain::text::{GatewayName, Token};
use domain::{Category, Command, Event, Money, Owner, PaymentId, StreamId};
use event_store::{Outcome, Recorded};

use crate::gateway::Call;
use crate::hands::Hands;
use crate::notes::List;
use crate::reaction::Reaction;
use crate::task::{Done, Retry, Task};

/// How long a gateway may take; less than the lease of the task.
const GATEWAY_TIME_MAX: Duration = Duration::from_secs(20);
/// The longest pause before a gateway is asked again about an unknown outcome, in seconds.
const ASK_AGAIN_SECONDS_MAX: u64 = 60;
/// How long a gateway is trusted to know a request again by its key. Stripe keeps keys for at least
/// 24 hours.
const GATEWAY_MEMORY: TimeDelta = TimeDelta::hours(20);

/// Why nothing is asked of a gateway.
const FORGOTTEN: &str = "who was to pay was forgotten";

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
            | payment::Event::Authorized(payment::Authorized { request: Some(_), .. })
            | payment::Event::Captured(_)
            | payment::Event::Voided(payment::Voided { request: Some(_), .. })
            | payment::Event::Refunded(payment::Refunded { request: Some(_), .. })
            | payment::Event::Failed(_)
            | payment::Event::RequestFailed(_) => list.settled(id),
            // What was told without being asked answers no request: that still waits.
            payment::Event::Authorized(_)
            | payment::Event::Voided(_)
            | payment::Event::Refunded(_)
            | payment::Event::Expired(_)
            | payment::Event::Restored(_)
            | payment::Event::Created(_)
            | payment::Event::Assigned(_)
            | payment::Event::OutcomeUnknown(_)
            | payment::Event::Resolved(_)
            | payment::Event::Reported(_)
            | payment::Event::Disputed(_)
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
        let id = task.subject;
        let history = hands.history(&StreamId::Payment(id)).await?;
        let Some(mut open) = open_request(id, &history) else { return Ok(Done::Finished) };
        if let Some(named) = open.call.token.take() {
            open.call.token = hands.token(&named).await?;
            if open.call.token.is_none() && open.call.operation == Operation::Authorize {
                let forgotten = FORGOTTEN.parse().expect("the constant is a note");
                let declined = Verdict::Declined(forgotten);
                return record(task, open.call.request, declined, hands).await;
            }
        }
        let asked = Instant::now();
        let answering = ask(&open, hands);
        let answer = match tokio::time::timeout(GATEWAY_TIME_MAX, answering).await {
            Ok(Some(answer)) => answer,
            // It is set up no more: what became of the request a person may find out, and is asked
            // again should it come back.
            Ok(None) => {
                let gateway = &open.gateway;
                tracing::error!(%gateway, payment = %id, "no such gateway is set up");
                Verdict::Unknown
            }
            Err(_) => Verdict::Unknown,
        };
        metrics::histogram!("gateway_request_duration_seconds").record(asked.elapsed());
        let answer = hands.without_secrets(id, open.owner, answer).await?;
        record(task, open.call.request, answer, hands).await
    }
}

/// A request that waits for an answer.
#[derive(Debug, PartialEq)]
struct Open {
    gateway: GatewayName,
    call: Call,
    /// Whose the payment is.
    owner: Owner,
    /// Whether an answer was lost.
    unknown: bool,
    /// When it was made.
    since: DateTime<Utc>,
}

/// The request that waits for an answer, if one still does.
fn open_request(id: PaymentId, history: &[Recorded]) -> Option<Open> {
    let mut state = Payment::default();
    let (mut begun, mut since, mut captures) = (None, None, Vec::new());
    for recorded in history {
        let Event::Payment(event) = &recorded.event else { continue };
        state.evolve(event);
        match event {
            payment::Event::Created(created) => begun = Some(created),
            payment::Event::Requested(_) => since = Some(recorded.recorded_at),
            payment::Event::Captured(it) => {
                let reference = it.reference.clone();
                // One of nothing was told before, under the same name.
                let reference = reference.filter(|_| !it.amount.is_zero());
                captures.extend(reference.map(|reference| (reference, it.amount)));
            }
            payment::Event::Reported(it) if it.operation == Operation::Capture => {
                captures.push((it.reference.clone(), it.amount));
            }
            _ => {}
        }
    }
    let (terms, created) = (state.terms?, begun?);
    let payment::InFlight { operation, amount, request, unknown } = state.in_flight?;
    let call = Call {
        payment_id: id,
        order_id: terms.order_id,
        request,
        operation,
        amount,
        token: created.token.clone(),
        reference: state.reference,
        captures: not_given_back(captures, terms.refunded),
        return_url: created.return_url.clone(),
    };
    let owner = Owner { customer_id: created.customer_id, guest_id: created.guest_id };
    Some(Open { gateway: created.gateway.clone()?, call, owner, unknown, since: since? })
}

/// What is left of captures: what was given back is taken off the first ones.
fn not_given_back(captures: Vec<(Token, Money)>, refunded: Money) -> Vec<(Token, Money)> {
    let mut back = refunded;
    let left = captures.into_iter().map(|(reference, amount)| {
        let off = back.at_most(amount);
        back = back.less(off);
        (reference, amount.less(off))
    });
    left.filter(|(_, amount)| !amount.is_zero()).collect()
}

/// The gateway's answer. Of a request whose answer was lost, what became of it is found out; only
/// one that never arrived is made again, and only while the gateway would know it again. `None`
/// without such a gateway.
async fn ask(open: &Open, hands: &Hands) -> Option<Verdict> {
    let Open { gateway, call, unknown, since, .. } = open;
    if *unknown {
        if let Some(found) = hands.gateways().find(gateway, call).await? {
            return Some(found);
        }
        if hands.now() - *since > GATEWAY_MEMORY {
            // A person has to find out.
            metrics::counter!("gateway_requests_forgotten_total").increment(1);
            return Some(Verdict::Unknown);
        }
    }
    hands.gateways().perform(gateway, call).await
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
    let record = Ask::Record { request, verdict, at: hands.now() };
    let command = Command::Payment(task.subject, record);
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

/// The pause after so many unknown outcomes.
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
        for other in [
            "created",
            "outcome_unknown",
            "expired",
            "collection_due",
            "collected",
            "collection_corrected",
            "remittance_corrected",
            "refund_corrected",
            "remitted",
        ] {
            given::<AskGateway>([given::payment(other)]).then_nothing();
        }
        given::<AskGateway>([given::payment("uncollected"), given::placed()]).then_nothing();
        let unknown = [given::payment("requested"), given::payment("outcome_unknown")];
        given::<AskGateway>(unknown).then_due(&payment_id(), given::recorded_at(), 1);
    }

    #[test]
    fn only_an_open_request_is_asked() {
        let created = [given::payment("created")];
        assert_eq!(open_request(payment_id(), &given::history(created)), None);
        let open = [given::payment("created"), given::payment("requested")];
        let open = open_request(payment_id(), &given::history(open)).unwrap();
        assert_eq!((open.gateway.as_str(), open.call.request, open.unknown), ("sandbox", 1, false));
        assert_eq!(open.since, given::recorded_at());
        assert_eq!(open.call.key(), format!("{}:1", payment_id()));
        let names = ["created", "requested", "authorized"];
        assert_eq!(open_request(payment_id(), &given::history(names.map(given::payment))), None);
        let names = ["created", "requested", "outcome_unknown"];
        let open = open_request(payment_id(), &given::history(names.map(given::payment)));
        assert!(open.unwrap().unknown);
    }

    #[test]
    fn what_was_given_back_is_taken_off_the_first_captures() {
        let euros = |n: i64| Money::new(n.into(), "EUR".parse().unwrap()).unwrap();
        let of = |name: &str, n| (name.parse::<Token>().unwrap(), euros(n));
        let captures = vec![of("c1", 10), of("c2", 20), of("c3", 5)];
        let left = not_given_back(captures, euros(14));
        assert_eq!(left, [of("c2", 16), of("c3", 5)]);
    }

    #[test]
    fn the_pause_doubles_up_to_a_minute() {
        let pauses = [1, 2, 5, 6, 99].map(|attempts| ask_again(attempts).as_secs());
        assert_eq!(pauses, [2, 4, 32, 60, 60]);
    }
}
