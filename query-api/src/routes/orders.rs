//! `/v1/orders`: orders with their payments and parcels.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::page::order::{FulfilmentStatus, PaymentStatus, Status};
use domain::{Currency, OrderId, StreamId};
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};
use uuid::Uuid;

use super::{Id, One, word};
use crate::app::App;
use crate::as_of;
use crate::cursor::{Kind, in_range};
use crate::document::{read, respond};
use crate::fresh::{Fresh, Prefer};
use crate::list::{Limit, Listing, Order};
use crate::progress::Model;

/// `GET /v1/orders/{id}`
pub async fn one(
    State(app): State<App>,
    Path(Id(id)): Path<Id>,
    Query(one): Query<One>,
    prefer: Prefer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(point) = one.point()? {
        let stored = as_of::order(&app, OrderId(id), point).await?;
        return Ok(respond(&headers, "order", stored));
    }
    let fresh = Fresh::new(one.min_position, prefer);
    let stream = StreamId::Order(OrderId(id)).to_string();
    let stored = read!(app, fresh, Model::Orders, stream, "orders", "id = $1", id);
    Ok((fresh.applied(), respond(&headers, "order", stored)).into_response())
}

/// Which orders.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    status: Option<Status>,
    payment_status: Option<PaymentStatus>,
    fulfilment_status: Option<FulfilmentStatus>,
    customer_id: Option<Uuid>,
    currency: Option<Currency>,
    /// Placed then or later.
    created_from: Option<DateTime<Utc>>,
    /// Placed before.
    created_before: Option<DateTime<Utc>>,
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
    min_position: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum Sort {
    #[serde(rename = "created_at")]
    Oldest,
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "total")]
    Smallest,
    #[serde(rename = "-total")]
    Largest,
}

impl Sort {
    fn order(self) -> Order {
        const CREATED: &[(&str, Kind)] = &[("created_at", Kind::Time), ("id", Kind::Id)];
        const TOTAL: &[(&str, Kind)] = &[("total", Kind::Amount), ("id", Kind::Id)];
        let (tag, columns, descending) = match self {
            Self::Oldest => ("orders", CREATED, false),
            Self::Newest => ("orders -", CREATED, true),
            Self::Smallest => ("orders total", TOTAL, false),
            Self::Largest => ("orders -total", TOTAL, true),
        };
        Order { tag, columns, descending }
    }
}

/// `GET /v1/orders`
pub async fn list(
    State(app): State<App>,
    Query(filter): Query<Filter>,
    prefer: Prefer,
    uri: Uri,
) -> Result<Response, Problem> {
    let fresh = Fresh::new(filter.min_position, prefer);
    let mut db = app.progress.reader(Model::Orders, &fresh).await?;
    let page = Listing::of("orders", filter.sort.order())
        .only("status =", word(filter.status))
        .only("payment_status =", word(filter.payment_status))
        .only("fulfilment_status =", word(filter.fulfilment_status))
        .only("customer_id =", filter.customer_id)
        .only("currency =", word(filter.currency))
        .only("created_at >=", filter.created_from.map(in_range))
        .only("created_at <", filter.created_before.map(in_range))
        .page(&mut db, filter.limit, filter.cursor.as_deref())
        .await?;
    Ok((fresh.applied(), db.lacks(), page.respond(&uri)).into_response())
}
