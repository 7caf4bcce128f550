//! Who comes and goes: guests, registering, sessions; and what verifies their tokens.

use axum::http::Method;
use serde_json::{Value, json};
use service::openapi::{Description, Endpoint};
use service::paging::{Page, PageQuery};

use super::{BODY, JSON, KEPT, PAGED, PRIVATE, of, which};
use crate::people::Session;
use crate::people::sign_ins::SignIn;
use crate::routes::guests::Welcome;
use crate::routes::people::{Credentials, Passwords, Refresh, Registration, SignedIn};
use crate::routes::sign_ins;

const TAG: &str = "people";

pub(super) fn describe(document: &mut Description) {
    document.tag(TAG, "Who buys and who works here: guests, registering, sessions.");
    published(document);
    newcomers(document);
    sessions(document);
    customers(document);
}

fn newcomers(document: &mut Description) {
    let newcomer = document.input::<Registration>();
    let welcome = document.output::<Welcome>();
    for operation in [
        post("/v1/guests", "guest.welcome")
            .text("Gives a new guest a token. Theirs are the carts and orders begun with it.")
            .answer(201, "Their token.", Some((JSON, &welcome)), PRIVATE),
        post("/v1/guests/end", "guest.leave")
            .text("Withdraws a guest's own token. What was theirs is reached by nobody else.")
            .answer(204, "It is worth nothing within ten seconds.", None, &[])
            .refuses(["not_found"]),
        post("/v1/people", "person.register")
            .text(
                "Registers a customer, who signs in once they have sent back the code that is \
                 mailed; at once, where no mails are sent. The answer is the same where somebody \
                 has the address.",
            )
            .body(JSON, &newcomer, true)
            .answer(202, "Heard.", None, PRIVATE)
            .refused(&BODY),
    ] {
        document.add(operation);
    }
}

fn sessions(document: &mut Description) {
    let credentials = document.input::<Credentials>();
    let passwords = document.input::<Passwords>();
    let refresh = document.input::<Refresh>();
    let signed_in = document.output::<SignedIn>();
    let sessions = document.output::<Page<Session>>();
    let sign_ins = document.output::<Page<SignIn>>();
    for operation in [
        post("/v1/sessions", "session.begin")
            .text("Signs in. Who has a second factor sends a code of it too.")
            .body(JSON, &credentials, true)
            .answer(201, "Their tokens.", Some((JSON, &signed_in)), PRIVATE)
            .refused(&BODY)
            .refused(&[429]),
        post("/v1/sessions/refresh", "session.refresh")
            .text("Stays signed in. The refresh token is another from then on.")
            .body(JSON, &refresh, true)
            .answer(200, "Their tokens.", Some((JSON, &signed_in)), PRIVATE)
            .refused(&BODY),
        post("/v1/sessions/end", "session.end")
            .text("Signs out.")
            .body(JSON, &refresh, true)
            .answer(204, "Signed out.", None, &[])
            .refused(&BODY),
        of(Method::GET, "/v1/people/me/sessions", "session.list", TAG)
            .text("One's own sessions, the one first that was used last.")
            .query::<PageQuery>(document)
            .answer(200, "A page of them.", Some((JSON, &sessions)), PAGED),
        of(Method::GET, "/v1/people/me/sign-ins", "sign_in.own", TAG)
            .text(
                "Who signed in as oneself or tried to, and what became of password, e-mail and \
                 second factor, for 90 days; the latest first.",
            )
            .query::<PageQuery>(document)
            .answer(200, "A page of them.", Some((JSON, &sign_ins)), PAGED),
        of(Method::GET, "/v1/sign-ins", "sign_in.list", TAG)
            .text("The same of all, or of somebody, and of e-mails that nobody has.")
            .query::<sign_ins::Sought>(document)
            .answer(200, "A page of them.", Some((JSON, &sign_ins)), PAGED),
        which(of(Method::DELETE, "/v1/people/me/sessions/{id}", "session.remove", TAG))
            .text("Ends one of one's own sessions.")
            .answer(204, "It has ended.", None, &[]),
        post("/v1/people/me/password", "person.change_password")
            .text("Sets another password. All sessions end.")
            .body(JSON, &passwords, true)
            .answer(204, "It is another one.", None, &[])
            .refused(&BODY)
            .refused(&[429])
            .refuses(KEPT),
    ] {
        document.add(operation);
    }
}

/// What the back office does about those of customers.
fn customers(document: &mut Description) {
    for operation in [
        which(post("/v1/people/{id}/disable", "person.disable"))
            .text("Lets a customer in no more. What they are signed in with ends.")
            .answer(204, "They are out.", None, &[]),
        which(post("/v1/people/{id}/enable", "person.enable"))
            .text("Lets a customer in again.")
            .answer(204, "They may sign in.", None, &[]),
        which(of(Method::DELETE, "/v1/people/{id}/sessions", "person.send_away", TAG))
            .text("Ends what a customer is signed in with, everywhere.")
            .answer(204, "They are signed out.", None, &[]),
    ] {
        document.add(operation);
    }
}

/// What others verify tokens with.
fn published(document: &mut Description) {
    let keys = document.named("KeySet", key_set());
    let metadata = document.named("AuthorizationServer", metadata());
    let told = of(Method::GET, "/.well-known/jwks.json", "keys.read", TAG)
        .text("The keys that verify the shop's tokens (RFC 7517).")
        .answer(200, "The keys of now.", Some((JSON, &keys)), PRIVATE);
    document.add(told);
    for (path, id, text) in [
        (
            "/.well-known/oauth-authorization-server",
            "issuer.read",
            "Who signs the shop's tokens (RFC 8414). Nobody signs in here for others.",
        ),
        (
            "/.well-known/openid-configuration",
            "issuer.discover",
            "The same, where OpenID Connect Discovery has it. There are no ID tokens.",
        ),
    ] {
        let told = of(Method::GET, path, id, TAG)
            .text(text)
            .answer(200, "Its name, and where its keys are.", Some((JSON, &metadata)), PRIVATE)
            .refuses(["not_found"]);
        document.add(told);
    }
}

fn post(path: &str, id: &str) -> Endpoint {
    of(Method::POST, path, id, TAG)
}

fn key_set() -> Value {
    json!({
        "description": "Keys, as RFC 7517 has them.",
        "type": "object",
        "required": ["keys"],
        "properties": { "keys": { "type": "array", "items": { "type": "object" } } },
    })
}

fn metadata() -> Value {
    let none = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "description": "Who signs tokens, as RFC 8414 has it.",
        "type": "object",
        "required": ["issuer", "jwks_uri"],
        "properties": {
            "issuer": { "type": "string" },
            "jwks_uri": { "type": "string", "description": "Where the keys are." },
            "response_types_supported": none,
            "subject_types_supported": { "type": "array", "items": { "const": "public" } },
            "id_token_signing_alg_values_supported": none,
            "grant_types_supported": none,
            "token_endpoint_auth_methods_supported": none,
        },
    })
}
