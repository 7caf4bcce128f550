//! What a worker remembers of one batch to the next is what stands in the rows.

use std::sync::Arc;

use domain::CartId;
use event_store::RawEvent;
use indicatif::ProgressBar;
use projector::building::rebuild::verify;
use projector::checkpoint::Lease;
use projector::projections;
use projector::working::fold::{self, BatchError};
use projector::working::memory::Memory;
use sqlx::PgPool;

use crate::shop::{Shop, document, documents, events, lease, parked};

/// A worker's turn, for as long as a test lasts.
struct Turn {
    db: PgPool,
    lease: Lease,
    memory: Memory,
}

impl Turn {
    async fn begin(db: &PgPool, name: &str) -> Self {
        let memory = Memory::default();
        Self { db: db.clone(), lease: lease(db, name, "test").await.unwrap(), memory }
    }

    async fn fold(&mut self, events: &[Arc<RawEvent>]) -> Result<usize, BatchError> {
        fold::apply(&self.db, &mut self.lease, &mut self.memory, events).await
    }

    /// Folds what is after the checkpoint.
    async fn go_on(&mut self) -> Result<usize, BatchError> {
        let events = events(&self.db, self.lease.position).await;
        self.fold(&events).await
    }
}

/// A shop with something to sell and a cart, and the turn that has folded the cart.
async fn begun(db: &PgPool) -> (Shop, CartId, Turn) {
    let shop = Shop::open(db);
    shop.product("Tote", "TOTE").await;
    shop.receive("TOTE", 9).await;
    let cart = shop.cart().await;
    let mut turn = Turn::begin(db, "carts").await;
    turn.go_on().await.unwrap();
    (shop, cart, turn)
}

/// Runs SQL that stands in the way of a projection.
async fn run(db: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(db).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn event_by_event_gives_what_one_batch_gives(db: PgPool) {
    let shop = Shop::open(&db);
    shop.busy_day().await;
    shop.busy_day_again().await;
    let log = events(&db, 0).await;
    assert!(log.len() > 40, "a story too short to remember anything: {}", log.len());
    for projection in projections::ALL {
        let mut turn = Turn::begin(&db, projection.name).await;
        for event in &log {
            turn.fold(std::slice::from_ref(event)).await.unwrap();
        }
        turn.lease.release(&db).await.unwrap();
        let report = verify(&db, projection, "test", &ProgressBar::hidden()).await.unwrap();
        assert!(report.differences.is_empty(), "{}: {:?}", projection.name, report.differences);
    }
}

/// Makes the rows say what no event says.
const SPOIL: &str = "UPDATE carts_rows
    SET document = jsonb_set(document::jsonb, '{created_at}', '\"2001-01-01T00:00:00Z\"')::json";
const SPOILT: &str = "2001-01-01T00:00:00Z";

#[sqlx::test(migrations = "../migrations")]
async fn what_is_remembered_is_not_read(db: PgPool) {
    let (shop, cart, mut turn) = begun(&db).await;
    run(&db, SPOIL).await;
    shop.put(cart, "TOTE", 1).await;
    turn.go_on().await.unwrap();
    assert_ne!(document(&db, "carts").await["created_at"], SPOILT);
    // The next to work on it remembers nothing.
    run(&db, SPOIL).await;
    turn.lease.release(&db).await.unwrap();
    shop.put(cart, "TOTE", 1).await;
    Turn::begin(&db, "carts").await.go_on().await.unwrap();
    assert_eq!(document(&db, "carts").await["created_at"], SPOILT);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_not_committed_is_forgotten(db: PgPool) {
    let (shop, cart, mut turn) = begun(&db).await;
    shop.put(cart, "TOTE", 1).await;
    turn.go_on().await.unwrap();
    // The rows are written, and the commit fails.
    run(
        &db,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE 'not now'; END $$;
         CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON carts_rows
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    .await;
    shop.put(cart, "TOTE", 2).await;
    let refused = turn.go_on().await;
    assert!(matches!(refused, Err(BatchError::Database(_))), "{refused:?}");
    run(&db, "DROP TRIGGER refuse ON carts_rows").await;
    run(&db, SPOIL).await;
    turn.go_on().await.unwrap();
    let shown = document(&db, "carts").await;
    assert_eq!(shown["created_at"], SPOILT, "it was not read again: {shown}");
    assert_eq!(shown["lines"][0]["quantity"], 3, "{shown}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_stream_that_is_parked_takes_nothing_with_it(db: PgPool) {
    let (shop, sound, mut turn) = begun(&db).await;
    let spoilt = shop.cart().await;
    turn.go_on().await.unwrap();
    run(
        &db,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE 'never' USING ERRCODE = '22000'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON carts_rows FOR EACH ROW
             WHEN (new.document #>> '{lines,0,quantity}' = '5') EXECUTE FUNCTION refuse()",
    )
    .await;
    shop.put(sound, "TOTE", 1).await;
    shop.put(spoilt, "TOTE", 5).await;
    shop.put(sound, "TOTE", 2).await;
    turn.go_on().await.unwrap();
    shop.put(spoilt, "TOTE", 3).await;
    shop.put(sound, "TOTE", 4).await;
    turn.go_on().await.unwrap();
    assert_eq!(parked(&db, "carts").await, [format!("cart-{}", spoilt.0)]);
    let shown = documents(&db, "carts").await;
    let of = |id: uuid::Uuid| {
        let cart = shown.iter().find(|cart| cart["id"] == id.to_string());
        cart.unwrap()["lines"].to_string()
    };
    assert!(of(sound.0).contains("\"quantity\":7"), "{shown:?}");
    assert_eq!(of(spoilt.0), "[]", "as it was when it was parked");
}
