//! Searching in Postgres, for the time in which Meilisearch is away: whole words in English
//! stemming, no forgiven typing errors, and counts over a bounded number of hits.
//!
//! It is the server that appends. So searches have a few connections of their own, end soon, work
//! on columns, and read few documents.

use std::sync::Arc;
use std::time::Duration;

use domain::page::search_keys::{BY_VARIANT, Key};
use serde_json::value::RawValue;
use service::{Problem, session};
use sqlx::postgres::PgPoolOptions;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool, Postgres, QueryBuilder, Row as _};
use tokio::sync::Semaphore;

use super::facets::{self, Faceted};
use super::request::{OneOf, Question, Sort, only_negative};
use super::{Facets, Found, count, together, too_many};
use crate::bounded::bounded;

/// The most searches at once, each with a connection; more are refused.
pub const SEARCHES_MAX: usize = 4;
/// The most hits that are counted and paged through.
const HITS_MAX: i64 = 5_000;
/// Facets are counted over so many hits, the first ones.
const FACETS_OVER: usize = 500;
/// How long one statement may take.
const SEARCH_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long a search waits for its connection, of which there is one for each.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The catalogue in Postgres.
pub struct Catalogue {
    db: PgPool,
    places: Arc<Semaphore>,
}

impl Catalogue {
    /// In the database of `db`, with connections of its own. Connects when first used.
    pub fn new(db: &PgPool) -> Self {
        let timeout = format!("{}ms", SEARCH_TIMEOUT.as_millis());
        let settings = session::usual_and([("statement_timeout", timeout)]);
        let pool = PgPoolOptions::new()
            .max_connections(u32::try_from(SEARCHES_MAX).unwrap_or(u32::MAX))
            .acquire_timeout(CONNECT_TIMEOUT);
        let places = Arc::new(Semaphore::new(SEARCHES_MAX));
        let options = (*db.connect_options()).clone();
        Self { db: session::of_pool(pool, settings).connect_lazy_with(options), places }
    }

    /// What Postgres finds, and up to which position its rows show the log.
    pub async fn search(&self, question: Arc<Question>) -> Result<(Found, i64), Problem> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| too_many("postgres"))?;
        let db = self.db.clone();
        let searching = async move {
            let mut db = db.acquire().await?;
            search(&mut db, &question).await
        };
        let found = bounded(place, searching).await;
        count("postgres", if found.is_ok() { "found" } else { "failed" }, 1);
        found
    }
}

async fn search(db: &mut PgConnection, question: &Question) -> Result<(Found, i64), Problem> {
    let words = words(db, &question.words).await?;
    let mut sql = statement(question, words);
    // Each combination of filters is a statement of its own: none takes the place of a hot read
    // among those that a connection keeps.
    let row = sql.build().persistent(false).fetch_one(db).await?;
    let total: i64 = row.try_get(0)?;
    let hits: Vec<Json<Box<RawValue>>> = row.try_get(1)?;
    let position: i64 = row.try_get(2)?;
    let (facets, facets_over) = if question.facets {
        let faceted: Vec<Json<Faceted>> = row.try_get(3)?;
        let over =
            (total > i64::try_from(faceted.len()).unwrap_or(i64::MAX)).then_some(FACETS_OVER);
        (facets::count(faceted.into_iter().map(|document| document.0).collect()), over)
    } else {
        (Facets::new(), None)
    };
    let found = Found {
        hits: hits.into_iter().map(|hit| hit.0).collect(),
        total: total.unsigned_abs(),
        page: question.page,
        limit: question.limit,
        facets,
        facets_over,
        included: None,
    };
    Ok((found, position))
}

/// The words that something can be found by; none if there are only such as stand in every text.
/// What only says what not to find is refused: no index knows it.
async fn words<'a>(db: &mut PgConnection, words: &'a str) -> Result<Option<&'a str>, Problem> {
    if words.is_empty() {
        return Ok(None);
    }
    let asked = sqlx::query!(
        r#"SELECT numnode(websearch_to_tsquery('english', $1)) AS "nodes!",
                  querytree(websearch_to_tsquery('english', $1)) AS "tree!""#,
        words,
    )
    .fetch_one(db)
    .await?;
    if asked.tree == "T" {
        return Err(only_negative());
    }
    Ok((asked.nodes > 0).then_some(words))
}

/// Total, hits, position and facets in one statement, hence of one moment. The ids come first, so
/// that documents are neither sorted nor read beyond those that are shown or counted.
fn statement(question: &Question, words: Option<&str>) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new(
        "WITH first AS MATERIALIZED (SELECT id, row_number() OVER () AS place FROM (
             SELECT id FROM search_documents WHERE listed",
    );
    push_filters(&mut sql, question, words);
    sql.push(" ORDER BY ");
    push_order(&mut sql, question, words);
    sql.push(", id LIMIT ").push_bind(HITS_MAX);
    sql.push(
        ") AS ordered) SELECT (SELECT count(*) FROM first), ARRAY(SELECT d.document FROM first",
    );
    sql.push(DOCUMENT).push(" WHERE place > ").push_bind(i64::from(question.offset()));
    sql.push(" AND place <= ").push_bind(i64::from(question.offset() + question.limit));
    sql.push(
        " ORDER BY place), (SELECT coalesce(min(position), 0) FROM projection_positions
                            WHERE name = 'search')",
    );
    if question.facets {
        sql.push(
            ", ARRAY(SELECT json_build_object('id', first.id, 'brand', f.brand,
            'in_stock', f.in_stock, 'category_levels', f.category_levels,
            'attributes', f.attributes, 'options', f.options)
            FROM first",
        );
        sql.push(DOCUMENT);
        sql.push(
            ", json_to_record(d.document) AS f (brand text, in_stock boolean, category_levels json,
               attributes json, options json) WHERE place <= ",
        );
        sql.push_bind(i64::try_from(FACETS_OVER).unwrap_or(i64::MAX)).push(")");
    }
    sql
}

/// The document of each row of `first`, looked up one by one.
const DOCUMENT: &str = " CROSS JOIN LATERAL (
    SELECT document FROM search_documents WHERE id = first.id OFFSET 0) AS d";

fn push_order(sql: &mut QueryBuilder<Postgres>, question: &Question, words: Option<&str>) {
    match (question.sort, &question.currency) {
        (Sort::Cheapest, Some(currency)) => {
            push_price(sql, currency);
            sql.push(" ASC NULLS LAST");
        }
        (Sort::Dearest, Some(currency)) => {
            push_price(sql, currency);
            sql.push(" DESC NULLS LAST");
        }
        (Sort::Oldest, _) => {
            sql.push("created_ts");
        }
        (Sort::Newest, _) => {
            sql.push("created_ts DESC");
        }
        (Sort::Title, _) => {
            sql.push("title_key");
        }
        (Sort::TitleDown, _) => {
            sql.push("title_key DESC");
        }
        _ => match words {
            Some(words) => {
                sql.push("ts_rank(words, ");
                push_words(sql, words);
                sql.push(") DESC");
            }
            None => {
                sql.push("in_stock DESC, created_ts DESC");
            }
        },
    }
}

fn push_filters(sql: &mut QueryBuilder<Postgres>, question: &Question, words: Option<&str>) {
    if let Some(words) = words {
        sql.push(" AND words @@ ");
        push_words(sql, words);
    }
    for one_of in keys(question) {
        sql.push(" AND keys && ").push_bind(one_of);
    }
    for one_of in together::keys(question) {
        // What an older program wrote has none: it is found by each option alone.
        sql.push(" AND (keys && ").push_bind(one_of);
        sql.push(" OR NOT keys @> ").push_bind(vec![BY_VARIANT]).push(")");
    }
    if let Some(currency) = &question.currency {
        for (compare, bound) in [(" >= ", question.price_min), (" <= ", question.price_max)] {
            if let Some(bound) = bound {
                sql.push(" AND ");
                push_price(sql, currency);
                sql.push(compare).push_bind(bound);
            }
        }
    }
    if let Some(in_stock) = question.in_stock {
        sql.push(" AND in_stock = ").push_bind(in_stock);
    }
}

/// Stemmed, and as they stand: SKUs and barcodes are no English.
fn push_words(sql: &mut QueryBuilder<Postgres>, words: &str) {
    sql.push("(websearch_to_tsquery('english', ").push_bind(words.to_owned());
    sql.push(") || websearch_to_tsquery('simple', ").push_bind(words.to_owned()).push("))");
}

fn push_price(sql: &mut QueryBuilder<Postgres>, currency: &str) {
    sql.push("(price ->> ").push_bind(currency.to_owned()).push(")::numeric");
}

/// Of each of these, a document must have one.
fn keys(question: &Question) -> Vec<Vec<String>> {
    let categories = question.categories.iter().map(|name| Key::Category(name).text());
    let brands = question.brands.iter().map(|brand| Key::Brand(brand).text());
    let mut keys: Vec<Vec<String>> = vec![categories.collect(), brands.collect()];
    keys.retain(|one_of| !one_of.is_empty());
    keys.extend(pairs(&question.attributes, |name, value| Key::Attribute(name, value).text()));
    keys.extend(pairs(&question.options, |name, value| Key::Option(name, value).text()));
    keys
}

fn pairs(pairs: &OneOf, key: fn(&str, &str) -> String) -> impl Iterator<Item = Vec<String>> {
    pairs.iter().map(move |(name, values)| values.iter().map(|value| key(name, value)).collect())
}
