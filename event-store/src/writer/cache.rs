//! States of recently used streams, bounded. Whether they are still current is for the task to
//! know: it follows the log, and every append says what it believes.

use std::num::NonZeroUsize;

use domain::{Event, State, StreamId};
use lru::LruCache;

use super::SubmitError;
use crate::causes;
use crate::recorded::Unreadable;

/// Streams that are known to be unreadable; with more, one is loaded in vain now and then.
const UNREADABLE_STREAMS_MAX: NonZeroUsize = NonZeroUsize::new(1_000).unwrap();

/// A stream's state at a version.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    pub version: i64,
    pub state: State,
    /// The version of the last snapshot that was taken of it, as far as this process knows.
    pub snapshot: i64,
}

impl Cached {
    /// A stream without events.
    pub fn empty(stream: &StreamId) -> Self {
        Self { version: 0, state: State::initial(stream), snapshot: 0 }
    }

    /// Folds the stream's next event.
    pub fn apply(&mut self, event: &Event) {
        self.version += 1;
        self.state.evolve(event);
    }
}

/// The least recently used goes first when the things held are too many.
pub(super) struct Cache {
    streams: LruCache<StreamId, Cached>,
    /// What is answered to who needs a stream that this program cannot read.
    unreadable: LruCache<StreamId, SubmitError>,
    items: usize,
    items_max: usize,
}

impl Cache {
    pub fn new(items_max: usize) -> Self {
        let unreadable = LruCache::new(UNREADABLE_STREAMS_MAX);
        Self { streams: LruCache::unbounded(), unreadable, items: 0, items_max }
    }

    /// The state, without counting as a use.
    pub fn peek(&self, stream: &StreamId) -> Option<&Cached> {
        self.streams.peek(stream)
    }

    /// The version of a stream; 0 if it is not held.
    pub fn version(&self, stream: &StreamId) -> i64 {
        self.peek(stream).map_or(0, |cached| cached.version)
    }

    /// Notes a use.
    pub fn touch(&mut self, stream: &StreamId) {
        self.streams.promote(stream);
    }

    /// Keeps a state, as the most recently used.
    pub fn put(&mut self, stream: StreamId, cached: Cached) {
        self.items += cached.state.items();
        if let Some((_, old)) = self.streams.push(stream, cached) {
            self.items -= old.state.items();
        }
    }

    /// Changes a state in place; `None` if it is not held.
    pub fn change<T>(
        &mut self,
        stream: &StreamId,
        change: impl FnOnce(&mut Cached) -> T,
    ) -> Option<T> {
        let cached = self.streams.peek_mut(stream)?;
        self.items -= cached.state.items();
        let result = change(cached);
        self.items += cached.state.items();
        Some(result)
    }

    /// Forgets a state.
    pub fn forget(&mut self, stream: &StreamId) {
        if let Some(old) = self.streams.pop(stream) {
            self.items -= old.state.items();
        }
    }

    /// Notes, and reports, that a stream cannot be read, so that nobody tries to load it again.
    pub fn note_unreadable(&mut self, stream: StreamId, position: i64, error: &Unreadable) {
        self.forget(&stream);
        let (name, reason) = (stream.to_string(), causes(error));
        tracing::error!(stream = name, position, reason, "a stream cannot be read");
        metrics::counter!("writer_unreadable_streams_total").increment(1);
        let answer = SubmitError::Unreadable { stream: name, position, reason };
        self.unreadable.put(stream, answer);
    }

    /// What is answered to who needs the stream, if it is known to be unreadable.
    pub fn unreadable(&self, stream: &StreamId) -> Option<&SubmitError> {
        self.unreadable.peek(stream)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        *self = Self::new(self.items_max);
    }

    /// Forgets the least recently used until the bound holds. Not between loading the states of a
    /// batch and deciding it: a batch may need more than the bound.
    pub fn shrink(&mut self) {
        while self.items > self.items_max {
            let Some((_, old)) = self.streams.pop_lru() else { return };
            self.items -= old.state.items();
        }
    }

    /// Things held.
    pub fn items(&self) -> usize {
        self.items
    }
}
