//! What every refusal looks like from outside: the one place where a refused command becomes an
//! HTTP status, a code and the figures a program can act on.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::TimeDelta;
use domain::RefusalRecord;
use domain::refusal::Kind;
use event_store::SubmitError;
use service::openapi::Code;
use service::problem::Problem;
use uuid::Uuid;

/// The codes of what is refused here, each with its status; the domain has its own.
pub const CODES: &[Code] = &[
    (400, "idempotency_key_required"),
    (400, "invalid_idempotency_key"),
    (400, "invalid_if_match"),
    (400, "invalid_log_id"),
    (400, "invalid_signature"),
    (400, "unknown_command"),
    (404, "gateway_not_found"),
    (404, "not_found"),
    (404, "unknown_address"),
    (408, "long_batch"),
    (408, "slow_body"),
    (409, "another_log"),
    (409, "too_many_records"),
    (410, "erased"),
    (412, "version_mismatch"),
    (413, "line_too_long"),
    (422, "idempotency_key_expired"),
    (422, "idempotency_key_reused"),
    (500, "answer_unreadable"),
    (500, "stream_unreadable"),
    (503, "event_not_taken"),
    (503, "log_unavailable"),
    (503, "shutting_down"),
];
/// When to try again after being turned away for want of room.
const RETRY_WHEN_BUSY: Duration = Duration::from_secs(1);
/// When to try again while the database is away or this process is ending.
const RETRY_WHEN_AWAY: Duration = Duration::from_secs(2);

/// A refusal by the domain, decided at a position of the log.
pub fn of_refusal(refusal: &RefusalRecord, position: i64) -> Problem {
    let (code, kind) = refusal.code();
    let problem = Problem::new(status(kind), code.to_owned(), refusal.to_string());
    let problem = refusal.concerns().iter().fold(problem, |problem, one| {
        problem.pointer(one.pointer.clone(), one.code.clone(), one.detail.clone())
    });
    let figures = refusal.figures().iter();
    let problem = figures.fold(problem, |problem, (name, value)| problem.with(name, value));
    let problem = problem.with("position", position);
    // That the same request may be sent again, under the same key, is for programs to know.
    if refusal.passes() { problem.with("passing", true) } else { problem }
}

/// The status that a sort of refusal is answered with.
pub fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotFound | Kind::Unknown => StatusCode::NOT_FOUND,
        Kind::Conflict | Kind::Passing => StatusCode::CONFLICT,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Precondition => StatusCode::PRECONDITION_FAILED,
    }
}

/// A command that got no answer from the writer.
pub fn of_submit_error(error: SubmitError) -> Problem {
    let detail = error.to_string();
    let unavailable =
        |code: &'static str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail.clone());
    match error {
        SubmitError::Busy => unavailable("overloaded").retry_after(RETRY_WHEN_BUSY),
        SubmitError::Closed => unavailable("shutting_down").retry_after(RETRY_WHEN_AWAY),
        SubmitError::Unavailable => unavailable("log_unavailable").retry_after(RETRY_WHEN_AWAY),
        // A newer program wrote it: no retry helps, but an upgrade.
        SubmitError::Unreadable { stream, position, .. } => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "stream_unreadable", detail)
                .with("stream", stream)
                .with("position", position)
        }
        SubmitError::KeyReused => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "idempotency_key_reused",
            "this idempotency key was used for another request",
        ),
        SubmitError::KeyTooLong => invalid_key(),
        SubmitError::AnotherLog(log_id) => another_log(log_id),
        SubmitError::AnswerUnreadable { .. } => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "answer_unreadable", detail)
        }
    }
}

/// A request for another log than this one, which was restored or is a copy.
pub fn another_log(log_id: Uuid) -> Problem {
    let detail = "the log that this is for has been replaced by another one: what was learnt from \
                  it, positions and ids, must be learnt anew";
    Problem::new(StatusCode::CONFLICT, "another_log", detail).with("log_id", log_id)
}

/// A `Log-Id` that is none.
pub fn invalid_log_id() -> Problem {
    bad_request("invalid_log_id", "Log-Id is one UUID, as an answer had it")
}

/// Too much is under way already.
pub fn overloaded() -> Problem {
    let detail = "too many commands are under way";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail).retry_after(RETRY_WHEN_BUSY)
}

/// The writer took too long; the command may still take effect.
pub fn no_answer_in_time() -> Problem {
    let detail = "no answer in time; the command may still take effect, so retry with its key";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", detail).retry_after(RETRY_WHEN_AWAY)
}

/// A key that is none.
pub fn invalid_key() -> Problem {
    let rule = "an idempotency key is 1 to 255 printable ASCII characters, bare or in quotes, \
                without a card number";
    bad_request("invalid_idempotency_key", rule)
}

/// A command that is never taken without a key.
pub fn key_required() -> Problem {
    bad_request("idempotency_key_required", "this command needs an Idempotency-Key")
}

/// A key so old that what it was used for may have been forgotten.
pub fn key_expired(kept: TimeDelta) -> Problem {
    let days = kept.num_days();
    let detail = format!(
        "this key was made more than {days} days ago, and answers are kept for {days} days: look \
         whether it was done, and use a new key if it is to be done now"
    );
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_expired", detail)
}

/// An `If-Match` that is none.
pub fn invalid_if_match(why: &str) -> Problem {
    let rule = format!("If-Match is one version, such as \"3\", or *: {why}");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_if_match", rule)
}

/// `If-Match: *` on a command that makes something.
pub fn nothing_to_match() -> Problem {
    let detail = "what this command makes cannot exist before it";
    Problem::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", detail)
}

/// A path whose parameter is no such id.
pub fn invalid_path(parameter: &'static str, why: String) -> Problem {
    bad_request("invalid_path", "the path names nothing that can exist").parameter(
        parameter,
        "invalid_value",
        why,
    )
}

/// A body whose parts do not go together.
pub fn invalid_body(pointer: &'static str, why: &'static str) -> Problem {
    bad_request("invalid_body", "the body is not what is wanted").pointer(
        pointer,
        "invalid_value",
        why,
    )
}

/// A body that came as something else.
pub fn unsupported_media_type(wanted: &'static str) -> Problem {
    let detail = format!("the body must be {wanted}");
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

/// A body of more bytes than it may have.
pub fn body_too_large(bytes_max: usize) -> Problem {
    let detail = format!("a command may have at most {bytes_max} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

/// A body that did not come to its end.
pub fn incomplete_body() -> Problem {
    bad_request("incomplete_body", "the body broke off")
}

/// A body that did not come in time.
pub fn slow_body() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", "the body took too long to come in")
}

/// A line of a batch of more bytes than it may have.
pub fn line_too_long(bytes_max: usize) -> Problem {
    let detail = format!("a line may have at most {bytes_max} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "line_too_long", detail)
}

/// A batch whose caller fell silent for so long.
pub fn silent(silence: Duration) -> Problem {
    let detail = format!("no line came for {} seconds", silence.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow_body", detail)
}

/// The line at which a batch has taken as long as it may.
pub fn long_batch(most: Duration) -> Problem {
    let detail = format!(
        "a batch may take {} seconds: send this line and what follows as another",
        most.as_secs()
    );
    Problem::new(StatusCode::REQUEST_TIMEOUT, "long_batch", detail)
}

/// A batch line that asks for a command there is not.
pub fn unknown_command() -> Problem {
    bad_request("unknown_command", "there is no such command").pointer(
        "/command",
        "invalid_value",
        "no command has this name",
    )
}

/// A batch line with an `id` for a command that makes something.
pub fn id_not_taken() -> Problem {
    let why = "what this command makes is named by data.id, if at all";
    bad_request("invalid_body", "the line is not what is wanted").pointer(
        "/id",
        "unknown_field",
        why,
    )
}

/// Nothing is there for who asks.
pub fn not_found(detail: &'static str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

/// A webhook of a gateway that this program has none of, or that sends none.
pub fn gateway_not_found() -> Problem {
    let detail = "there is no gateway of this name that sends events";
    Problem::new(StatusCode::NOT_FOUND, "gateway_not_found", detail)
}

/// A webhook that is not the gateway's, or too old.
pub fn invalid_signature() -> Problem {
    bad_request("invalid_signature", "the signature is not right for this body at this time")
}

/// A webhook that is the gateway's, and no event.
pub fn unreadable_event() -> Problem {
    bad_request("invalid_body", "the body is no event of this gateway")
}

/// A webhook that cannot be taken now.
pub fn come_again() -> Problem {
    let detail = "it cannot be taken now: send it again";
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "event_not_taken", detail)
        .retry_after(RETRY_WHEN_AWAY)
}

fn bad_request(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, code, detail)
}
