//! How a decision looks states up.

use std::collections::BTreeSet;

use crate::{State, StreamId};

/// Where a decision finds the states it needs.
pub trait Lookup {
    /// The state of `stream`, or `None` if it was not loaded yet. A stream without events is
    /// loaded as [`State::initial`].
    fn state(&self, stream: &StreamId) -> Option<&State>;
}

/// The streams a decision needs that were not loaded. Load them and decide again: `decide` is
/// pure, so nothing was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(pub Vec<StreamId>);

/// The typed form of [`Lookup`].
#[derive(Clone, Copy)]
pub struct Streams<'a>(pub &'a dyn Lookup);

impl Streams<'_> {
    /// Which of `wanted` are not loaded, all at once and each once, so that one more round loads
    /// them.
    pub fn require(self, wanted: impl IntoIterator<Item = StreamId>) -> Result<(), Missing> {
        let absent = |stream: &StreamId| self.0.state(stream).is_none();
        let missing: BTreeSet<StreamId> = wanted.into_iter().filter(absent).collect();
        if missing.is_empty() { Ok(()) } else { Err(Missing(missing.into_iter().collect())) }
    }
}
