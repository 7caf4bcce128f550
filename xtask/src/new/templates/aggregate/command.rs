//! Commands to a medlar.

use super::{Events, Stop, Unit};
use crate::StreamId;
use crate::ids::QuinceId;
use crate::state::Streams;
use crate::text::Label;

/// What may be asked of a medlar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make it.
    Create {
        /// What people call it.
        title: Label,
    },
    /// Take it out of use.
    Retire,
}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        matches!(self, Self::Create { .. })
    }
}

pub(crate) fn decide(id: QuinceId, command: Command, streams: Streams) -> Result<Events, Stop> {
    let quince = streams.quince(&id)?;
    let events = match command {
        Command::Create { title } => quince.create(title),
        Command::Retire => quince.retire(),
    };
    let mut unit = Unit::default();
    unit.add(&StreamId::Quince(id), events?);
    Ok(unit.0)
}
