//! `/v1/stock`: what is there of each SKU. Everybody sees what is on offer, and of how much only
//! what a storefront shows: whole documents, of drafts and withdrawn products too, are for those
//! who are trusted. They tell what a shop sells.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use domain::{Category, stock};
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
        let stored = as_of::single(&app, &stream, point, stock::document::fold).await?;
        return Ok(respond(&headers, "stock", stored));
    }
    let fresh = Fresh::new(one.min_position, prefer).of(caller);
    if !caller.is_trusted {
        return on_offer(&app, &fresh, &sku).await;
    }
    let stream = stream.to_string();
    let stored = read!(app, fresh, Model::Stock, stream, "stock", "id = $1", sku);
    Ok((fresh.applied(), respond(&headers, "stock", stored)).into_response())
}

/// What everybody sees of a SKU. Without an `ETag`: a version would tell how often it changes.
async fn on_offer(app: &App, fresh: &Fresh, sku: &str) -> Result<Response, Problem> {
    let mut db = app.progress.reader(Model::Search, fresh).await?;
    let document = sqlx::query_scalar!(
        r#"SELECT document::text AS "document!" FROM stock_on_offer WHERE id = $1"#,
        sku
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(document) = document else {
        return Ok(respond(&HeaderMap::new(), "stock", None));
    };
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let asked_each_time = (header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok((fresh.applied(), db.lacks(), [kind, asked_each_time], document).into_response())
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
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    const BY_SKU: Order = Order { tag: "stock", columns: &[("id", Kind::Text)], descending: false };
    let fresh = Fresh::new(filter.min_position, prefer).of(caller);
    let (model, view) =
        if caller.is_trusted { (Model::Stock, "stock") } else { (Model::Search, "stock_on_offer") };
    let mut db = app.progress.reader(model, &fresh).await?;
    let page = Listing::of(view, BY_SKU)
        .any_of("id", filter.sku)
        .only("available <=", filter.available_max)
        .page(&mut db, filter.limit, filter.cursor.as_deref())
        .await?;
    Ok((fresh.applied(), db.lacks(), page.respond(&uri)).into_response())
}
