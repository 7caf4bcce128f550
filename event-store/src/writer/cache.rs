//! States of recently used streams, bounded. They may be stale: every append checks the versions
//! its decisions were made at.

use std::collections::HashMap;

use domain::{Event, State, StreamId};
use lru::LruCache;

/// A stream's state at a version.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    pub version: i64,
    pub state: State,
}

impl Cached {
    /// A stream without events.
    pub fn empty(stream: &StreamId) -> Self {
        Self { version: 0, state: State::initial(stream) }
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

    /// Takes a state out, to change it and put it back.
    pub fn take(&mut self, stream: &StreamId) -> Option<Cached> {
        let cached = self.streams.pop(stream)?;
        self.items -= cached.state.items();
        Some(cached)
    }

    pub fn put_all(&mut self, states: HashMap<StreamId, Cached>) {
        for (stream, cached) in states {
            self.put(stream, cached);
        }
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
