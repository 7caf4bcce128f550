//! The catalogue as the log has it: what an import finds before it changes anything.

use domain::product::{Details, Product};
use domain::{Event, ProductId, Sku, StreamId, product, sku};
use event_store::{Recorded, read};
use sqlx::PgPool;

use crate::Error;

/// Streams that are read at once.
pub const READS_AT_ONCE: usize = 8;

/// A product as the log has it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its version; 0 if there is none.
    pub version: i64,
    /// What it is.
    pub details: Option<Details>,
    /// Its state and variants.
    pub product: Product,
}

/// Reads a product.
pub async fn product(db: &PgPool, id: ProductId) -> Result<Known, Error> {
    let mut known = Known::default();
    fold(db, &StreamId::Product(id), |recorded| {
        known.version = recorded.version;
        let Event::Product(event) = recorded.event else { return };
        known.product.evolve(&event);
        match (event, &mut known.details) {
            (product::Event::Created(created), details) => *details = Some(created.details),
            (product::Event::Changed(changed), Some(details)) => changed.apply(details),
            _ => {}
        }
    })
    .await?;
    Ok(known)
}

/// Which product sells a SKU.
pub async fn owner(db: &PgPool, sku: &Sku) -> Result<Option<ProductId>, Error> {
    let mut assignment = sku::Assignment::default();
    fold(db, &StreamId::Sku(sku.clone()), |recorded| {
        if let Event::Sku(event) = recorded.event {
            assignment.evolve(&event);
        }
    })
    .await?;
    Ok(assignment.product_id)
}

/// The key of the command that made a stream's first event; none if it has none.
pub async fn first_key(db: &PgPool, stream: &StreamId) -> Result<Option<String>, Error> {
    let first = read::of_stream(db, &stream.to_string(), 0, 1).await?;
    let metadata = first.events.first().map(|event| event.metadata.get());
    let metadata: Option<event_store::Metadata> =
        metadata.and_then(|metadata| serde_json::from_str(metadata).ok());
    Ok(metadata.map(|metadata| metadata.command))
}

/// Hands every event of a stream to `apply`, a page at a time.
async fn fold(
    db: &PgPool,
    stream: &StreamId,
    mut apply: impl FnMut(Recorded),
) -> Result<(), Error> {
    let name = stream.to_string();
    let mut version = 0;
    loop {
        let page = read::of_stream(db, &name, version, read::PAGE_EVENTS_MAX).await?.events;
        let Some(last) = page.last() else { return Ok(()) };
        version = last.version;
        for event in &page {
            apply(event.decode()?);
        }
    }
}
