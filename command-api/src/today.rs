//! What an open cart's lines are today, for the answer to who asks for the cart: the products and
//! the stock of its SKUs, folded from the log as `page::cart` shows them. What they have become
//! since the command is in it: of a cart, what others do is no event.

use std::collections::{BTreeMap, BTreeSet};

use domain::cart::document::{Document, Status};
use domain::page::cart::{self as page, SkuFacts, Sold};
use domain::{Event, ProductId, Sku, StreamId, product, sku, stock};
use event_store::Recorded;
use sqlx::PgPool;

use crate::streams::{NotRead, of_streams, seen};

/// The cart as it is shown. Its lines are without today where they are of too many events.
///
/// # Errors
/// Where the log cannot be read.
pub async fn shown(db: &PgPool, cart: Document) -> Result<page::Document, NotRead> {
    if cart.status != Status::Open {
        return Ok(page::Document::of(cart, vec![]));
    }
    let skus: Vec<Sku> = cart.lines.iter().map(|line| line.sku.clone()).collect();
    let facts = known(db, &skus).await?.unwrap_or_default();
    Ok(page::Document::of(cart, facts))
}

/// What is known of each SKU, in their order; `None` where that is of too many events.
async fn known(db: &PgPool, skus: &[Sku]) -> Result<Option<Vec<SkuFacts>>, NotRead> {
    let own = |sku: &Sku| [StreamId::Sku(sku.clone()), StreamId::Stock(sku.clone())];
    let own: Vec<StreamId> = skus.iter().flat_map(own).collect();
    let Some(events) = of_streams(db, &own, i64::MAX).await? else { return Ok(None) };
    let (mut owners, mut stocks) = (BTreeMap::new(), BTreeMap::new());
    for (sku, events) in by_stream(&events) {
        match sku {
            StreamId::Sku(sku) => owners.extend(owner(&events).map(|id| (sku, id))),
            StreamId::Stock(sku) => {
                let fold =
                    |document, event: &&Recorded| stock::document::fold(document, &seen(event));
                let stock: Option<stock::document::Document> = events.iter().fold(None, fold);
                stocks.extend(stock.map(|stock| (sku, stock)));
            }
            _ => {}
        }
    }
    // One product may sell several of them.
    let products: BTreeSet<ProductId> = owners.values().copied().collect();
    let products: Vec<StreamId> = products.into_iter().map(StreamId::Product).collect();
    let Some(events) = of_streams(db, &products, i64::MAX).await? else { return Ok(None) };
    let mut products = BTreeMap::new();
    for (stream, events) in by_stream(&events) {
        let StreamId::Product(id) = stream else { continue };
        let fold = |document, event: &&Recorded| product::document::fold(document, &seen(event));
        let product: Option<product::document::Document> = events.iter().fold(None, fold);
        products.extend(product.map(|product| (id, product)));
    }
    let facts = skus.iter().map(|sku| {
        let sold = owners.get(sku).and_then(|id| sold(*id, products.get(id)?, sku));
        let stock = stocks.get(sku);
        let (available, obtainable) =
            stock.map_or((0, 0), |stock| (stock.available, stock.obtainable()));
        SkuFacts { sold, available, obtainable }
    });
    Ok(Some(facts.collect()))
}

fn by_stream(events: &[Recorded]) -> BTreeMap<StreamId, Vec<&Recorded>> {
    let mut streams: BTreeMap<StreamId, Vec<&Recorded>> = BTreeMap::new();
    for event in events {
        streams.entry(event.stream.clone()).or_default().push(event);
    }
    streams
}

fn owner(events: &[&Recorded]) -> Option<ProductId> {
    let mut assignment = sku::Assignment::default();
    for recorded in events {
        if let Event::Sku(event) = &recorded.event {
            assignment.evolve(event);
        }
    }
    assignment.product_id
}

fn sold(product_id: ProductId, product: &product::document::Document, sku: &Sku) -> Option<Sold> {
    let variant = product.variants.iter().find(|variant| variant.sku == *sku)?.clone();
    let image = product.details.media.first().map(|media| media.url.clone());
    let (status, title) = (product.status, product.details.title.clone());
    Some(Sold { product_id, status, title, image, variant })
}
