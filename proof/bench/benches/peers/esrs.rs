//! esrs: its store on the tables that it makes itself, its manager with optimistic locking, which
//! takes one connection where its locks take two.

use anyhow::Result;
use domain::cart;
use esrs::manager::AggregateManager;
use esrs::store::postgres::{PgStore, PgStoreBuilder, UuidFormat};
use esrs::{Aggregate, AggregateState};
use sqlx_of_peers::postgres::PgPool;
use uuid::Uuid;

use crate::Carts;
use crate::cart::{Command, Stored, decide};

struct Cart;

impl Aggregate for Cart {
    const NAME: &'static str = "cart";
    type State = cart::Cart;
    type Command = Command;
    type Event = Stored;
    type Error = cart::Error;

    fn handle_command(cart: &cart::Cart, command: Command) -> Result<Vec<Stored>, cart::Error> {
        Ok(decide(cart, command)?.collect())
    }

    fn apply_event(mut cart: cart::Cart, event: Stored) -> cart::Cart {
        cart.evolve(&event.into());
        cart
    }
}

/// The library with its tables made.
pub struct Shop(AggregateManager<PgStore<Cart>>);

impl Shop {
    /// Has it make its tables.
    pub async fn open(pool: PgPool) -> Result<Self> {
        // Ids in the order of time: cheaper in an index than its default, random ones.
        let store = PgStoreBuilder::new(pool).with_event_id_format(UuidFormat::V7);
        Ok(Self(AggregateManager::new(store.try_build().await?)))
    }
}

impl Carts for Shop {
    async fn ask(&self, cart: Uuid, command: Command) -> Result<()> {
        // It is spared the look for a cart that is new.
        let known = match command {
            Command::Create(_) => None,
            _ => self.0.load(cart).await?,
        };
        let state = known.unwrap_or_else(|| AggregateState::with_id(cart));
        self.0.handle_command(state, command).await??;
        Ok(())
    }
}
