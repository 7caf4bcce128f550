//! What these routes are asked and answer, for the document of the API they are served with. A
//! route that is not here fails the test of that API.
//!
//! * `sessions`: registering, signing in, guests, what verifies tokens; `accounts`: what people do
//!   with theirs; `addresses`: where orders go; `staff`: what the owner and those who keep the
//!   programs running see to.

mod accounts;
mod addresses;
mod sessions;
mod staff;

use axum::http::Method;
use serde_json::{Value, json};
use service::openapi::{Code, Description, Endpoint};

use crate::access::Access;
use crate::guard;

/// The codes of what is refused here, each with its status; the guard has its own.
pub const CODES: &[Code] = &[
    (401, "totp_required"),
    (401, "unauthorized"),
    (401, "wrong_credentials"),
    (401, "wrong_totp"),
    (403, "code_not_good"),
    (403, "forbidden"),
    (403, "password_needed"),
    (404, "not_found"),
    (409, "already_exists"),
    (409, "email_taken"),
    (409, "last_owner"),
    (409, "no_second_factor"),
    (409, "not_invited"),
    (409, "orders_open"),
    (409, "second_factor_there"),
    (409, "too_many_keys"),
    (409, "too_many_records"),
    (409, "works_here"),
    (409, "yourself"),
    (410, "erased"),
    (429, "too_many_tries"),
    (503, "no_issuer"),
    (503, "no_mail"),
    (503, "overloaded"),
];

const JSON: &str = "application/json";
/// How a body may be refused.
const BODY: [u16; 3] = [400, 413, 415];
/// What may be answered whatever is asked.
const ALWAYS: [u16; 5] = [400, 401, 429, 500, 503];
/// Of what is kept of people: of who was forgotten, of whom there is too much, or where it is
/// somebody else's.
const KEPT: [&str; 3] = ["already_exists", "erased", "too_many_records"];
/// What is for nobody's cache.
const PRIVATE: &[&str] = &["Cache-Control"];
/// The same of a page, which leads to the next.
const PAGED: &[&str] = &["Cache-Control", "Link"];

/// An operation for those who may.
pub fn operation(
    method: Method,
    path: &str,
    id: &str,
    tag: &'static str,
    access: Access,
) -> Endpoint {
    let operation = Endpoint::new(method, path, id, tag);
    let operation = operation.access(access.name(), access == Access::Anyone);
    let operation = operation.takes(&["X-Request-Id"]).refused(&ALWAYS);
    if access == Access::Anyone { operation } else { operation.refused(&[403]) }
}

/// Describes all of them.
pub fn describe(document: &mut Description) {
    document.knows(CODES.iter().copied());
    document.any(guard::CODES.iter().copied());
    sessions::describe(document);
    accounts::describe(document);
    addresses::describe(document);
    staff::describe(document);
}

/// One of them, for those whom its line lets in.
fn of(method: Method, path: &str, id: &str, tag: &'static str) -> Endpoint {
    let doors = super::all();
    let access = doors.iter().find(|(known, ..)| *known == path).map(|(_, access, _)| *access);
    operation(method, path, id, tag, access.unwrap_or(Access::Ops))
}

/// One of the path that says which.
fn which(operation: Endpoint) -> Endpoint {
    let uuid = json!({ "type": "string", "format": "uuid" });
    operation.path("id", "Which.", &uuid).refused(&[400]).refuses(["not_found"])
}

/// What an id in an answer leads to.
fn by_id() -> Value {
    json!({ "path.id": "$response.body#/id" })
}
