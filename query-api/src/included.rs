//! What is shown beside documents, for those who would ask for it next: the stock of products, and
//! the products of what is in carts and orders. It is as new as its own read model, and everybody
//! sees of it what they would see by itself.

use std::collections::HashSet;

use axum::http::{Extensions, Method, StatusCode};
use domain::ReadModel;
use identity::{Principal, guard};
use serde::Deserialize;
use service::Problem;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::cursor::Kind;
use crate::fields::Fields;
use crate::listing::{Limit, Listing, Page, Sort};
pub use crate::outline::MEMBER;
use crate::resources::stock;
use crate::scope::ListScope;

/// The most documents that are shown beside others, as far as they fit
/// [`crate::listing::PAGE_BYTES_MAX`].
pub const INCLUDED_MAX: u16 = 1_000;

/// What may be shown beside documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Include {
    /// Beside products: what is there of their SKUs.
    Stock,
    /// Beside carts and orders: the products that their lines are of.
    Products,
}

/// What documents refer to.
#[derive(Deserialize)]
struct References {
    #[serde(default)]
    variants: Vec<Variant>,
    #[serde(default)]
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Variant {
    sku: String,
}

#[derive(Deserialize)]
struct Line {
    product_id: Uuid,
}

impl Include {
    /// What it is called.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Products => "products",
        }
    }

    /// Where it is read by itself.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Stock => "/v1/stock",
            Self::Products => "/v1/products",
        }
    }

    /// What was asked for, where that may be: beside documents that have `known`, by who may ask
    /// for it by itself too.
    ///
    /// # Errors
    /// 400 `invalid_query`, and 403 for a key that is not for that.
    pub fn checked(
        asked: Option<Self>,
        known: Option<Self>,
        extensions: &Extensions,
    ) -> Result<Option<Self>, Problem> {
        let Some(include) = asked else { return Ok(None) };
        if asked != known {
            let problem = "a parameter of the query is wrong";
            let detail = known.map_or("nothing can be included here".to_owned(), |known| {
                format!("must be {}", known.word())
            });
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem).parameter(
                "include",
                "invalid_value",
                detail,
            ));
        }
        guard::may_reach(extensions, &Method::GET, include.path())?;
        Ok(Some(include))
    }

    /// Reads what these documents refer to, as far as the caller may see it, in one statement.
    ///
    /// # Errors
    /// When Postgres does not answer, or a document is none.
    pub async fn beside<'a>(
        self,
        documents: impl IntoIterator<Item = &'a str>,
        principal: Principal,
        db: &mut PgConnection,
    ) -> Result<Included, Problem> {
        let (mut skus, mut products, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for document in documents {
            let References { variants, lines } =
                serde_json::from_str(document).map_err(|error| {
                    tracing::error!(%error, "what a document refers to cannot be read");
                    Problem::internal()
                })?;
            match self {
                Self::Stock => skus.extend(variants.into_iter().map(|variant| variant.sku)),
                Self::Products => products.extend(
                    lines.into_iter().map(|line| line.product_id).filter(|id| seen.insert(*id)),
                ),
            }
        }
        let most = usize::from(INCLUDED_MAX);
        let more = skus.len().max(products.len()) > most;
        skus.truncate(most);
        products.truncate(most);
        let listing = match self {
            _ if skus.is_empty() && products.is_empty() => {
                return Ok(Included { include: self, documents: Vec::new(), more });
            }
            Self::Stock => stock::seen_by(principal).any_of("id", skus),
            Self::Products => {
                let scope = ListScope::of_catalogue(principal);
                Listing::of(&scope, ReadModel::Products, "products", BY_ID).any_of("id", products)
            }
        };
        let page = listing.page(db, Limit::most(INCLUDED_MAX), None).await?;
        let Page { documents, next } = page;
        Ok(Included { include: self, documents, more: more || next.is_some() })
    }
}

/// No cursor is made of it.
const BY_ID: Sort = Sort::up("products id", &[("id", Kind::Id)]);

/// What is shown beside documents.
pub struct Included {
    include: Include,
    documents: Vec<String>,
    /// Whether there is more than fitted.
    more: bool,
}

impl Included {
    /// As JSON, or only some members of it.
    ///
    /// # Errors
    /// 500, where a document is no JSON.
    pub fn json(&self, fields: Option<&Fields>) -> Result<String, Problem> {
        let (word, documents) = (self.include.word(), self.documents.join(","));
        let json = format!("{{\"{word}\":[{documents}],\"more\":{}}}", self.more);
        fields.map_or(Ok(json.clone()), |fields| fields.of(&json))
    }
}
