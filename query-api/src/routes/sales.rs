//! `/v1/sales`: what was sold, by day (UTC) and currency.

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use domain::Currency;
use serde::Deserialize;
use service::Problem;
use service::extract::Query;

use super::word;
use crate::app::App;
use crate::cursor::{Kind, day_in_range};
use crate::fresh::{Fresh, Prefer};
use crate::list::{Limit, Listing, Order};
use crate::progress::Model;

/// Which days.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The first day.
    from: Option<NaiveDate>,
    /// The last day.
    to: Option<NaiveDate>,
    currency: Option<Currency>,
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
    min_position: Option<i64>,
}

/// `GET /v1/sales`
pub async fn list(
    State(app): State<App>,
    Query(filter): Query<Filter>,
    prefer: Prefer,
    uri: Uri,
) -> Result<Response, Problem> {
    const BY_DAY: Order = Order {
        tag: "sales",
        columns: &[("day", Kind::Day), ("id", Kind::Text)],
        descending: false,
    };
    let fresh = Fresh::new(filter.min_position, prefer);
    let mut db = app.progress.reader(Model::Sales, &fresh).await?;
    let page = Listing::of("sales", BY_DAY)
        .only("day >=", filter.from.map(day_in_range))
        .only("day <=", filter.to.map(day_in_range))
        .only("currency =", word(filter.currency))
        .page(&mut db, filter.limit, filter.cursor.as_deref())
        .await?;
    Ok((fresh.applied(), db.lacks(), page.respond(&uri)).into_response())
}
