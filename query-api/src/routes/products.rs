//! `/v1/products`: the catalogue. What is published is for everybody; drafts, archived products and
//! the past are for those who are trusted and ask for them.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use domain::{ProductId, StreamId, product};
use serde::Deserialize;
use service::Problem;
use service::extract::{Path, Query};

use super::{Id, One};
use crate::app::App;
use crate::as_of;
use crate::caller::Caller;
use crate::cursor::Kind;
use crate::document::{read, respond};
use crate::fresh::{Fresh, Prefer};
use crate::list::{Limit, Listing, Order};
use crate::progress::Model;

/// `GET /v1/products/{id}`
pub async fn one(
    State(app): State<App>,
    Path(Id(id)): Path<Id>,
    Query(one): Query<One>,
    prefer: Prefer,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let stream = StreamId::Product(ProductId(id));
    if let Some(point) = one.point()? {
        caller.must_be_trusted()?;
        let stored = as_of::single(&app, &stream, point, product::document::fold).await?;
        return Ok(respond(&headers, "product", stored));
    }
    let fresh = Fresh::new(one.min_position, prefer).of(caller);
    let stream = stream.to_string();
    let stored = if caller.is_trusted {
        read!(app, fresh, Model::Products, stream, "products", "id = $1", id)
    } else {
        read!(
            app,
            fresh,
            Model::Products,
            stream,
            "products",
            "id = $1 AND status = 'published'",
            id
        )
    };
    Ok((fresh.applied(), respond(&headers, "product", stored)).into_response())
}

/// Which products.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    #[serde(default)]
    status: Status,
    category: Option<String>,
    brand: Option<String>,
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    limit: Limit,
    cursor: Option<String>,
    min_position: Option<i64>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Draft,
    #[default]
    Published,
    Archived,
    Any,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum Sort {
    #[serde(rename = "created_at")]
    Oldest,
    #[default]
    #[serde(rename = "-created_at")]
    Newest,
    #[serde(rename = "title")]
    Title,
    #[serde(rename = "-title")]
    TitleDown,
}

impl Sort {
    fn order(self) -> Order {
        const CREATED: &[(&str, Kind)] = &[("created_at", Kind::Time), ("id", Kind::Id)];
        const TITLE: &[(&str, Kind)] = &[("title_key", Kind::Text), ("id", Kind::Id)];
        let (tag, columns, descending) = match self {
            Self::Oldest => ("products", CREATED, false),
            Self::Newest => ("products -", CREATED, true),
            Self::Title => ("products title_key", TITLE, false),
            Self::TitleDown => ("products -title_key", TITLE, true),
        };
        Order { tag, columns, descending }
    }
}

/// `GET /v1/products`
pub async fn list(
    State(app): State<App>,
    Query(filter): Query<Filter>,
    prefer: Prefer,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    if !matches!(filter.status, Status::Published) {
        caller.must_be_trusted()?;
    }
    let fresh = Fresh::new(filter.min_position, prefer).of(caller);
    let mut db = app.progress.reader(Model::Products, &fresh).await?;
    let status = match filter.status {
        Status::Draft => Some("draft"),
        Status::Published => Some("published"),
        Status::Archived => Some("archived"),
        Status::Any => None,
    };
    let page = Listing::of("products", filter.sort.order())
        .only("status =", status)
        .only("brand =", filter.brand)
        .only("category @>", filter.category.map(|name| vec![name]))
        .page(&mut db, filter.limit, filter.cursor.as_deref())
        .await?;
    Ok((fresh.applied(), db.lacks(), page.respond(&uri)).into_response())
}
