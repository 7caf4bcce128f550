//! `/v1/payments`

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use domain::payment::Status;
use domain::{PaymentId, StreamId, payment};
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};
use uuid::Uuid;

use super::{Id, One, word};
use crate::app::App;
use crate::as_of;
use crate::cursor::Kind;
use crate::document::{read, respond};
use crate::fresh::{Fresh, Prefer};
use crate::list::{Limit, Listing, Order};
use crate::progress::Model;

/// `GET /v1/payments/{id}`
pub async fn one(
    State(app): State<App>,
    Path(Id(id)): Path<Id>,
    Query(one): Query<One>,
    prefer: Prefer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stream = StreamId::Payment(PaymentId(id));
    if let Some(point) = one.point()? {
        let stored = as_of::single(&app, &stream, point, payment::document::fold).await?;
        return Ok(respond(&headers, "payment", stored));
    }
    let fresh = Fresh::new(one.min_position, prefer);
    let stream = stream.to_string();
    let stored = read!(app, fresh, Model::Payments, stream, "payments", "id = $1", id);
    Ok((fresh.applied(), respond(&headers, "payment", stored)).into_response())
}

/// Which payments.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    order_id: Option<Uuid>,
    status: Option<Status>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
    min_position: Option<i64>,
}

/// `GET /v1/payments`
pub async fn list(
    State(app): State<App>,
    Query(filter): Query<Filter>,
    prefer: Prefer,
    uri: Uri,
) -> Result<Response, Problem> {
    const NEWEST: Order = Order {
        tag: "payments -",
        columns: &[("created_at", Kind::Time), ("id", Kind::Id)],
        descending: true,
    };
    let fresh = Fresh::new(filter.min_position, prefer);
    let mut db = app.progress.reader(Model::Payments, &fresh).await?;
    let page = Listing::of("payments", NEWEST)
        .only("order_id =", filter.order_id)
        .only("status =", word(filter.status))
        .page(&mut db, filter.limit, filter.cursor.as_deref())
        .await?;
    Ok((fresh.applied(), db.lacks(), page.respond(&uri)).into_response())
}
