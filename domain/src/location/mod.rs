//! A location: a place that holds stock, and whether what lies there is for sale.
//!
//! It is there from its first `set` on; [`MAIN`] and [`RETURNS`] are there from the start, so that
//! a shop can begin without ceremony. A location keeps for ever what it is, for sale or not: stock
//! writes that into its own events, and nobody would tell it of a change. What is no longer to be
//! sold is transferred to a location that does not sell.

pub mod document;
mod event;
mod rules;

pub use event::{Event, Set};
pub use rules::Error;

use serde::{Deserialize, Serialize};

use crate::text::Location;

/// A location that is there from the start, and sells.
pub const MAIN: &str = "main";
/// A location that is there from the start, and does not sell: what came back is looked at first.
pub const RETURNS: &str = "returns";

/// Of the shape of [`Site`] and of its fold. Raise it with every change of either: snapshots of
/// another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 1;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// What was said of a location.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The latest word.
    pub set: Option<Set>,
}

impl Site {
    /// How many things it holds beside itself.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn items(&self) -> usize {
        0
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Set(set) => self.set = Some(set.clone()),
        }
    }

    /// Whether what lies there is for sale; `None` of a location that is not there.
    pub fn sellable(&self, code: &Location) -> Option<bool> {
        match (&self.set, code.as_str()) {
            (Some(set), _) => Some(set.sellable),
            (None, MAIN) => Some(true),
            (None, RETURNS) => Some(false),
            (None, _) => None,
        }
    }
}
