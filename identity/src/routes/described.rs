//! What these routes are asked and answer, for the document of the API they are served with. A
//! route that is not here fails the test of that API.

use axum::http::Method;
use serde_json::{Value, json};
use service::openapi::{Code, Description, Endpoint};

use super::guests::Welcome;
use super::people::{Credentials, Passwords, Refresh, Registration, Sessions, SignedIn};
use crate::access::Access;

/// The codes of what is refused here, each with its status.
pub const CODES: &[Code] = &[
    (401, "unauthorized"),
    (401, "wrong_credentials"),
    (403, "forbidden"),
    (404, "not_found"),
    (429, "too_many_tries"),
    (503, "no_issuer"),
    (503, "overloaded"),
];

const TAG: &str = "people";
const JSON: &str = "application/json";
const BODY: [u16; 3] = [400, 413, 415];
/// What may be answered whatever is asked.
const ALWAYS: [u16; 3] = [401, 500, 503];

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
    document.tag(TAG, "Who buys and who works here: guests, registering, sessions.");
    document.knows(CODES.iter().copied());
    let newcomer = document.input::<Registration>();
    let credentials = document.input::<Credentials>();
    let passwords = document.input::<Passwords>();
    let refresh = document.input::<Refresh>();
    let signed_in = document.output::<SignedIn>();
    let sessions = document.output::<Sessions>();
    let welcome = document.output::<Welcome>();
    let keys = document.named("KeySet", key_set());
    let private: &[&str] = &["Cache-Control"];
    let uuid = json!({ "type": "string", "format": "uuid" });
    let post = |path: &str, id: &str| of(Method::POST, path, id);
    for operation in [
        of(Method::GET, "/.well-known/jwks.json", "keys.read")
            .text("The keys that verify the shop's tokens (RFC 7517).")
            .answer(200, "The keys of now.", Some((JSON, &keys)), private),
        post("/v1/guests", "guest.welcome")
            .text("Gives a new guest a token. Theirs are the carts and orders begun with it.")
            .answer(201, "Their token.", Some((JSON, &welcome)), private),
        post("/v1/people", "person.register")
            .text("Registers a customer. The answer is the same where somebody has the address.")
            .body(JSON, &newcomer, true)
            .answer(202, "Heard.", None, private)
            .refused(&BODY),
        post("/v1/sessions", "session.begin")
            .text("Signs in.")
            .body(JSON, &credentials, true)
            .answer(201, "Their tokens.", Some((JSON, &signed_in)), private)
            .refused(&BODY)
            .refused(&[429]),
        post("/v1/sessions/refresh", "session.refresh")
            .text("Stays signed in. The refresh token is another from then on.")
            .body(JSON, &refresh, true)
            .answer(200, "Their tokens.", Some((JSON, &signed_in)), private)
            .refused(&BODY),
        post("/v1/sessions/end", "session.end")
            .text("Signs out.")
            .body(JSON, &refresh, true)
            .answer(204, "Signed out.", None, &[])
            .refused(&BODY),
        of(Method::GET, "/v1/people/me/sessions", "session.list")
            .text("One's own sessions.")
            .answer(200, "All of them.", Some((JSON, &sessions)), private),
        of(Method::DELETE, "/v1/people/me/sessions/{id}", "session.remove")
            .text("Ends one of one's own sessions.")
            .path("id", "Which.", &uuid)
            .answer(204, "It has ended.", None, &[])
            .refused(&[400, 404]),
        post("/v1/people/me/password", "person.change_password")
            .text("Sets another password. All sessions end.")
            .body(JSON, &passwords, true)
            .answer(204, "It is another one.", None, &[])
            .refused(&BODY)
            .refused(&[429]),
    ] {
        document.add(operation);
    }
}

fn of(method: Method, path: &str, id: &str) -> Endpoint {
    let doors = super::all();
    let access = doors.iter().find(|(known, ..)| *known == path).map(|(_, access, _)| *access);
    operation(method, path, id, TAG, access.unwrap_or(Access::Ops))
}

fn key_set() -> Value {
    json!({
        "description": "Keys, as RFC 7517 has them.",
        "type": "object",
        "required": ["keys"],
        "properties": { "keys": { "type": "array", "items": { "type": "object" } } },
    })
}
