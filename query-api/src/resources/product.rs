//! `/v1/products`: the catalogue. What is published is for everybody; drafts, archived products and
//! the past are for those who are trusted and ask for them.

use axum::http::StatusCode;
use domain::page::search_keys::folded;
use domain::page::title_order::{TitleLocale, TitleOrder};
use domain::product::document::{self, Document};
use domain::{ProductId, ReadModel};
use identity::Principal;
use schemars::JsonSchema;
use serde::Deserialize;
use service::Problem;
use service::extract::empty_as_none;
use uuid::Uuid;

use crate::app::App;
use crate::cursor::Kind;
use crate::included::Include;
use crate::list::{ListQuery, query};
use crate::listing::{CREATED, LIMIT_MAX, Listing, Sort, SortKeys};
use crate::one::{Id, resource};
use crate::scope::{ListScope, must_work_here};

resource! {
    /// A product.
    Product = "product", of Products in "products";
    stream Product(ProductId);
    document Document, by document::fold;
    strangers "id = $1 AND status = 'published'";
    includes Stock;
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Sorting {
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

impl Sorting {
    fn by(self, order: TitleOrder) -> Sort {
        let (up, down, columns) = by_title(order);
        match self {
            Self::Oldest => Sort::up("products", CREATED),
            Self::Newest => Sort::down("products -", CREATED),
            Self::Title => Sort::up(up, columns),
            Self::TitleDown => Sort::down(down, columns),
        }
    }
}

/// The orders of titles, each with its column, which its cursors are called by too.
macro_rules! title_orders {
    ($( $order:ident = $column:literal; )+) => {
        fn by_title(order: TitleOrder) -> (&'static str, &'static str, SortKeys) {
            match order { $(
                TitleOrder::$order => (
                    concat!("products ", $column),
                    concat!("products -", $column),
                    &[($column, Kind::Bytes), ("id", Kind::Id)],
                ),
            )+ }
        }
    };
}

title_orders! {
    Root = "title_root";
    Czech = "title_cs";
    Danish = "title_da";
    Finnish = "title_fi";
    Greek = "title_el";
    Japanese = "title_ja";
    Norwegian = "title_nb";
    Polish = "title_pl";
    Russian = "title_ru";
    Spanish = "title_es";
    Swedish = "title_sv";
    Turkish = "title_tr";
    Ukrainian = "title_uk";
}

query! {
    /// Which products.
    Products {
        /// Only these.
        id: Vec<Id>,
        /// Only those that have one of these SKUs.
        sku: Vec<String>,
        /// Only those of which a variant has one of these barcodes.
        barcode: Vec<String>,
        /// Where they stand: strangers see those that are published.
        status: Status,
        /// In this category, by its name, in whatever spelling: as the search finds it.
        category: Option<String>,
        /// Of this brand, likewise.
        brand: Option<String>,
        sort: Sorting,
        /// In the order of which language, where they are sorted by title, as browsers name it; for
        /// one without an order of its own, and without any, in one that fits most of them.
        #[serde(deserialize_with = "empty_as_none")]
        locale: Option<TitleLocale>,
    }
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Status {
    Draft,
    #[default]
    Published,
    Archived,
    Any,
}

impl ListQuery for Products {
    const INCLUDES: Option<Include> = Some(Include::Stock);

    async fn listing(self, _: &App, principal: Principal) -> Result<Listing, Problem> {
        let status = match self.status {
            Status::Draft => Some("draft"),
            Status::Published => Some("published"),
            Status::Archived => Some("archived"),
            Status::Any => None,
        };
        if status != Some("published") {
            must_work_here(principal)?;
        }
        for (name, count) in
            [("id", self.id.len()), ("sku", self.sku.len()), ("barcode", self.barcode.len())]
        {
            if count > usize::from(LIMIT_MAX) {
                return Err(too_many(name));
            }
        }
        let ids = self.id.into_iter().map(|id| id.0).collect();
        let some = |names: Vec<String>| (!names.is_empty()).then_some(names);
        let order = self.locale.map_or(TitleOrder::Root, TitleOrder::from);
        let scope = ListScope::of_catalogue(principal);
        // What may be seen already says so.
        let status = status.filter(|_| principal.works_here());
        Ok(Listing::of(&scope, ReadModel::Products, "products", self.sort.by(order))
            .any_of::<Uuid>("id", ids)
            .only("skus &&", some(self.sku))
            .only("barcodes &&", some(self.barcode))
            .only("status =", status)
            .only("brand_key =", self.brand.map(|brand| folded(&brand)))
            // As it is spelled too, for rows that are not built anew yet.
            .only("category_keys &&", self.category.map(|name| vec![folded(&name), name])))
    }
}

/// More are named than a page can show.
fn too_many(name: &'static str) -> Problem {
    let problem = "a parameter of the query is wrong";
    let detail = format!("at most {LIMIT_MAX} of them");
    Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem)
        .parameter(name, "too_many", detail)
}
