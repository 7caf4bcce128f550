//! States of recently used streams, bounded. Whether they are still current is for the task to
//! know: it follows the log, and every append says what it believes.

use domain::{Event, State, StreamId};
use lru::LruCache;

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
    items: usize,
    items_max: usize,
}

impl Cache {
    pub fn new(items_max: usize) -> Self {
        Self { streams: LruCache::unbounded(), items: 0, items_max }
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
