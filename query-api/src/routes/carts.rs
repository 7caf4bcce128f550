//! `/v1/carts/{id}`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::{CartId, StreamId, cart};
use service::Problem;
use service::extract::{Path, Query};

use super::{Id, One};
use crate::app::App;
use crate::as_of;
use crate::document::{read, respond};
use crate::fresh::{Fresh, Prefer};
use crate::progress::Model;

/// `GET /v1/carts/{id}`
pub async fn one(
    State(app): State<App>,
    Path(Id(id)): Path<Id>,
    Query(one): Query<One>,
    prefer: Prefer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stream = StreamId::Cart(CartId(id));
    if let Some(point) = one.point()? {
        let stored = as_of::single(&app, &stream, point, cart::document::fold).await?;
        return Ok(respond(&headers, "cart", stored));
    }
    let fresh = Fresh::new(one.min_position, prefer);
    let stream = stream.to_string();
    let stored = read!(app, fresh, Model::Carts, stream, "carts", "id = $1", id);
    Ok((fresh.applied(), respond(&headers, "cart", stored)).into_response())
}
