//! The reads of what happened, and of what happens next.

use serde_json::json;
use service::openapi::Description;

use super::{JSON, LOG, SHOPPING, get};
use crate::one::Id;
use crate::resources::event::LIVE;
use crate::resources::{event, history, stream};

/// Everything that happened: of the log, of a stream, of an order.
pub fn describe(document: &mut Description) {
    let (id, code) = (document.input::<Id>(), json!({ "type": "string", "minLength": 1 }));
    let of_order = document.output::<history::OrderHistory>();
    let told = get("/v1/orders/{id}/history", "order.history", SHOPPING)
        .text("Everything that happened to an order, its payments, its parcels and its returns.")
        .path("id", "Which order.", &id)
        .query::<history::Parameters>(document)
        .answer(200, "A part of it.", Some((JSON, &of_order)), &["Link", "Log-Id"])
        .refuses(["not_found"]);
    document.add(told);
    let order = document.output::<domain::page::order::Document>();
    let lines = json!({
        "type": "string", "description": "An order a line.",
        "contentMediaType": JSON, "contentSchema": order,
    });
    let told = get("/v1/people/me/orders", "order.export", SHOPPING)
        .text("All orders of a customer to take along, the oldest first, 10,000 at most.")
        .answer(200, "They.", Some(("application/x-ndjson", &lines)), &["Cache-Control"])
        .refuses(["not_found"]);
    document.add(told);
    let frames = json!({ "type": "string", "description": "Its document each, as the `data`." });
    let told = get("/v1/orders/{id}/live", "order.live", SHOPPING)
        .text("An order, as it stands and each time it becomes another, as server-sent events.")
        .path("id", "Which order.", &id)
        .takes(&["Last-Event-ID"])
        .answer(200, "It.", Some((LIVE, &frames)), &["Cache-Control", "Log-Id"])
        .refused(&[429, 504])
        .refuses(["not_found"]);
    document.add(told);
    let of_stream = document.output::<stream::StreamHistory>();
    let names: Vec<&str> = domain::Category::ALL.iter().map(|known| known.name()).collect();
    let told = get("/v1/streams/{category}/{id}", "stream.read", LOG)
        .text("Everything that happened to one thing.")
        .path("category", "Its kind.", &json!({ "type": "string", "enum": names }))
        .path("id", "Which: a UUID, a SKU or the code of a location.", &code)
        .query::<stream::Parameters>(document)
        .answer(200, "A part of it.", Some((JSON, &of_stream)), &["Link", "Log-Id"])
        .refuses(["not_found"]);
    document.add(told);
    let event = document.output::<event_store::RawEvent>();
    let lines = json!({
        "type": "string", "description": "An event a line.",
        "contentMediaType": JSON, "contentSchema": event,
    });
    let live = json!({ "type": "string", "description": "An event each, as its `data`." });
    let headers = ["Log-Id", "Next-After", "Cache-Control"];
    let told = get("/v1/events", "event.list", LOG)
        .text("The log, as lines of JSON up to its head, or live as server-sent events.")
        .query::<event::Parameters>(document)
        .takes(&["Last-Event-ID"])
        .answer(200, "The events.", Some(("application/x-ndjson", &lines)), &headers)
        .answer(200, "The events.", Some(("text/event-stream", &live)), &headers)
        .answer(204, "Nothing is left to come of what was to be followed.", None, &["Log-Id"])
        .refused(&[406]);
    document.add(told);
}
