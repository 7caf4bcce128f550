//! A medlar: say here what it is and what its stream decides.
//!
//! `open → retired`.

pub mod document;
mod event;
mod rules;

pub use event::{Created, Event, Retired};
pub use rules::Error;

use serde::{Deserialize, Serialize};

use crate::text::Label;

/// Where a medlar stands in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Never created.
    #[default]
    Unborn,
    /// In use.
    Open,
    /// Not used any more.
    Retired,
}

/// Of the shape of [`Quince`] and of its fold. Raise it with every change of either: snapshots
/// of another schema are passed over. A test knows when it is due.
pub const SCHEMA: i32 = 1;

/// Why it refuses, as [`crate::Refusal`] keeps it.
pub type Refusal = Error;

/// A medlar.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quince {
    /// Where it stands in its life.
    pub status: Status,
    /// What people call it, once it exists.
    pub title: Option<Label>,
}

impl Quince {
    /// How many things it holds beside itself.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn items(&self) -> usize {
        0
    }

    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Created(created) => {
                self.status = Status::Open;
                self.title = Some(created.title.clone());
            }
            Event::Retired(_) => self.status = Status::Retired,
        }
    }
}
