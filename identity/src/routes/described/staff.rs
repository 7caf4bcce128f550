//! Who and what works here, as the owner sees to it: people, keys of programs; and what became of
//! mails.

use axum::http::Method;
use mail::outbox::Shown;
use service::openapi::{Description, Endpoint};
use service::paging::{Page, PageQuery};

use super::{BODY, JSON, KEPT, PAGED, PRIVATE, by_id, of, which};
use crate::api_keys::{ApiKey, Made, Wanted};
use crate::people::{Colleague, Invitation};
use crate::routes::{api_keys, mails, staff};

const STAFF: &str = "staff";
const KEYS: &str = "api_key";
const MAILS: &str = "mail";

pub(super) fn describe(document: &mut Description) {
    document.tag(STAFF, "Those who work here.");
    document.tag(KEYS, "Keys of programs.");
    document.tag(MAILS, "What became of mails.");
    colleagues(document);
    keys(document);
    letters(document);
}

fn colleagues(document: &mut Description) {
    let newcomer = document.input::<staff::Newcomer>();
    let joining = document.input::<staff::Joining>();
    let role = document.input::<staff::NewRole>();
    let all = document.output::<Page<Colleague>>();
    let invitation = document.output::<Invitation>();
    let delete = |path, id| which(of(Method::DELETE, path, id, STAFF));
    for operation in [
        of(Method::GET, "/v1/staff", "staff.list", STAFF)
            .text("All who work here, those first who came last.")
            .query::<PageQuery>(document)
            .answer(200, "A page of them.", Some((JSON, &all)), PAGED),
        post("/v1/staff", "staff.invite", STAFF)
            .text(
                "Invites somebody. What lets them in is shown this once, and mailed to them where \
                 mails are sent.",
            )
            .body(JSON, &newcomer, true)
            .answer(201, "What to send them.", Some((JSON, &invitation)), PRIVATE)
            .link(201, "staff.invite_again", &by_id(), None)
            .link(201, "staff.set_role", &by_id(), None)
            .link(201, "staff.disable", &by_id(), None)
            .link(201, "staff.enable", &by_id(), None)
            .refused(&BODY)
            .refuses(["email_taken"]),
        which(post("/v1/staff/{id}/invite", "staff.invite_again", STAFF))
            .text("Invites somebody again who has not joined yet. What they had is good no more.")
            .answer(200, "What to send them.", Some((JSON, &invitation)), PRIVATE)
            .refuses(["not_invited"]),
        post("/v1/staff/join", "staff.join", STAFF)
            .text("Takes an invitation, with a password that is theirs from then on.")
            .body(JSON, &joining, true)
            .answer(204, "They may sign in.", None, &[])
            .refused(&BODY),
        which(of(Method::PUT, "/v1/staff/{id}/role", "staff.set_role", STAFF))
            .text("Gives somebody another role.")
            .body(JSON, &role, true)
            .answer(204, "It is another one.", None, &[])
            .refused(&BODY)
            .refuses(["last_owner", "yourself"]),
        which(post("/v1/staff/{id}/disable", "staff.disable", STAFF))
            .text("Lets somebody in no more.")
            .answer(204, "They are out.", None, &[])
            .refuses(["last_owner", "yourself"]),
        which(post("/v1/staff/{id}/enable", "staff.enable", STAFF))
            .text("Lets somebody in again.")
            .answer(204, "They may sign in.", None, &[]),
        delete("/v1/staff/{id}/sessions", "staff.send_away")
            .text("Ends what somebody is signed in with, everywhere.")
            .answer(204, "They are signed out.", None, &[]),
        delete("/v1/staff/{id}/totp", "staff.forget_second_factor")
            .text("Takes the second factor from who has lost it and their recovery codes.")
            .answer(204, "They have none now.", None, &[])
            .refuses(["yourself"])
            .refuses(KEPT),
        delete("/v1/staff/{id}", "staff.forget")
            .text("Forgets somebody who worked here and is disabled.")
            .answer(204, "They are forgotten.", None, &[])
            .refuses(["works_here", "yourself"])
            .refuses(KEPT),
    ] {
        document.add(operation);
    }
}

fn keys(document: &mut Description) {
    let wanted = document.input::<Wanted>();
    let rotation = document.input::<api_keys::Rotation>();
    let all = document.output::<Page<ApiKey>>();
    let made = document.output::<Made>();
    for operation in [
        of(Method::GET, "/v1/api-keys", "api_key.list", KEYS)
            .text(
                "All keys of programs, those included that were revoked of late; the newest first.",
            )
            .query::<PageQuery>(document)
            .answer(200, "A page of them.", Some((JSON, &all)), PAGED),
        post("/v1/api-keys", "api_key.create", KEYS)
            .text("Makes a key, which is shown this once. No program is the owner.")
            .body(JSON, &wanted, true)
            .answer(201, "The key.", Some((JSON, &made)), PRIVATE)
            .link(201, "api_key.rotate", &by_id(), None)
            .link(201, "api_key.revoke", &by_id(), None)
            .refused(&BODY)
            .refuses(["too_many_keys"]),
        which(post("/v1/api-keys/{id}/rotate", "api_key.rotate", KEYS))
            .text("Makes another key in its place, which is shown this once.")
            .body(JSON, &rotation, true)
            .answer(200, "The other key.", Some((JSON, &made)), PRIVATE)
            .refused(&BODY),
        which(of(Method::DELETE, "/v1/api-keys/{id}", "api_key.revoke", KEYS))
            .text("Revokes a key. It is worth nothing anywhere within 30 s.")
            .answer(204, "It is revoked.", None, &[]),
    ] {
        document.add(operation);
    }
}

fn letters(document: &mut Description) {
    let all = document.output::<Page<Shown>>();
    let list = of(Method::GET, "/v1/mails", "mail.list", MAILS)
        .text("Mails of a state, the oldest first: those that were given up, unless it is said.")
        .query::<mails::Which>(document)
        .answer(200, "A page of them.", Some((JSON, &all)), PAGED);
    document.add(list);
    let retry = which(post("/v1/mails/{id}/retry", "mail.retry", MAILS))
        .text("Sends a mail again that was given up.")
        .answer(202, "It is sent soon.", None, &[]);
    document.add(retry);
}

fn post(path: &str, id: &str, tag: &'static str) -> Endpoint {
    of(Method::POST, path, id, tag)
}
