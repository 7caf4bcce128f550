//! What must hold once all is healed and caught up: the promises of the engine, compared with what
//! a round asked and what it was told.
//!
//! Each file checks one promise and is one line of [`all`]. Where it can, a check is a function
//! of the [`History`] and its part of the log, so that a tampered one shows that it can fail.
//! Checks of a round concern what it did; those of the log's shape cover all of it.

mod again;
mod bus;
mod decided;
mod fresh;
mod gateway;
mod holds;
mod linear;
mod log;
mod lost;
mod money;
mod once;
mod owed;
mod parked;
mod payments;
mod positions;
mod realtime;
mod search;
mod stock;
#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::Context;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::history::{Addresses, History};
use log::Log;

/// Violations of one promise that are described; more are counted.
const DESCRIBED_MAX: usize = 10;
/// Connections that the checks hold.
const CONNECTIONS_MAX: u32 = 4;
/// How long one request of a check may take.
const REQUEST_MAX: Duration = Duration::from_secs(30);

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Which.
    pub promise: &'static str,
    /// Where to look.
    pub what: String,
}

/// What one check found.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// What must hold.
    pub promise: &'static str,
    /// How much was looked at, for people.
    pub covered: String,
    /// Where it does not hold, described as far as is useful.
    pub violations: Vec<Violation>,
    more: usize,
}

impl Verdict {
    /// Nothing found so far.
    fn new(promise: &'static str) -> Self {
        Self { promise, covered: String::new(), violations: vec![], more: 0 }
    }

    /// The promise does not hold here.
    fn broken(&mut self, what: impl Into<String>) {
        if self.violations.len() < DESCRIBED_MAX {
            self.violations.push(Violation { promise: self.promise, what: what.into() });
        } else {
            self.more += 1;
        }
    }

    /// The promise does not hold here, if so.
    fn broken_if(&mut self, broken: bool, what: impl FnOnce() -> String) {
        if broken {
            self.broken(what());
        }
    }

    /// How much was looked at.
    fn covers(mut self, covered: String) -> Self {
        if self.more > 0 {
            let what = format!("and {} more of these", self.more);
            self.violations.push(Violation { promise: self.promise, what });
        }
        self.covered = covered;
        self
    }
}

/// What the checks look at.
struct Evidence<'a> {
    addresses: &'a Addresses,
    history: &'a History,
    log: Log,
    db: PgPool,
    http: reqwest::Client,
}

/// Everything that must hold once the stack is healed and caught up, except what
/// `projector verify` looks at: what each check found. `answered_older` where a query-api of an
/// earlier build may have answered.
///
/// # Errors
/// Something could not be looked at.
pub async fn all(
    addresses: &Addresses,
    history: &History,
    answered_older: bool,
) -> anyhow::Result<Vec<Verdict>> {
    let db = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).connect(&addresses.database);
    let db = db.await.context("the database")?;
    let mut log = Log::load(&db, history).await.context("the log")?;
    let history = &log.settle(&lost::left_out(&log, history));
    let http = reqwest::Client::builder().timeout(REQUEST_MAX).build()?;
    let at = Evidence { addresses, history, log, db, http };
    Ok(vec![
        positions::check(&at.db, history.began_at).await.context("positions")?,
        once::check(history, &at.log),
        realtime::check(history, &at.log),
        decided::check(history, &at.log),
        stock::check(&at.log),
        holds::check(&at.log),
        money::check(&at).await.context("money")?,
        owed::check(&at.log),
        payments::check(&at).await.context("payments")?,
        gateway::check(&at).await.context("the gateway's books")?,
        linear::carts(history, &at.log),
        linear::stock(history, &at.log),
        fresh::check(history, &at.log, answered_older),
        parked::check(&at).await.context("what was parked")?,
        bus::check(&at).await.context("JetStream")?,
        search::check(&at).await.context("Meilisearch")?,
        // The last one: what was never answered may take effect now.
        again::check(&at).await.context("asking again")?,
    ])
}
