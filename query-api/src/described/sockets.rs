//! What is sent over a socket, as far as `OpenAPI` can say it.

use service::openapi::Description;

use super::{LOG, SHOPPING, get};
use crate::one::Id;
use crate::resources::{event, order_live};

/// What is sent over a WebSocket, `/asyncapi.json` says.
pub fn describe(document: &mut Description) {
    let id = document.input::<Id>();
    let told = get("/v1/orders/{id}/live/ws", "order.socket", SHOPPING)
        .text("An order, as it stands and each time it becomes another, over a WebSocket.")
        .path("id", "Which order.", &id)
        .query::<order_live::Parameters>(document)
        .answer(101, "The WebSocket.", None, &["Log-Id"])
        .refused(&[426, 429, 504])
        .refuses(["not_found"]);
    document.add(told);
    let told = get("/v1/events/ws", "event.socket", LOG)
        .text("The log live, over a WebSocket.")
        .query::<event::Parameters>(document)
        .answer(101, "The WebSocket.", None, &["Log-Id"])
        .refused(&[426]);
    document.add(told);
}
