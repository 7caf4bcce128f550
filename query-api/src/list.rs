//! Lists, as they are asked for in a query.
//!
//! `list!` writes one of which each filter is a column with an operator; `query!` the query of one
//! that says by itself what it shows to whom, as a [`ListQuery`]. The pages are made by
//! [`crate::listing`].

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use identity::Principal;
use serde::de::DeserializeOwned;
use service::Problem;
use service::accept::{self, CSV, JSON};
use service::extract::Query;

use crate::app::App;
use crate::described;
use crate::fields::FieldNames;
use crate::fresh::{Fresh, Prefer};
use crate::included::{Include, MEMBER};
use crate::listing::{Limit, Listing, WriteCsv};

/// Which page of a list, and how fresh.
#[derive(Debug)]
pub struct Paging {
    /// How many documents.
    pub limit: Limit,
    /// After which; from the first one on without it.
    pub cursor: Option<String>,
    /// See [`crate::fresh`].
    pub min_position: Option<i64>,
    /// What of each document; all of it without.
    pub fields: Option<FieldNames>,
    /// What is wanted beside them.
    pub include: Option<Include>,
}

/// What may be asked of every list.
pub trait Paged: DeserializeOwned + Send {
    /// Which page of it. Takes out the cursor and the fields.
    fn paging(&mut self) -> Paging;
}

/// A list, as it is asked for in a query.
pub trait ListQuery: Paged {
    /// What may be shown beside its documents.
    const INCLUDES: Option<Include> = None;
    /// How a page of it is written for who asks for CSV.
    const CSV: Option<WriteCsv> = None;

    /// What is asked for, as far as the caller may see it.
    ///
    /// # Errors
    /// 401 for those who may see nothing of that.
    fn listing(
        self,
        app: &App,
        principal: Principal,
    ) -> impl Future<Output = Result<Listing, Problem>> + Send;
}

/// `GET` of a list.
pub async fn list_of<L: ListQuery>(
    State(app): State<App>,
    Query(mut list): Query<L>,
    prefer: Prefer,
    principal: Principal,
    path: MatchedPath,
    request: Request,
) -> Result<Response, Problem> {
    let Paging { limit, cursor, min_position, fields, include } = list.paging();
    let include = Include::checked(include, L::INCLUDES, request.extensions())?;
    let csv = L::CSV.map(|write| Ok::<_, Problem>(is_csv(request.headers())?.then_some(write)));
    let csv = csv.transpose()?.flatten();
    if csv.is_some() {
        must_be_whole(fields.is_some(), include.is_some())?;
    }
    let fields = fields.map(|names| described::fields(path.as_str(), &names)).transpose()?;
    let listing = list.listing(&app, principal).await?;
    let fresh = Fresh::new(min_position, prefer).of(principal);
    let mut db = app.progress.reader(listing.model, &fresh).await?;
    let page = listing.page(&mut db, limit, cursor.as_deref()).await?;
    if let Some(write) = csv {
        let page = page.respond_csv(write, request.uri(), request.headers())?;
        return Ok((fresh.applied(), db.lacks(), page).into_response());
    }
    let included = match include {
        Some(include) => {
            let documents = page.documents.iter().map(String::as_str);
            Some(include.beside(documents, principal, &mut db).await?)
        }
        None => None,
    };
    let (page, below) = match fields {
        Some(mut fields) => {
            let below = fields.take(MEMBER);
            (page.only(&fields)?, below)
        }
        None => (page, None),
    };
    let included = included.map(|included| included.json(below.as_ref())).transpose()?;
    let page = page.respond(included.as_deref(), request.uri(), request.headers());
    Ok((fresh.applied(), db.lacks(), page).into_response())
}

/// Whether a page is wanted as CSV, where it may be had so.
fn is_csv(headers: &HeaderMap) -> Result<bool, Problem> {
    let detail = "this is answered as application/json or text/csv, which Accept leaves out";
    let best = accept::best(headers, &[JSON, CSV]);
    let best =
        best.ok_or_else(|| Problem::new(StatusCode::NOT_ACCEPTABLE, "not_acceptable", detail))?;
    Ok(best == CSV)
}

/// CSV has the columns it has.
fn must_be_whole(has_fields: bool, has_include: bool) -> Result<(), Problem> {
    let name = match (has_fields, has_include) {
        (true, _) => "fields",
        (_, true) => "include",
        (false, false) => return Ok(()),
    };
    let problem = "a parameter of the query is wrong";
    let detail = "the columns of CSV are what they are: ask for JSON";
    Err(Problem::new(StatusCode::BAD_REQUEST, "invalid_query", problem).parameter(
        name,
        "contradicts_accept",
        detail,
    ))
}

/// The query of a list: what may be asked of this one, and what may be asked of each. All else is
/// refused.
macro_rules! query {
    (
        $(#[$doc:meta])*
        $name:ident { $( $(#[$field_doc:meta])* $field:ident: $type:ty, )* }
    ) => {
        $(#[$doc])*
        #[derive(serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $( $(#[$field_doc])* #[serde(default)] $field: $type, )*
            /// How many at most.
            #[serde(default)]
            limit: $crate::listing::Limit,
            /// The `next` of the page before.
            cursor: Option<String>,
            /// As new as this position of the log, or newer.
            min_position: Option<i64>,
            /// Only these members of each, with commas between them, and with a dot before one that
            /// is below another: `id,lines.sku`. A name stands for all that is below it.
            #[serde(default, deserialize_with = "service::extract::empty_as_none")]
            fields: Option<$crate::fields::FieldNames>,
            #[schemars(skip)]
            include: Option<$crate::included::Include>,
        }

        impl $crate::list::Paged for $name {
            fn paging(&mut self) -> $crate::list::Paging {
                let Self { limit, min_position, include, .. } = *self;
                let (cursor, fields) = (self.cursor.take(), self.fields.take());
                $crate::list::Paging { limit, cursor, min_position, fields, include }
            }
        }
    };
}
pub(crate) use query;

/// A list for those who are trusted, who see all of it: `Name of Model in "view"`, `sorted` by a
/// constant, or `by` what [`sorts!`] made; and its filters, each with the condition that ends in an
/// operator, and a function that makes the stored value of the one in the query.
macro_rules! list {
    (
        $(#[$doc:meta])*
        $name:ident of $model:ident in $view:literal, sorted by $sort:ty;
        $($filter:tt)*
    ) => {
        $crate::list::list! {
            @ $(#[$doc])* $name, [sort: $sort], $model, $view, |list: &$name| list.sort.into();
            $($filter)*
        }
    };
    (
        $(#[$doc:meta])*
        $name:ident of $model:ident in $view:literal, sorted $sort:ident;
        $($filter:tt)*
    ) => {
        $crate::list::list! {
            @ $(#[$doc])* $name, [], $model, $view, |_: &$name| $sort;
            $($filter)*
        }
    };
    (
        @ $(#[$doc:meta])* $name:ident, [$($sort_field:ident: $sort:ty)?], $model:ident,
        $view:literal, $sorting:expr;
        $( $(#[$field_doc:meta])* $field:ident: $type:ty, $condition:literal $(=> $into:path)?; )*
    ) => {
        $crate::list::query! {
            $(#[$doc])*
            $name { $( $(#[$field_doc])* $field: Option<$type>, )* $( $sort_field: $sort, )? }
        }

        impl $crate::list::ListQuery for $name {
            async fn listing(
                self,
                _: &$crate::app::App,
                principal: identity::Principal,
            ) -> Result<$crate::listing::Listing, service::Problem> {
                let scope = $crate::scope::ListScope::of_shop(principal)?;
                let sort: fn(&$name) -> $crate::listing::Sort = $sorting;
                let model = domain::ReadModel::$model;
                Ok($crate::listing::Listing::of(&scope, model, $view, sort(&self))
                    $( .only($condition, self.$field $( .map($into) )?) )*)
            }
        }
    };
}
pub(crate) use list;

/// The sorts of a list, of which the query names one by its word: each with the tag of its cursors,
/// its columns, and `up` or `down`.
macro_rules! sorts {
    ($(
        $(#[$default:meta])?
        $name:ident = $word:tt, $tag:literal, $columns:ident $direction:ident;
    )+) => {
        #[derive(Clone, Copy, Default, serde::Deserialize, schemars::JsonSchema)]
        #[schemars(inline)]
        enum Sorting { $( $(#[$default])? #[serde(rename = $word)] $name, )+ }

        impl From<Sorting> for $crate::listing::Sort {
            fn from(sorting: Sorting) -> Self {
                match sorting { $(
                    Sorting::$name => Self::$direction($tag, $columns),
                )+ }
            }
        }
    };
}
pub(crate) use sorts;
