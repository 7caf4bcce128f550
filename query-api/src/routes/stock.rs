//! `/v1/stock`: what is there of each SKU.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use domain::{Category, view};
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};

use super::One;
use crate::app::App;
use crate::as_of;
use crate::caller::Caller;
use crate::cursor::Kind;
use crate::document::{read, respond};
use crate::fresh::{Fresh, Prefer};
use crate::list::{Limit, Listing, Order};
use crate::progress::Model;

/// `GET /v1/stock/{sku}`
pub async fn one(
    State(app): State<App>,
    Path(sku): Path<String>,
    Query(one): Query<One>,
    prefer: Prefer,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stream = as_of::stream(Category::Stock, "sku", &sku)?;
    if let Some(point) = one.point()? {
        caller.must_be_trusted()?;
        let stored = as_of::single(&app, &stream, point, view::stock::fold).await?;
        return Ok(respond(&headers, "stock", stored));
    }
    let fresh = Fresh::new(one.min_position, prefer);
    let stream = stream.to_string();
    let stored = read!(app, fresh, Model::Stock, stream, "stock", "id = $1", sku);
    Ok((fresh.applied(), respond(&headers, "stock", stored)).into_response())
}

/// Which SKUs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Only these.
    #[serde(default)]
    sku: Vec<String>,
    /// Only those of which no more than this may be sold: what is running out.
    available_max: Option<i64>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
    min_position: Option<i64>,
}

/// `GET /v1/stock`
pub async fn list(
    State(app): State<App>,
    Query(filter): Query<Filter>,
    prefer: Prefer,
    uri: Uri,
) -> Result<Response, Problem> {
    const BY_SKU: Order = Order { tag: "stock", columns: &[("id", Kind::Text)], descending: false };
    let fresh = Fresh::new(filter.min_position, prefer);
    let mut db = app.progress.reader(Model::Stock, &fresh).await?;
    let page = Listing::of("stock", BY_SKU)
        .any_of("id", filter.sku)
        .only("available <=", filter.available_max)
        .page(&mut db, filter.limit, filter.cursor.as_deref())
        .await?;
    Ok((fresh.applied(), db.lacks(), page.respond(&uri)).into_response())
}
