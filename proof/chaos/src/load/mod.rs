//! The load of a round: many clients that buy, pay, send, count and change things, at random and
//! from one seed, and that ask again under the same key until they are answered.
//!
//! * `market`: what is on sale, and what clients share; `plan`: what a client does next;
//! * `route` and `send`: commands over HTTP; `ask`: again and again;
//! * `client`: one client; `read`: what it reads in between;
//! * `pulse`: how fast those are served that are well while another is not.
//!
//! Nothing is judged here: what came back is kept in a [`History`].

mod ask;
mod client;
mod market;
mod plan;
mod pulse;
mod read;
mod route;
mod send;

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use fastrand::Rng;
use futures::future::join_all;
use sqlx::{Connection, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use client::Client;
use market::Market;
use plan::Planner;
pub use pulse::Pulse;
use read::Reader;
pub(crate) use send::{PATIENCE, Sender};

use crate::history::{Addresses, Asked, Clock, History, Read};

/// A load under way.
#[derive(Debug)]
pub struct Load {
    stop: watch::Sender<bool>,
    clients: Vec<JoinHandle<(Vec<Asked>, Vec<Read>)>>,
    history: History,
    clock: Clock,
}

impl Load {
    /// Puts this round's products on sale and sends the clients off. Everything random comes from
    /// `seed`; only the ids and names are new in each round, for the log outlives it.
    ///
    /// # Errors
    /// The engine cannot be reached, or does not put the products on sale.
    pub async fn start(addresses: &Addresses, seed: u64, clients: usize) -> anyhow::Result<Self> {
        let mut db = PgConnection::connect(&addresses.database).await.context("the database")?;
        let began_at: i64 =
            sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&mut db).await?;
        let clock = Clock::start();
        let sender = Sender::new(addresses, clock)?;
        let reader = Reader::new(addresses, clock)?;
        // The head tells rounds of one seed on one log from each other.
        let tag = format!("r{seed:x}-{began_at}");
        let ids = seed ^ began_at.cast_unsigned().rotate_left(32);
        let (market, asked) = Market::open(&tag, &mut Rng::with_seed(ids), &sender).await?;
        let market = Arc::new(market);
        let (stop, stopped) = watch::channel(false);
        let client = |number| {
            let client = Client {
                number,
                planner: Planner::new(number, seed, ids),
                sender: sender.clone(),
                reader: reader.clone(),
                market: market.clone(),
                stop: stopped.clone(),
                commands: vec![],
                reads: vec![],
            };
            tokio::spawn(client.run())
        };
        let clients = (0..clients).map(client).collect();
        Ok(Self {
            stop,
            clients,
            history: History { tag, began_at, commands: asked, reads: vec![], cuts: vec![] },
            clock,
        })
    }

    /// Tells the clients to finish: every command without an answer is asked again under its key
    /// until it has one, but for a few that stay unanswered on purpose. Call once all is healed,
    /// with the moments since when the log did what it lost.
    ///
    /// # Errors
    /// A client broke off.
    pub async fn stop(self, cuts: Vec<Instant>) -> anyhow::Result<History> {
        let Self { stop, clients, mut history, clock } = self;
        history.cuts = cuts.into_iter().map(|cut| clock.at(cut)).collect();
        stop.send_replace(true);
        for client in join_all(clients).await {
            let (commands, reads) = client.context("a client broke off")?;
            history.commands.extend(commands);
            history.reads.extend(reads);
        }
        Ok(history)
    }
}
