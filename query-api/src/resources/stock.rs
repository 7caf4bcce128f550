//! `/v1/stock`: what is there of each SKU. Everybody sees what is on offer, and of how much only
//! what a storefront shows: whole documents, of drafts and withdrawn products too, are for those
//! who are trusted. They tell what a shop sells.

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::stock::document::{self, Document};
use domain::{Category, ReadModel, Seen, StreamId};
use identity::Principal;
use service::Problem;
use service::extract::{Path, Query};

use crate::app::App;
use crate::cursor::Kind;
use crate::described;
use crate::document::{Folded, Row, Stored, read, respond, respond_unversioned};
use crate::fields::Fields;
use crate::fresh::{Fresh, Prefer};
use crate::list::{ListQuery, query};
use crate::listing::{Listing, Sort};
use crate::one::{self, One, Resource};
use crate::past;
use crate::scope::{ListScope, must_work_here};

/// What is there of a SKU, for those who are trusted.
struct Stock;

impl Folded for Stock {
    type Document = Document;

    fn begins_with(stream: &StreamId) -> Option<StreamId> {
        match stream {
            StreamId::Stock(sku) => Some(StreamId::Sku(sku.clone())),
            _ => None,
        }
    }

    fn fold(document: Option<Document>, seen: &Seen<'_>) -> Option<Document> {
        document::fold(document, seen)
    }

    fn revision(document: &Document) -> (i64, i64) {
        (document.version, document.position)
    }
}

impl Resource for Stock {
    const NAME: &'static str = "stock";
    type Id = String;

    fn stream(sku: &String) -> Result<StreamId, Problem> {
        past::stream(Category::Stock, "sku", sku)
    }

    async fn read(
        app: &App,
        fresh: &Fresh,
        _: Principal,
        sku: String,
    ) -> Result<Option<Stored>, Problem> {
        let stream = Self::stream(&sku)?;
        let row = read!(app, fresh, Stock, stream, "stock", "id = $1", sku);
        Ok(row.map(Row::stored::<Self>))
    }
}

/// `GET /v1/stock/{sku}`
pub async fn one(
    State(app): State<App>,
    Path(sku): Path<String>,
    Query(one): Query<One>,
    prefer: Prefer,
    principal: Principal,
    path: MatchedPath,
    request: Request,
) -> Result<Response, Problem> {
    if principal.works_here() || one.is_past() {
        let (app, sku, one) = (State(app), Path(sku), Query(one));
        return one::one::<Stock>(app, sku, one, prefer, principal, path, request).await;
    }
    Stock::stream(&sku)?;
    let fields = one.fields.map(|names| described::fields(path.as_str(), &names)).transpose()?;
    let fresh = Fresh::new(one.min_position, prefer).of(principal);
    on_offer(&app, &fresh, request.headers(), &sku, fields.as_ref()).await
}

/// What everybody sees of a SKU. Without its version, which would tell how often it changes.
async fn on_offer(
    app: &App,
    fresh: &Fresh,
    headers: &HeaderMap,
    sku: &str,
    fields: Option<&Fields>,
) -> Result<Response, Problem> {
    let mut db = app.progress.reader(ReadModel::Search, fresh).await?;
    let document = sqlx::query_scalar!(
        r#"SELECT document::text AS "document!" FROM stock_on_offer WHERE id = $1"#,
        sku
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(document) = document else {
        return Ok(respond(headers, Stock::NAME, None));
    };
    let document = match fields {
        Some(fields) => fields.of(&document)?,
        None => document,
    };
    let shown = respond_unversioned(headers, document);
    Ok((fresh.applied(), db.lacks(), shown).into_response())
}

const BY_SKU: Sort = Sort::up("stock", &[("id", Kind::Text)]);

query! {
    /// Which SKUs.
    Stocks {
        /// Only these.
        sku: Vec<String>,
        /// Only those of which no more than this may be sold: what is running out.
        available_max: Option<i64>,
        /// Those of which few are left, or the others.
        low: Option<bool>,
        /// Those of which more is promised than is there, or the others.
        short: Option<bool>,
    }
}

/// What somebody sees of all SKUs.
pub(crate) fn seen_by(principal: Principal) -> Listing {
    match ListScope::of_shop(principal) {
        Ok(scope) => Listing::of(&scope, ReadModel::Stock, "stock", BY_SKU),
        Err(_) => {
            Listing::of(&ListScope::of_anybody(), ReadModel::Search, "stock_on_offer", BY_SKU)
        }
    }
}

impl ListQuery for Stocks {
    async fn listing(self, _: &App, principal: Principal) -> Result<Listing, Problem> {
        if self.low.is_some() || self.short.is_some() {
            must_work_here(principal)?;
        }
        Ok(seen_by(principal)
            .only("low =", self.low)
            .only("(short > 0) =", self.short)
            .any_of("id", self.sku)
            .only("available <=", self.available_max))
    }
}
