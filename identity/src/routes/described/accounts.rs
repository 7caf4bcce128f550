//! What people do with their accounts: who they are, what is mailed to them, their second factor,
//! being forgotten.

use axum::http::Method;
use service::openapi::{Description, Endpoint};

use super::{BODY, JSON, KEPT, PRIVATE, of, which};
use crate::people::Enrolment;
use crate::routes::accounts::{
    ChangeEmail, Code, Export, Farewell, Forgetting, Forgot, Me, Reset, Said,
};
use crate::routes::second_factor as second;

const TAG: &str = "account";

pub(super) fn describe(document: &mut Description) {
    document.tag(TAG, "One's own account: who one is, one's address, one's second factor.");
    mailed(document);
    own(document);
    second_factor(document);
}

/// What a code that was mailed is good for.
fn mailed(document: &mut Description) {
    let code = document.input::<Code>();
    let forgot = document.input::<Forgot>();
    let reset = document.input::<Reset>();
    let change = document.input::<ChangeEmail>();
    for operation in [
        post("/v1/people/verify", "account.verify")
            .text(
                "Shows by a code that was mailed, and the password of the account, that an address \
                 is one's own: who registered with it signs in from then on. With another \
                 password it is somebody else who registered, and nothing comes of it.",
            )
            .body(JSON, &code, true)
            .answer(204, "It is theirs.", None, &[])
            .refused(&BODY)
            .refused(&[403]),
        post("/v1/people/verify/again", "account.verify_again")
            .text("Mails such a code once more, unless the address is known to be theirs.")
            .answer(202, "It is mailed.", None, &[])
            .refuses(["not_found"]),
        post("/v1/people/reset", "account.reset")
            .text("Mails a code for another password, if anybody has the address.")
            .body(JSON, &forgot, true)
            .answer(202, "Heard, whether anybody has it or not.", None, &[])
            .refused(&BODY),
        post("/v1/people/reset/confirm", "account.confirm_reset")
            .text("Sets another password by such a code. All sessions end.")
            .body(JSON, &reset, true)
            .answer(204, "It is another one.", None, &[])
            .refused(&BODY)
            .refused(&[403]),
        post("/v1/people/me/email", "account.change_email")
            .text("Mails a code to another address, which is theirs once they have sent it.")
            .body(JSON, &change, true)
            .answer(202, "Heard, whether somebody else has it or not.", None, &[])
            .refused(&BODY)
            .refused(&[429]),
    ] {
        document.add(operation.refuses(KEPT));
    }
}

/// Who somebody is, and no longer is.
fn own(document: &mut Description) {
    let said = document.input::<Said>();
    let farewell = document.input::<Farewell>();
    let forgetting = document.input::<Forgetting>();
    let me = document.output::<Me>();
    let export = document.output::<Export>();
    for operation in [
        of(Method::GET, "/v1/people/me", "account.read", TAG).text("Who one is.").answer(
            200,
            "What is known.",
            Some((JSON, &me)),
            PRIVATE,
        ),
        of(Method::PUT, "/v1/people/me", "account.say", TAG)
            .text("Says who one is. What is left out is unsaid.")
            .body(JSON, &said, true)
            .answer(200, "What is known now.", Some((JSON, &me)), PRIVATE)
            .refused(&BODY),
        of(Method::GET, "/v1/people/me/export", "account.export", TAG)
            .text("All that is known of a shopper outside of the log, to take along.")
            .answer(200, "All of it.", Some((JSON, &export)), PRIVATE)
            .refuses(["not_found"]),
        post("/v1/people/me/forget", "account.forget")
            .text("Forgets a shopper. Who has an account says their password.")
            .body(JSON, &farewell, true)
            .answer(204, "They are forgotten.", None, &[])
            .refused(&BODY)
            .refused(&[429])
            .refuses(["not_found", "orders_open"]),
        which(post("/v1/people/{id}/forget", "person.forget"))
            .text("Forgets a customer, a guest, or who is in an address alone, who asked for it.")
            .body(JSON, &forgetting, true)
            .answer(204, "They are forgotten.", None, &[])
            .refused(&BODY)
            .refuses(["orders_open"]),
    ] {
        document.add(operation.refuses(KEPT));
    }
}

fn second_factor(document: &mut Description) {
    let begun = document.input::<second::Begun>();
    let code = document.input::<second::Code>();
    let removal = document.input::<second::Removal>();
    let enrolment = document.output::<Enrolment>();
    let confirmed = document.output::<second::Confirmed>();
    for operation in [
        post("/v1/people/me/totp", "second_factor.enrol")
            .text("Makes a secret for an app, shown this once. Confirmed, it is asked for.")
            .body(JSON, &begun, true)
            .answer(201, "The secret.", Some((JSON, &enrolment)), PRIVATE)
            .refused(&[429]),
        post("/v1/people/me/totp/confirm", "second_factor.confirm")
            .text(
                "Asks for a code from then on. The recovery codes are shown this once, and all \
                 sessions end. It is to be confirmed within 15 minutes.",
            )
            .body(JSON, &code, true)
            .answer(200, "The recovery codes.", Some((JSON, &confirmed)), PRIVATE)
            .refused(&[429]),
        post("/v1/people/me/totp/remove", "second_factor.remove")
            .text("Asks for no code any more. All sessions end.")
            .body(JSON, &removal, true)
            .answer(204, "There is none now.", None, &[])
            .refused(&[429]),
    ] {
        document.add(operation.refused(&BODY).refuses(["no_second_factor", "second_factor_there"]));
    }
    let rescue = of(Method::DELETE, "/v1/people/{id}/totp", "second_factor.rescue", TAG);
    let rescue = which(rescue)
        .text("Takes it from a customer who has lost it and their recovery codes, and tells them.")
        .answer(204, "They have none now.", None, &[]);
    document.add(rescue.refuses(KEPT));
}

fn post(path: &str, id: &str) -> Endpoint {
    of(Method::POST, path, id, TAG)
}
