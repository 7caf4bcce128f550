//! Pages of a list, which neither lose nor double a row while it stands still.
//!
//! A page begins after the sort keys of the row before it, however many rows were added meanwhile.
//! The statements are put together here, so that each combination of filters gets its own plan;
//! values are always bound, never written into the text.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use domain::ReadModel;
use futures::TryStreamExt as _;
use serde::Serialize;
use service::Problem;
pub use service::paging::{LIMIT_MAX, Limit, link};
use sqlx::postgres::{PgHasArrayType, PgRow};
use sqlx::{Encode, PgConnection, Postgres, QueryBuilder, Row as _, Type};

use crate::cursor::{self, Key, Kind};
use crate::document::respond_unversioned;
use crate::fields::Fields;
use crate::outline::MEMBER;
use crate::scope::ListScope;

/// Bytes of documents after which a page ends, whatever its limit.
pub const PAGE_BYTES_MAX: usize = 2 << 20;

/// The columns that rows are sorted by, the most significant first.
pub type SortKeys = &'static [(&'static str, Kind)];

/// By when they came to be.
pub const CREATED: SortKeys = &[("created_at", Kind::Time), ("id", Kind::Id)];

/// How rows are sorted. The columns together are unique, and an index knows most of them.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// Names list and sort inside cursors.
    pub tag: &'static str,
    /// The columns.
    pub columns: SortKeys,
    /// Whether the largest come first.
    pub descending: bool,
}

impl Sort {
    /// The smallest first.
    pub const fn up(tag: &'static str, columns: SortKeys) -> Self {
        Self { tag, columns, descending: false }
    }

    /// The largest first.
    pub const fn down(tag: &'static str, columns: SortKeys) -> Self {
        Self { tag, columns, descending: true }
    }
}

/// Writes documents as CSV.
pub type WriteCsv = fn(&[String]) -> Result<String, Problem>;

/// The documents of a list that are asked for.
pub struct Listing {
    /// What its view shows.
    pub model: ReadModel,
    view: &'static str,
    sql: QueryBuilder<Postgres>,
    sort: Sort,
}

/// A page of documents.
#[derive(Debug)]
pub struct Page {
    /// Each as it is stored.
    pub documents: Vec<String>,
    /// The cursor of the page after.
    pub next: Option<String>,
}

impl Listing {
    /// All documents in `view`, which shows what is built of `model`, within the scope.
    pub fn of(scope: &ListScope, model: ReadModel, view: &'static str, sort: Sort) -> Self {
        let mut sql = QueryBuilder::new("SELECT document::text");
        for (column, _) in sort.columns {
            sql.push(", ").push(column);
        }
        sql.push(" FROM ").push(view).push(" WHERE ");
        scope.condition(&mut sql);
        Self { model, view, sql, sort }
    }

    /// Only those where `condition`, which ends in an operator, holds for the value; all of them
    /// without one.
    #[must_use]
    pub fn only<T>(mut self, condition: &'static str, value: Option<T>) -> Self
    where
        T: Encode<'static, Postgres> + Type<Postgres> + Send + 'static,
    {
        if let Some(value) = value {
            self.sql.push(" AND ").push(condition).push(" ").push_bind(value);
        }
        self
    }

    /// Only those where a condition without a value holds, or only the others; all of them if it is
    /// not said.
    #[must_use]
    pub fn whether(mut self, condition: &'static str, wanted: Option<bool>) -> Self {
        if let Some(wanted) = wanted {
            self.sql.push(if wanted { " AND " } else { " AND NOT " }).push(condition);
        }
        self
    }

    /// Only those where the column is one of these; all of them if there are none.
    #[must_use]
    pub fn any_of<T>(mut self, column: &'static str, values: Vec<T>) -> Self
    where
        T: Encode<'static, Postgres> + Type<Postgres> + PgHasArrayType + Send + 'static,
    {
        if !values.is_empty() {
            self.sql.push(" AND ").push(column).push(" = ANY(").push_bind(values).push(")");
        }
        self
    }

    /// Only those that are found by one of these conditions, each ending in an operator; all of
    /// them if there are none.
    ///
    /// They are found first, by their own indexes, and sorted then. For what is in few rows: where
    /// Postgres cannot know that, it would walk all rows in the order of the list to meet them.
    #[must_use]
    pub fn found_by<T>(mut self, conditions: Vec<(&'static str, T)>) -> Self
    where
        T: Encode<'static, Postgres> + Type<Postgres> + Send + 'static,
    {
        if conditions.is_empty() {
            return self;
        }
        self.sql.push(" AND id = ANY(ARRAY(");
        for (n, (condition, value)) in conditions.into_iter().enumerate() {
            self.sql.push(if n == 0 { "" } else { " UNION ALL " });
            self.sql.push("SELECT id FROM ").push(self.view).push(" WHERE ").push(condition);
            self.sql.push(" (").push_bind(value).push(")");
        }
        self.sql.push("))");
        self
    }

    /// The page after a cursor, or the first one: as many documents as the limit, or fewer where
    /// they fill [`PAGE_BYTES_MAX`], but one at least.
    pub async fn page(
        mut self,
        db: &mut PgConnection,
        limit: Limit,
        cursor: Option<&str>,
    ) -> Result<Page, Problem> {
        let Sort { tag, columns, descending } = self.sort;
        if let Some(cursor) = cursor {
            let kinds: Vec<Kind> = columns.iter().map(|(_, kind)| *kind).collect();
            let keys = cursor::read(tag, &kinds, cursor)?;
            self.after(keys);
        }
        let direction = if descending { " DESC" } else { " ASC" };
        for (n, (column, _)) in columns.iter().enumerate() {
            self.sql.push(if n == 0 { " ORDER BY " } else { ", " }).push(column).push(direction);
        }
        // One more than asked for tells whether there is a next page.
        self.sql.push(" LIMIT ").push_bind(limit.and_one());
        let mut found = self.sql.build().fetch(db);
        let (mut documents, mut bytes, mut last, mut more) = (Vec::new(), 0, None, false);
        while let Some(row) = found.try_next().await? {
            more = documents.len() >= usize::from(limit.get()) || bytes >= PAGE_BYTES_MAX;
            if more {
                break;
            }
            let document: String = row.try_get(0)?;
            bytes += document.len();
            documents.push(document);
            last = Some(row);
        }
        let next = match last.filter(|_| more) {
            Some(row) => Some(cursor::write(tag, &keys_of(&row, columns)?)),
            None => None,
        };
        Ok(Page { documents, next })
    }

    /// Only rows after these keys: one comparison of rows, which an index answers.
    fn after(&mut self, keys: Vec<Key>) {
        let Sort { columns, descending, .. } = self.sort;
        let names: Vec<&str> = columns.iter().map(|(column, _)| *column).collect();
        let compare = if descending { ") < (" } else { ") > (" };
        self.sql.push(" AND (").push(names.join(", ")).push(compare);
        for (n, key) in keys.into_iter().enumerate() {
            if n > 0 {
                self.sql.push(", ");
            }
            match key {
                Key::Time(time) => self.sql.push_bind(time),
                Key::Day(day) => self.sql.push_bind(day),
                Key::Amount(amount) => self.sql.push_bind(amount),
                Key::Text(text) => self.sql.push_bind(text),
                Key::Bytes(bytes) => self.sql.push_bind(bytes),
                Key::Id(id) => self.sql.push_bind(id),
            };
        }
        self.sql.push(")");
    }
}

fn keys_of(row: &PgRow, columns: &[(&str, Kind)]) -> sqlx::Result<Vec<Key>> {
    let key = |(n, (_, kind)): (usize, &(&str, Kind))| {
        Ok(match kind {
            Kind::Time => Key::Time(row.try_get::<DateTime<Utc>, _>(n + 1)?),
            Kind::Day => Key::Day(row.try_get::<NaiveDate, _>(n + 1)?),
            Kind::Amount => Key::Amount(row.try_get(n + 1)?),
            Kind::Text => Key::Text(row.try_get(n + 1)?),
            Kind::Bytes => Key::Bytes(row.try_get(n + 1)?),
            Kind::Id => Key::Id(row.try_get(n + 1)?),
        })
    };
    columns.iter().enumerate().map(key).collect()
}

impl Page {
    /// Only some members of its documents.
    ///
    /// # Errors
    /// 500, where one is no JSON.
    pub fn only(self, fields: &Fields) -> Result<Self, Problem> {
        let documents = self.documents.iter().map(|document| fields.of(document));
        Ok(Self { documents: documents.collect::<Result<_, _>>()?, ..self })
    }

    /// The same as CSV, where the `Link` alone leads on.
    ///
    /// # Errors
    /// 500, where a document is not what it should be.
    pub fn respond_csv(
        self,
        write: WriteCsv,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let mut response = respond_unversioned(headers, write(&self.documents)?);
        if response.headers().contains_key(header::CONTENT_TYPE) {
            let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        self.lead_on(&mut response, uri);
        Ok(response)
    }

    fn lead_on(&self, response: &mut Response, uri: &Uri) {
        if let Some(next) = &self.next
            && let Some(link) = link(uri, "cursor", next)
        {
            response.headers_mut().insert(header::LINK, link);
        }
    }

    /// `{"items": […], "next": cursor or null}`, with what is included beside them, and a `Link` to
    /// the next page (RFC 8288); or 304 if the client has the same already.
    pub fn respond(self, included: Option<&str>, uri: &Uri, headers: &HeaderMap) -> Response {
        let next = self.next.as_ref().map_or("null".to_owned(), |next| format!("\"{next}\""));
        let items = self.documents.join(",");
        let body = match included {
            None => format!("{{\"items\":[{items}],\"next\":{next}}}"),
            Some(json) => format!("{{\"items\":[{items}],\"next\":{next},\"{MEMBER}\":{json}}}"),
        };
        let mut response = respond_unversioned(headers, body);
        self.lead_on(&mut response, uri);
        response
    }
}

/// The stored word of a status or the like; what has none is stored nowhere.
pub fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
