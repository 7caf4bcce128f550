//! What these routes are asked and answer, for the document of the API they are served with.

use axum::http::Method;
use identity::Access::Ops;
use identity::routes::described::operation;
use serde_json::json;
use service::openapi::{Code, Description, Endpoint};
use service::paging::{Page, PageQuery};

use super::{deliveries as sent, subscriptions as to};
use crate::deliveries::{Delivery, Key};
use crate::subscriptions::{Replay, Subscription};

/// The codes of what is refused here, each with its status.
pub const CODES: &[Code] = &[
    (404, "delivery_not_found"),
    (404, "webhook_not_found"),
    (409, "already_delivered"),
    (409, "replay_under_way"),
    (409, "too_many_webhooks"),
    (503, "no_master_key"),
];

const TAG: &str = "webhook";
const JSON: &str = "application/json";
/// How a body may be refused.
const BODY: [u16; 3] = [400, 413, 415];
/// What is for nobody's cache.
const PRIVATE: &[&str] = &["Cache-Control"];
/// The same of a page, which leads to the next.
const PAGED: &[&str] = &["Cache-Control", "Link"];

/// Describes all of them.
pub fn describe(document: &mut Description) {
    document.tag(TAG, "Who outside is told of events, and what became of what was sent.");
    document.knows(CODES.iter().copied());
    subscriptions(document);
    deliveries(document);
}

fn subscriptions(document: &mut Description) {
    let new = document.input::<to::Wanted>();
    let change = document.input::<to::Changed>();
    let one = document.output::<Subscription>();
    let all = document.output::<Page<Subscription>>();
    let told = document.output::<to::Told>();
    let tested = document.output::<to::Tested>();
    let made = ["Cache-Control", "Location"];
    let by_id = json!({ "path.id": "$response.body#/id" });
    for operation in [
        of(Method::POST, "", "webhook.create")
            .text("Tells a receiver of events from now on. The secret is shown this once.")
            .body(JSON, &new, true)
            .answer(201, "It, with its secret.", Some((JSON, &told)), &made)
            .link(201, "webhook.read", &by_id, None)
            .refused(&BODY)
            .refuses(["too_many_webhooks"]),
        of(Method::GET, "", "webhook.list")
            .text("All webhooks, the newest first.")
            .query::<PageQuery>(document)
            .answer(200, "A page of them.", Some((JSON, &all)), PAGED),
        of(Method::GET, "/{id}", "webhook.read")
            .text("A webhook, and how far the log was read for it.")
            .answer(200, "It.", Some((JSON, &one)), PRIVATE),
        of(Method::PATCH, "/{id}", "webhook.change")
            .text("Changes what is named. One that is active again goes on where it stopped.")
            .body(JSON, &change, true)
            .answer(200, "As it is now.", Some((JSON, &one)), PRIVATE)
            .refused(&BODY),
        of(Method::DELETE, "/{id}", "webhook.remove")
            .text("Tells a receiver of nothing any more.")
            .answer(204, "It is gone.", None, &[]),
        of(Method::POST, "/{id}/rotate-secret", "webhook.rotate_secret")
            .text("Makes another secret, beside which the one before it signs for a day.")
            .answer(200, "It, with the other secret.", Some((JSON, &told)), PRIVATE),
        of(Method::POST, "/{id}/test", "webhook.test")
            .text("Sends the receiver something now, whatever the state of the webhook.")
            .answer(200, "What the receiver said.", Some((JSON, &tested)), PRIVATE),
    ] {
        document.add(operation);
    }
}

fn deliveries(document: &mut Description) {
    let stretch = document.input::<sent::Stretch>();
    let key = document.input::<Key>();
    let replay = document.output::<Replay>();
    let listed = document.output::<Page<Delivery>>();
    let told = of(Method::POST, "/{id}/replay", "webhook.replay")
        .text("Tells a receiver again of a stretch of the log, both ends included.")
        .body(JSON, &stretch, true)
        .answer(202, "It has begun.", Some((JSON, &replay)), PRIVATE)
        .refused(&BODY)
        .refuses(["replay_under_way"]);
    document.add(told);
    let told = of(Method::GET, "/{id}/deliveries", "webhook.deliveries")
        .text("What was given up, or is to be sent, or was taken, as is asked.")
        .query::<sent::Asked>(document)
        .answer(200, "A page of them.", Some((JSON, &listed)), PAGED);
    document.add(told);
    let path = "/{id}/deliveries/{delivery_id}/retry";
    let told = of(Method::POST, path, "webhook.retry")
        .text("Sends something now, and again for as long as anything is.")
        .path("delivery_id", "Which of what is sent.", &key)
        .answer(202, "It is sent soon.", None, &[])
        .refuses(["already_delivered", "delivery_not_found"]);
    document.add(told);
}

/// One of them, by what follows the path that all have.
fn of(method: Method, rest: &str, id: &str) -> Endpoint {
    let path = format!("/v1/webhooks{rest}");
    let uuid = json!({ "type": "string", "format": "uuid" });
    let operation = operation(method, &path, id, TAG, Ops);
    if rest.is_empty() {
        return operation;
    }
    operation.path("id", "Which webhook.", &uuid).refused(&[400]).refuses(["webhook_not_found"])
}
