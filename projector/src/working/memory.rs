//! What a worker knows of its build without asking, and the connection that it writes over.
//!
//! The connection is the worker's own, beside the pool, and is dropped with whatever fails on it:
//! it may be inside a transaction that nobody knows of, and a pool would hand that to others.
//! Behind a new one may be a database that was restored, so what was remembered of the rows is
//! forgotten.

use std::collections::BTreeSet;
use std::time::Duration;

use service::session;
use sqlx::{PgConnection, PgPool};

use crate::projection::{Folder, Projection};
use crate::working::parking::ParkedStreams;
use crate::working::skipped;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What is remembered of a build for as long as its lease is held.
#[derive(Default)]
pub struct Memory {
    /// What it has parked.
    pub parked: ParkedStreams,
    /// Positions of events that somebody decided to leave out.
    pub skipped: BTreeSet<i64>,
    /// None after a transaction that came to nothing: what it remembers never was.
    folder: Option<Box<dyn Folder>>,
    connection: Option<PgConnection>,
}

impl Memory {
    /// What is parked and skipped; all else is learned on the way.
    pub async fn load(db: &PgPool, projection: &Projection, build: i16) -> sqlx::Result<Self> {
        let parked = ParkedStreams::load(db, projection, build).await?;
        let skipped = skipped::positions(db, projection).await?;
        Ok(Self { parked, skipped, folder: None, connection: None })
    }

    /// Takes the connection out, made anew if the last one was not put back.
    pub(crate) async fn take_connection(&mut self, db: &PgPool) -> sqlx::Result<PgConnection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        self.folder = None;
        connect(db).await
    }

    /// Keeps a connection on which nothing failed.
    pub(crate) fn put_back(&mut self, connection: PgConnection) {
        self.connection = Some(connection);
    }

    /// Takes out what folds events, to be kept again once they are committed.
    pub(crate) fn take_folder(&mut self, projection: &Projection) -> Box<dyn Folder> {
        self.folder.take().unwrap_or_else(projection.folder)
    }

    /// Keeps what folded events that are committed.
    pub(crate) fn keep_folder(&mut self, folder: Box<dyn Folder>) {
        self.folder = Some(folder);
    }
}

/// A connection beside the pool.
async fn connect(db: &PgPool) -> sqlx::Result<PgConnection> {
    let connecting = tokio::time::timeout(CONNECT_TIMEOUT, session::beside(db)).await;
    connecting.map_err(|_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()))?
}
