//! Which person or shopper asks.

use axum::http::StatusCode;
use service::Problem;
use uuid::Uuid;

use crate::access::unauthorized;
use crate::principal::{Member, Principal};

/// Which person a principal is that has signed in.
pub(super) fn person(principal: Principal) -> Result<Uuid, Problem> {
    match principal {
        Principal::Customer(id) => Ok(id.0),
        Principal::Enrolling(id) | Principal::Member(Member::Person(id), _) => Ok(id),
        Principal::Stranger | Principal::Guest(_) | Principal::Member(..) => {
            Err(unauthorized("sign in first"))
        }
    }
}

/// Which shopper a principal is.
pub(super) fn shopper(principal: Principal) -> Result<Uuid, Problem> {
    match principal {
        Principal::Guest(id) => Ok(id.0),
        Principal::Customer(id) => Ok(id.0),
        Principal::Stranger | Principal::Enrolling(_) | Principal::Member(..) => {
            let detail = "you are no shopper of whom anything could be known";
            Err(Problem::new(StatusCode::NOT_FOUND, "not_found", detail))
        }
    }
}
