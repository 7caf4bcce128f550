//! Reading the log for those who take it as it stands: which events somebody wants, and pages of
//! them no larger than what is sent at once. A few are read at a time for all exports and followers
//! together: those that catch up must not take every connection from the others.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use event_store::RawEvent;
use event_store::read::{self, PAGE_EVENTS_MAX, PageSize};
use sqlx::PgPool;
use tokio::sync::Semaphore;

use crate::bounded::bounded;

/// Events read at once, where all are wanted.
const PAGE_EVENTS: i64 = 500;
/// Bytes after which a page ends, and what is sent at once: what an export or a follower holds in
/// memory.
pub const CHUNK_BYTES: usize = 256 * 1024;
/// The most pages read at once.
pub const PAGE_READS_MAX: usize = 4;

/// Which events are still to be sent.
#[derive(Clone, Debug)]
pub struct Selection {
    /// All up to here were sent, or not wanted.
    pub after: i64,
    /// Only up to this position.
    pub until: i64,
    /// No more than this many.
    pub left: u64,
    /// Only of these types; of all, if there are none.
    pub types: Vec<String>,
}

impl Selection {
    /// Whether nothing is left to send.
    pub fn is_done(&self) -> bool {
        self.left == 0 || self.after >= self.until
    }

    /// Goes past one event and says whether to send it.
    pub fn takes(&mut self, position: i64, kind: &str) -> bool {
        if self.is_done() || position > self.until {
            return false;
        }
        self.after = self.after.max(position);
        let wanted = self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind);
        self.left -= u64::from(wanted);
        wanted
    }
}

/// The pages of a log. Cheap to clone.
#[derive(Clone)]
pub struct Pages {
    db: PgPool,
    places: Arc<Semaphore>,
}

/// A page as it was read.
struct Read {
    events: Vec<RawEvent>,
    scanned_to: i64,
    cut: bool,
}

impl Pages {
    /// Those of the log in `db`.
    pub fn new(db: PgPool) -> Self {
        Self { db, places: Arc::new(Semaphore::new(PAGE_READS_MAX)) }
    }

    /// The next page that a selection looks at.
    async fn read(&self, selection: &Selection, size: PageSize) -> sqlx::Result<Read> {
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| sqlx::Error::PoolClosed)?;
        let (db, after, types) = (self.db.clone(), selection.after, selection.types.clone());
        bounded(place, async move {
            if types.is_empty() {
                let page = read::page(&db, None, after, &size).await?;
                let scanned_to = page.events.last().map_or(after, |event| event.position);
                return Ok(Read { events: page.events, scanned_to, cut: page.cut });
            }
            let page = read::of_types(&db, after, &types, &size).await?;
            Ok(Read { events: page.events, scanned_to: page.scanned_to, cut: page.cut })
        })
        .await
    }
}

/// One who reads the log, and what is left of the page that was read last.
pub struct Reading {
    pages: Pages,
    /// Which events are still to be sent.
    pub selection: Selection,
    size: PageSize,
    rest: VecDeque<RawEvent>,
    /// Where the page that was read last ended, and whether the log has more after that.
    read_to: i64,
    more: bool,
}

/// What is sent at once.
pub struct Chunk {
    /// Nothing, where nothing of a page was wanted.
    pub bytes: Bytes,
    /// Whether the log has more than that.
    pub more: bool,
}

impl Reading {
    /// Of what is selected.
    pub fn new(pages: Pages, selection: Selection) -> Self {
        let rows_max = if selection.types.is_empty() {
            let wanted = i64::try_from(selection.left).unwrap_or(i64::MAX);
            PAGE_EVENTS.min(wanted).min(selection.until.saturating_sub(selection.after))
        } else {
            // A rare type is looked for in large steps: what is not wanted weighs nothing.
            PAGE_EVENTS_MAX
        };
        let (size, read_to) = (PageSize::new(rows_max, CHUNK_BYTES), selection.after);
        Self { pages, selection, size, rest: VecDeque::new(), read_to, more: true }
    }

    /// The next events, out of one page of the log at most. Safe to drop while it waits.
    pub async fn next(
        &mut self,
        mut write: impl FnMut(&RawEvent, &mut Vec<u8>),
    ) -> sqlx::Result<Chunk> {
        let Self { selection, rest, .. } = self;
        if rest.is_empty() && !selection.is_done() {
            let page = self.pages.read(selection, self.size).await?;
            self.more = self.size.learn(page.scanned_to - selection.after, page.cut);
            (*rest, self.read_to) = (page.events.into(), page.scanned_to);
        }
        let mut bytes = Vec::new();
        while bytes.len() < CHUNK_BYTES
            && let Some(event) = rest.pop_front()
        {
            if selection.takes(event.position, &event.kind) {
                write(&event, &mut bytes);
            }
        }
        if rest.is_empty() && !selection.is_done() {
            selection.after = selection.after.max(self.read_to);
        }
        Ok(Chunk { bytes: bytes.into(), more: self.more || !rest.is_empty() })
    }
}
