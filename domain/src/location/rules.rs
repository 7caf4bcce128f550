//! Decisions about a location.

use super::{Event, Set, Site};
use crate::refusal::All;
use crate::text::Location;

refusals! {
    /// Why a location refused.
    Error {
        /// Nobody ever set them: typing errors, most likely.
        Unknown(All<Location>) = "unknown_location", Unknown,
            "there is no such location, set it first: {0}";
        /// Nothing is sold from there.
        SellsNothing(All<Location>) = "location_not_sellable", Conflict,
            "nothing is sold from there: {0}";
        /// It would sell from now on, or no longer.
        SellableStays {
            /// What it is.
            sellable: bool,
        } = "location_sellable_stays", Conflict,
            "a location stays sellable or not as it was first set; transfer its units to another";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Site {
    /// Says what the location `code` is.
    pub fn set(&self, code: &Location, wanted: Set) -> Result<Vec<Event>, Error> {
        match self.sellable(code) {
            Some(sellable) if sellable != wanted.sellable => Err(Error::SellableStays { sellable }),
            _ if self.set.as_ref() == Some(&wanted) => Ok(vec![]),
            _ => Ok(vec![wanted.into()]),
        }
    }
}
