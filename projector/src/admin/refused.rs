//! How something is refused that was to be done by hand.

use axum::http::StatusCode;
use service::Problem;
use service::openapi::Code;

use crate::building::error::{NoWayBack, RebuildError};
use crate::operations::HandError;
use crate::working::parking;
use crate::working::retry::RetryError;
use crate::working::skip::SkipError;

/// How it is refused what is asked here, each with its status, beside what every service has.
pub const CODES: &[Code] = &[
    (404, "no_such_event"),
    (404, "no_such_projection"),
    (409, "another_version"),
    (409, "build_under_way"),
    (409, "held_by_nobody"),
    (409, "kept_is_lost"),
    (409, "not_parked"),
    (409, "not_skipped"),
    (409, "nothing_kept"),
    (409, "nothing_under_way"),
];

/// 409, with a code.
pub(super) fn conflict(code: &'static str, detail: impl std::fmt::Display) -> Problem {
    Problem::new(StatusCode::CONFLICT, code, detail.to_string())
}

/// 409 `build_under_way`.
pub(super) fn under_way(detail: impl std::fmt::Display) -> Problem {
    conflict("build_under_way", detail)
}

/// How something is refused that was to be done by hand.
pub(super) fn problem(error: HandError) -> Problem {
    match error {
        HandError::Database(error) | HandError::Retry(RetryError::Database(error)) => error.into(),
        HandError::Rebuild(error) => of_a_build(error),
        HandError::Retry(RetryError::Version(error)) => conflict("another_version", error),
        HandError::Skip(error) => of_an_event(error),
        HandError::Stopped => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "draining", "this process ends")
        }
    }
}

fn of_a_build(error: RebuildError) -> Problem {
    match error {
        RebuildError::Database(error) => error.into(),
        RebuildError::Version(error) => conflict("another_version", error),
        RebuildError::NoWayBack(none) => match none {
            NoWayBack::Nothing(_) => conflict("nothing_kept", none),
            NoWayBack::Older { .. } | NoWayBack::Newer { .. } => conflict("another_version", none),
            NoWayBack::Lost(_) => conflict("kept_is_lost", none),
        },
        error @ RebuildError::Busy { .. } => under_way(error),
        RebuildError::Fenced(_)
        | RebuildError::Batch(_)
        | RebuildError::Push(_)
        | RebuildError::Index(_) => {
            tracing::error!(cause = parking::chain(&error), "a build could not be made");
            Problem::internal()
        }
    }
}

fn of_an_event(error: SkipError) -> Problem {
    match error {
        SkipError::Database(error) | SkipError::Retry(RetryError::Database(error)) => error.into(),
        SkipError::Version(error) | SkipError::Retry(RetryError::Version(error)) => {
            conflict("another_version", error)
        }
        SkipError::NoEvent { .. } => {
            Problem::new(StatusCode::NOT_FOUND, "no_such_event", error.to_string())
        }
        SkipError::Reason => {
            let detail = "the body is not what is wanted";
            let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail);
            problem.pointer("/reason", "invalid_value", error.to_string())
        }
        SkipError::NotRead(_)
        | SkipError::Elsewhere { .. }
        | SkipError::NotStuck
        | SkipError::TooMany => conflict("not_skipped", error),
    }
}
