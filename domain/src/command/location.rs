//! Commands to locations, and how other commands look one up.

use super::{Events, Stop, Unit};
use crate::StreamId;
use crate::location::{Error, Set};
use crate::refusal::All;
use crate::state::Streams;
use crate::stock::Shelf;
use crate::text::Location;

/// What the back office may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Say what it is: all of it, anew.
    Set(Set),
}

impl Command {
    /// Whether the subject is new: the first `set` makes it, and any other changes it.
    #[allow(clippy::unused_self, reason = "as the others have it")]
    pub fn creates(&self) -> bool {
        false
    }
}

pub(crate) fn decide(code: Location, command: Command, streams: Streams) -> Result<Events, Stop> {
    let Command::Set(set) = command;
    let events = streams.location(&code)?.set(&code, set)?;
    let mut unit = Unit::default();
    unit.add(&StreamId::Location(code), events);
    Ok(unit.0)
}

/// Refuses locations that nobody set, and those from which nothing is sold: no parcel leaves from
/// there.
pub(super) fn must_sell<'a>(
    streams: Streams,
    locations: impl IntoIterator<Item = &'a Location, IntoIter: Clone>,
) -> Result<(), Stop> {
    let locations = locations.into_iter();
    must_be_known(streams, locations.clone())?;
    let mut silent = Vec::new();
    for location in locations {
        let sells = streams.location(location)?.sellable(location) == Some(true);
        if !sells && !silent.contains(location) {
            silent.push(location.clone());
        }
    }
    if silent.is_empty() { Ok(()) } else { Err(Error::SellsNothing(All(silent)).into()) }
}

/// Refuses locations that nobody set: all of them.
pub(super) fn must_be_known<'a>(
    streams: Streams,
    locations: impl IntoIterator<Item = &'a Location>,
) -> Result<(), Stop> {
    let mut unknown = Vec::new();
    for location in locations {
        if streams.location(location)?.sellable(location).is_none() && !unknown.contains(location) {
            unknown.push(location.clone());
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(Error::Unknown(All(unknown)).into()) }
}

/// The location of that code, with whether it sells. Refused where nobody set it.
pub(super) fn shelf(streams: Streams, location: Location) -> Result<Shelf, Stop> {
    match streams.location(&location)?.sellable(&location) {
        Some(sellable) => Ok(Shelf { location, sellable }),
        None => Err(Error::Unknown(All(vec![location])).into()),
    }
}
