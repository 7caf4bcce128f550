//! The searchable catalogue: one document a product, and a small one a SKU, so that a product is
//! touched only when something of it comes into stock or goes out of it.
//!
//! A product and its SKUs lie in different slots: this projection needs a checkpoint over all of
//! them. Sending the documents to Meilisearch is the affair of [`crate::search`].

use std::collections::{BTreeMap, BTreeSet};

use domain::page::search::{self, Availability, Document};
use domain::{Category, Event, ReadModel, Sku, StreamId, product};
use event_store::Recorded;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlx::PgConnection;
use sqlx::types::{Json, Uuid};

use crate::documents::encode;
use crate::projection::{ALL_SLOTS, FoldError, Folder, Projection, seen, waits_for_nothing};
use crate::recent::Recent;
use crate::step::Fenced;
use crate::step::{self, Step};

pub static PROJECTION: Projection = Projection {
    name: ReadModel::Search.name(),
    version: 3,
    categories: &[Category::Product, Category::Sku, Category::Stock],
    tables: &["search_documents_rows", "search_stock_rows"],
    grain: ALL_SLOTS,
    waits_for: waits_for_nothing,
    folder: || Box::new(Catalogue::default()),
};

/// What an event says to a product about one of its SKUs.
struct News {
    product_id: Uuid,
    sku: Sku,
    in_stock: bool,
}

/// What was written lately.
#[derive(Default)]
struct Catalogue {
    stock: Recent<Sku, Availability>,
    documents: Recent<Uuid, Document>,
}

impl Folder for Catalogue {
    fn fold<'a>(
        &'a mut self,
        db: &'a mut PgConnection,
        build: i16,
        events: &'a [Recorded],
        step: Option<Step>,
    ) -> BoxFuture<'a, Result<Result<(), Fenced>, FoldError>> {
        async move {
            if let Some(step) = step
                && let Err(fenced) = step.begin(db).await?
            {
                return Ok(Err(fenced));
            }
            let news = fold_stock(&mut self.stock, db, build, events).await?;
            fold_products(&mut self.documents, db, build, events, &news).await?;
            if step.is_some() {
                step::commit(db).await?;
            }
            Ok(Ok(()))
        }
        .boxed()
    }
}

/// Returns the news by the position of its event.
async fn fold_stock(
    recent: &mut Recent<Sku, Availability>,
    db: &mut PgConnection,
    build: i16,
    events: &[Recorded],
) -> Result<BTreeMap<i64, News>, FoldError> {
    let skus: BTreeSet<Sku> = events.iter().filter_map(sku_of).cloned().collect();
    let mut stock = recent.or_load(skus, |unknown| load_stock(db, build, unknown)).await?;
    let mut news = BTreeMap::new();
    let mut changed = BTreeSet::new();
    for event in events {
        let Some(sku) = sku_of(event) else { continue };
        let known = stock.entry(sku.clone()).or_default();
        let before = known.clone();
        known.evolve(&event.event);
        if *known != before {
            changed.insert(sku.clone());
        }
        news.extend(news_of(event, sku, &before, known).map(|news| (event.position, news)));
    }
    let json = encode(stock.values())?;
    let of_changed = stock.keys().zip(&json).filter(|(sku, _)| changed.contains(*sku));
    let (skus, documents): (Vec<String>, Vec<String>) =
        of_changed.map(|(sku, json)| (sku.to_string(), json.clone())).unzip();
    store_stock(db, build, &skus, &documents).await?;
    // Also those that were only looked at.
    recent.keep(stock, &json);
    Ok(news)
}

/// The SKU that an event is about, or that a product takes up by it.
fn sku_of(event: &Recorded) -> Option<&Sku> {
    match (&event.stream, &event.event) {
        (StreamId::Sku(sku) | StreamId::Stock(sku), _) => Some(sku),
        (_, Event::Product(product::Event::VariantSet(set))) => Some(&set.sku),
        _ => None,
    }
}

/// The product that takes a SKU up is told whether it is in stock; its owner, when that flips.
fn news_of(
    event: &Recorded,
    sku: &Sku,
    before: &Availability,
    after: &Availability,
) -> Option<News> {
    let in_stock = after.in_stock();
    let product_id = match event.stream {
        StreamId::Product(id) => id,
        StreamId::Stock(_) if in_stock == before.in_stock() => return None,
        _ => after.product_id?,
    };
    Some(News { product_id: product_id.0, sku: sku.clone(), in_stock })
}

async fn fold_products(
    recent: &mut Recent<Uuid, Document>,
    db: &mut PgConnection,
    build: i16,
    events: &[Recorded],
    news: &BTreeMap<i64, News>,
) -> Result<(), FoldError> {
    let about = |event: &Recorded| match event.stream {
        StreamId::Product(id) => Some(id.0),
        _ => None,
    };
    let told = news.values().map(|news| news.product_id);
    let ids: BTreeSet<Uuid> = events.iter().filter_map(about).chain(told).collect();
    let mut documents = recent.or_load(ids, |unknown| load_documents(db, build, unknown)).await?;
    // From which event on: readers are told that the index shows all before that one.
    let mut changed = BTreeMap::new();
    // Event by event, so that the outcome does not depend on where batches begin and end.
    for event in events {
        if let Some(id) = about(event)
            && let Some(folded) = search::fold(documents.remove(&id), &seen(event))
        {
            documents.insert(id, folded);
            changed.entry(id).or_insert(event.position);
        }
        if let Some(News { product_id, sku, in_stock }) = news.get(&event.position)
            && let Some(document) = documents.get_mut(product_id)
            && document.set_in_stock(sku, *in_stock, event.position)
        {
            changed.entry(*product_id).or_insert(event.position);
        }
    }
    documents.retain(|id, _| changed.contains_key(id));
    changed.retain(|id, _| documents.contains_key(id));
    let changed_from: Vec<i64> = changed.into_values().collect();
    let json = encode(documents.values())?;
    store_documents(db, build, &documents, &json, &changed_from).await?;
    recent.keep(documents, &json);
    Ok(())
}

async fn load_stock(
    db: &mut PgConnection,
    build: i16,
    skus: Vec<Sku>,
) -> sqlx::Result<Vec<(Sku, Availability)>> {
    let ids: Vec<String> = skus.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"SELECT id, document AS "document: Json<Availability>"
           FROM search_stock_rows WHERE build = $1 AND id = ANY($2)"#,
        build,
        &ids,
    )
    .fetch_all(db)
    .await?;
    let known = rows.into_iter().filter_map(|row| Some((row.id.parse().ok()?, row.document.0)));
    Ok(known.collect())
}

async fn store_stock(
    db: &mut PgConnection,
    build: i16,
    skus: &[String],
    documents: &[String],
) -> sqlx::Result<()> {
    if skus.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO search_stock_rows (build, id, document)
         SELECT $1, id, document::json FROM unnest($2::text[], $3::text[]) AS new (id, document)
         ON CONFLICT (build, id) DO UPDATE SET document = excluded.document",
        build,
        skus,
        documents,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn load_documents(
    db: &mut PgConnection,
    build: i16,
    ids: Vec<Uuid>,
) -> sqlx::Result<Vec<(Uuid, Document)>> {
    let rows = sqlx::query!(
        r#"SELECT id, document AS "document: Json<Document>"
           FROM search_documents_rows WHERE build = $1 AND id = ANY($2)"#,
        build,
        &ids,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.document.0)).collect())
}

/// What was never listed is of no interest to Meilisearch, and not dirty; nor is anything in a
/// build that is not sent yet.
async fn store_documents(
    db: &mut PgConnection,
    build: i16,
    documents: &BTreeMap<Uuid, Document>,
    json: &[String],
    changed_from: &[i64],
) -> Result<(), FoldError> {
    if documents.is_empty() {
        return Ok(());
    }
    let listed: Vec<bool> = documents.values().map(Document::listed).collect();
    let title_keys: Vec<String> = documents.values().map(Document::title_key).collect();
    let keys: Vec<BTreeSet<String>> = documents.values().map(Document::keys).collect();
    let keys = encode(keys.iter())?;
    sqlx::query_file!(
        "src/projections/store_search_documents.sql",
        build,
        json,
        &listed,
        changed_from,
        &keys,
        &title_keys,
    )
    .execute(db)
    .await?;
    Ok(())
}
