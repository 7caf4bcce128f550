//! Decisions about stock: what may be taken, and from where.

use super::{
    Adjusted, Committed, Event, Hold, Level, Part, Received, Released, Reserved, Shipped, Stock,
};
use crate::ids::{FulfilmentId, OrderId};
use crate::text::{Location, Note, Quantity};
use chrono::{DateTime, Utc};

/// The most units one location may hold of a SKU.
pub const ON_HAND_MAX: i64 = 1_000_000_000;
/// Locations that may hold a SKU.
pub const LOCATIONS_MAX: usize = 1_000;

refusals! {
    /// Why stock refused.
    Error {
        /// Fewer units are for sale than were asked for.
        OutOfStock {
            /// Units that may be sold.
            available: i64,
            /// Units asked for.
            wanted: u32,
        } = "out_of_stock", Passing, "only {available} of the {wanted} units wanted are available";
        /// The correction would take units that orders hold, or that are not there.
        WouldGoNegative {
            /// Units nobody holds.
            available: i64,
        } = "stock_would_go_negative", Passing,
            "only {available} units at this location are free to be taken away";
        /// More than a location may hold.
        TooMany = "stock_too_large", Invalid,
            "a location may hold at most 1,000,000,000 units of a SKU";
        /// More locations than a SKU may have.
        TooManyLocations = "too_many_locations", Invalid,
            "a SKU may be held at no more than 1,000 locations";
        /// The correction corrects nothing.
        NothingToAdjust = "nothing_to_adjust", Invalid,
            "an adjustment of zero units corrects nothing";
        /// The order already holds units.
        AlreadyReserved = "stock_already_reserved", Conflict,
            "the order already holds units of this SKU";
        /// The order holds no such units.
        NotHeld = "stock_not_held", Conflict, "the order holds no such units of this SKU";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Stock {
    /// Takes in units that arrived.
    pub fn receive(
        &self,
        location: Location,
        quantity: Quantity,
        reference: Option<Note>,
    ) -> Result<Vec<Event>, Error> {
        arrive(self, &location, i64::from(quantity))?;
        Ok(vec![Received { location, quantity, reference }.into()])
    }

    /// Puts a count right by the units found or missing.
    pub fn adjust(
        &self,
        location: Location,
        delta: i64,
        reason: Note,
    ) -> Result<Vec<Event>, Error> {
        arrive(self, &location, delta)?;
        Ok(vec![Adjusted { location, delta, reason }.into()])
    }

    /// Sets units aside for an order.
    pub fn reserve(
        &self,
        order_id: OrderId,
        quantity: Quantity,
        until: DateTime<Utc>,
    ) -> Result<Vec<Event>, Error> {
        if self.holds.contains_key(&order_id) {
            return Err(Error::AlreadyReserved);
        }
        let parts = allocate(self, quantity)?;
        Ok(vec![Reserved { order_id, parts, until }.into()])
    }

    /// The order is certain.
    pub fn commit(&self, order_id: OrderId) -> Result<Vec<Event>, Error> {
        match self.holds.get(&order_id) {
            Some(Hold { committed: true, .. }) => Ok(vec![]),
            Some(hold) => Ok(vec![Committed { order_id, parts: hold.parts.clone() }.into()]),
            None => Err(Error::NotHeld),
        }
    }

    /// The order is off.
    pub fn release(&self, order_id: OrderId) -> Vec<Event> {
        let released = |Hold { parts, committed }: &Hold| {
            Released { order_id, parts: parts.clone(), committed: *committed }.into()
        };
        self.holds.get(&order_id).map(released).into_iter().collect()
    }

    /// Units leave the building in a parcel.
    pub fn ship(
        &self,
        order_id: OrderId,
        fulfilment_id: FulfilmentId,
        quantity: Quantity,
    ) -> Result<Vec<Event>, Error> {
        let hold = self.holds.get(&order_id).filter(|hold| hold.committed);
        let parts = hold.and_then(|hold| take(&hold.parts, quantity)).ok_or(Error::NotHeld)?;
        Ok(vec![Shipped { order_id, fulfilment_id, parts }.into()])
    }
}

/// Whether `delta` units may come to (or leave) a location outside of any order.
fn arrive(stock: &Stock, location: &Location, delta: i64) -> Result<(), Error> {
    let level = stock.levels.get(location).copied().unwrap_or_default();
    match level.on_hand.checked_add(delta) {
        _ if delta == 0 => Err(Error::NothingToAdjust),
        Some(on_hand) if on_hand > ON_HAND_MAX => Err(Error::TooMany),
        Some(on_hand) if on_hand < level.reserved + level.committed => {
            Err(Error::WouldGoNegative { available: level.available() })
        }
        None => Err(if delta > 0 {
            Error::TooMany
        } else {
            Error::WouldGoNegative { available: level.available() }
        }),
        Some(_) if !stock.levels.contains_key(location) && stock.levels.len() >= LOCATIONS_MAX => {
            Err(Error::TooManyLocations)
        }
        Some(_) => Ok(()),
    }
}

/// Where `quantity` units come from: the first location that has them all, so that the order goes
/// out in one parcel; otherwise from one location after the other.
fn allocate(stock: &Stock, quantity: Quantity) -> Result<Vec<Part>, Error> {
    let wanted = i64::from(quantity);
    let whole = stock.levels.iter().find(|(_, level)| level.available() >= wanted);
    if let Some((location, _)) = whole {
        return Ok(vec![Part { location: location.clone(), quantity }]);
    }
    let free: Vec<Part> = stock.levels.iter().filter_map(free_units).collect();
    take(&free, quantity)
        .ok_or_else(|| Error::OutOfStock { available: stock.available(), wanted: quantity.get() })
}

/// What one location can give, capped at the largest quantity.
fn free_units((location, level): (&Location, &Level)) -> Option<Part> {
    let units = level.available().clamp(0, i64::from(Quantity::UNITS_MAX));
    let quantity = Quantity::try_from(u32::try_from(units).ok()?).ok()?;
    Some(Part { location: location.clone(), quantity })
}

/// `quantity` units out of `parts`, in their order; `None` if there are fewer.
fn take(parts: &[Part], quantity: Quantity) -> Option<Vec<Part>> {
    let mut missing = quantity.get();
    let mut taken = Vec::new();
    for part in parts {
        let Ok(quantity) = Quantity::try_from(part.quantity.get().min(missing)) else { break };
        missing -= quantity.get();
        taken.push(Part { location: part.location.clone(), quantity });
    }
    (missing == 0).then_some(taken)
}

/// `parts` without `gone`.
pub(super) fn remaining(parts: &[Part], gone: &[Part]) -> Vec<Part> {
    let left = |part: &Part| {
        let gone: u32 = gone
            .iter()
            .filter(|other| other.location == part.location)
            .map(|other| other.quantity.get())
            .sum();
        let quantity = Quantity::try_from(part.quantity.get().saturating_sub(gone)).ok()?;
        Some(Part { location: part.location.clone(), quantity })
    };
    parts.iter().filter_map(left).collect()
}
