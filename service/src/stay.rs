//! What an open connection holds: its place among the others, and that the process waits for its
//! end. One that was upgraded goes on when HTTP has ended on it: who has it then holds all of that
//! until he is done with it, and is told when it has to end.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::connections::Opened;
use crate::ledger::{Ledger, UnderWay};

/// The connection that a request came by: one of its extensions, and not three.
#[derive(Clone)]
pub(crate) struct CameBy {
    /// The address at the other end.
    pub peer: IpAddr,
    /// What is under way on it.
    pub ledger: Arc<Ledger>,
    /// What it holds; `None` of one that is turned away.
    pub held: Option<Held>,
}

/// What a connection holds, until the last of its clones is dropped.
#[derive(Clone)]
pub(crate) struct Held(Arc<Inner>);

struct Inner {
    opened: Opened,
    /// Ends whatever is open after the drain.
    cut_off: CancellationToken,
    _place: OwnedSemaphorePermit,
    _attended: TaskTrackerToken,
}

impl Held {
    pub fn new(
        opened: Opened,
        cut_off: CancellationToken,
        place: OwnedSemaphorePermit,
        attended: TaskTrackerToken,
    ) -> Self {
        Self(Arc::new(Inner { opened, cut_off, _place: place, _attended: attended }))
    }

    pub fn opened(&self) -> &Opened {
        &self.0.opened
    }
}

/// The stay of an upgraded connection: to be dropped when it is closed.
pub struct Stay {
    /// None in a test without a connection.
    held: Option<(Held, UnderWay)>,
}

impl Stay {
    /// Waits until the connection has to end, whatever goes on on it.
    pub async fn ended(&self) {
        let Some((Held(inner), _)) = &self.held else { return std::future::pending().await };
        tokio::select! {
            () = inner.opened.connection.end.cancelled() => {}
            () = inner.cut_off.cancelled() => {}
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Stay {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let held = parts.extensions.get::<CameBy>().and_then(|came_by| came_by.held.clone());
        let held = held.map(|held| {
            let under_way = held.opened().connection.ledger.begin();
            (held, under_way)
        });
        Ok(Self { held })
    }
}
