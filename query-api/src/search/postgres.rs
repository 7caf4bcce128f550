//! Searching in Postgres, for the time in which Meilisearch is away: whole words in English
//! stemming, no forgiven typing errors, and counts over a bounded number of hits.

use serde_json::value::RawValue;
use sqlx::types::Json;
use sqlx::{PgConnection, Postgres, QueryBuilder, Row as _};

use super::request::{OneOf, Sort, Wanted};
use super::{Facets, Found};

/// The most hits that are counted and paged through.
const HITS_MAX: i64 = 5_000;
/// The most searches in Postgres at once; more are refused. They cost far more than other reads,
/// which must not wait behind them.
pub const SEARCHES_MAX: usize = 4;

/// What Postgres finds: hits, total and facets in one statement, hence of one moment.
pub async fn search(db: &mut PgConnection, wanted: &Wanted) -> sqlx::Result<Found> {
    // The ids first, so that documents are neither sorted nor read beyond the bound.
    let mut sql = QueryBuilder::new(
        "WITH first AS MATERIALIZED (SELECT id, row_number() OVER () AS place FROM (
             SELECT id FROM search_documents WHERE listed",
    );
    push_filters(&mut sql, wanted);
    sql.push(" ORDER BY ");
    push_order(&mut sql, wanted);
    sql.push(", id LIMIT ").push_bind(HITS_MAX);
    sql.push(
        ") AS ordered), found AS MATERIALIZED (
             SELECT place, document, brand, in_stock FROM first JOIN search_documents USING (id)
         ) SELECT (SELECT count(*) FROM found), ARRAY(SELECT document FROM found WHERE place > ",
    );
    sql.push_bind(i64::from(wanted.offset())).push(" ORDER BY place LIMIT ");
    sql.push_bind(i64::from(wanted.limit)).push("), ").push(FACETS);
    let row = sql.build().fetch_one(db).await?;
    let total: i64 = row.try_get(0)?;
    let hits: Vec<Json<Box<RawValue>>> = row.try_get(1)?;
    let facets: Json<Facets> = row.try_get(2)?;
    Ok(Found {
        hits: hits.into_iter().map(|hit| hit.0).collect(),
        total: total.unsigned_abs(),
        page: wanted.page,
        limit: wanted.limit,
        facets: facets.0,
    })
}

/// The facets that Meilisearch counts, under the same names.
const FACETS: &str = "
    (SELECT coalesce(json_object_agg(facet, counts), '{}') FROM (
        SELECT facet, json_object_agg(value, hits) AS counts FROM (
            SELECT 'brand' AS facet, brand AS value, count(*) AS hits FROM found
            WHERE brand IS NOT NULL GROUP BY brand
            UNION ALL
            SELECT 'in_stock', in_stock::text, count(*) FROM found GROUP BY in_stock
            UNION ALL
            SELECT 'category_levels.' || l.name, l.value, count(*)
            FROM found, json_each_text(document -> 'category_levels') AS l (name, value)
            GROUP BY l.name, l.value
            UNION ALL
            SELECT 'attributes.' || a.name, a.value, count(*)
            FROM found, json_each_text(document -> 'attributes') AS a (name, value)
            GROUP BY a.name, a.value
            UNION ALL
            SELECT 'options.' || o.name, v.value, count(*)
            FROM found, json_each(document -> 'options') AS o (name, list),
                 json_array_elements_text(o.list) AS v (value)
            GROUP BY o.name, v.value
        ) AS counted GROUP BY facet
    ) AS facets)";

fn push_order(sql: &mut QueryBuilder<Postgres>, wanted: &Wanted) {
    match (wanted.sort, &wanted.currency) {
        (Sort::Cheapest, Some(currency)) => {
            push_price(sql, currency);
            sql.push(" ASC NULLS LAST");
        }
        (Sort::Dearest, Some(currency)) => {
            push_price(sql, currency);
            sql.push(" DESC NULLS LAST");
        }
        (Sort::Oldest, _) => {
            sql.push("created_at");
        }
        (Sort::Title, _) => {
            sql.push("title");
        }
        (Sort::TitleDown, _) => {
            sql.push("title DESC");
        }
        (Sort::Relevance, _) if !wanted.words.is_empty() => {
            sql.push("ts_rank(words, websearch_to_tsquery('english', ");
            sql.push_bind(wanted.words.clone()).push(")) DESC");
        }
        _ => {
            sql.push("created_at DESC");
        }
    }
}

fn push_filters(sql: &mut QueryBuilder<Postgres>, wanted: &Wanted) {
    if !wanted.words.is_empty() {
        sql.push(" AND words @@ websearch_to_tsquery('english', ");
        sql.push_bind(wanted.words.clone()).push(")");
    }
    if !wanted.categories.is_empty() {
        sql.push(" AND category && ").push_bind(wanted.categories.clone());
    }
    if !wanted.brands.is_empty() {
        sql.push(" AND brand = ANY(").push_bind(wanted.brands.clone()).push(")");
    }
    push_attributes(sql, &wanted.attributes);
    push_options(sql, &wanted.options);
    if let Some(currency) = &wanted.currency {
        for (compare, bound) in [(" >= ", wanted.price_min), (" <= ", wanted.price_max)] {
            if let Some(bound) = bound {
                sql.push(" AND ");
                push_price(sql, currency);
                sql.push(compare).push_bind(bound);
            }
        }
    }
    if let Some(in_stock) = wanted.in_stock {
        sql.push(" AND in_stock = ").push_bind(in_stock);
    }
}

fn push_price(sql: &mut QueryBuilder<Postgres>, currency: &str) {
    sql.push("(document -> 'price' ->> ").push_bind(currency.to_owned()).push(")::numeric");
}

fn push_attributes(sql: &mut QueryBuilder<Postgres>, attributes: &OneOf) {
    for (name, values) in attributes {
        sql.push(" AND document -> 'attributes' ->> ").push_bind(name.clone());
        sql.push(" = ANY(").push_bind(Vec::from_iter(values.clone())).push(")");
    }
}

fn push_options(sql: &mut QueryBuilder<Postgres>, options: &OneOf) {
    for (name, values) in options {
        sql.push(" AND (document -> 'options' -> ").push_bind(name.clone());
        sql.push(")::jsonb ?| ").push_bind(Vec::from_iter(values.clone()));
    }
}
