//! cqrs-es with postgres-es: the event store that its guide begins with, on the table that its
//! documentation gives.

use anyhow::{Result, anyhow};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent};
use domain::cart;
use postgres_es::{PostgresCqrs, postgres_cqrs};
use serde::{Deserialize, Serialize};
use sqlx_of_peers::Executor as _;
use sqlx_of_peers::postgres::PgPool;
use uuid::Uuid;

use crate::Carts;
use crate::cart::{Command, Stored, decide};

/// `db/init.sql` of postgres-es.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS events (
    aggregate_type text NOT NULL, aggregate_id text NOT NULL,
    sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL,
    event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence))";

/// The cart. What is stored of it is its events; serialised it would be with snapshots.
#[derive(Default, Serialize, Deserialize)]
struct Cart(cart::Cart);

impl DomainEvent for Stored {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl Aggregate for Cart {
    const TYPE: &'static str = "cart";
    type Command = Command;
    type Event = Stored;
    type Error = cart::Error;
    type Services = ();

    async fn handle(
        &mut self,
        command: Command,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), cart::Error> {
        for event in decide(&self.0, command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Stored) {
        self.0.evolve(&event.into());
    }
}

/// The library with its table made.
pub struct Shop(PostgresCqrs<Cart>);

impl Shop {
    /// Makes the table if it is missing.
    pub async fn open(pool: PgPool) -> Result<Self> {
        pool.execute(TABLE).await?;
        Ok(Self(postgres_cqrs(pool, vec![], ())))
    }
}

impl Carts for Shop {
    async fn ask(&self, cart: Uuid, command: Command) -> Result<()> {
        self.0.execute(&cart.to_string(), command).await.map_err(|error| anyhow!("{error}"))
    }
}
