//! What is where: the units that can be promised, that can leave, and that are missing. No
//! decision is made here, nor is anything refused.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::units;
use super::{Hold, Part, Short, Stock};
use crate::ids::OrderId;
use crate::location::MAIN;
use crate::text::{Location, Quantity};

/// Orders that an event names as coming short; the newest reservations first.
pub const SHORT_MAX: usize = 100;

/// Units at one location.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// In the building.
    pub on_hand: i64,
    /// Set aside for orders that are not yet certain.
    pub reserved: i64,
    /// Set aside for orders that are.
    pub committed: i64,
    /// Of those in the building, units that were sold as another product's, which had the SKU
    /// before. They stay where nothing is for sale until they are written off.
    #[serde(default)]
    pub of_another: i64,
}

impl Level {
    /// Units come, or go. Those that go are of another product first: that is how they are written
    /// off, and who misses some cannot tell whose they were.
    pub(super) fn change(&mut self, delta: i64) {
        self.on_hand += delta;
        self.of_another = (self.of_another + delta.min(0)).max(0);
    }

    /// What may be carried elsewhere.
    pub(super) fn own(&self) -> i64 {
        self.on_hand - self.of_another
    }

    /// What may still be sold. Below zero where orders hold more than is here: it may be elsewhere.
    pub fn available(&self) -> i64 {
        if self.sellable { self.free() } else { 0 }
    }

    /// Units that nobody holds.
    fn free(&self) -> i64 {
        self.on_hand - self.reserved - self.committed
    }
}

/// From where units of an order leave.
#[derive(Debug, Default)]
pub(crate) struct Leaving<'a> {
    /// From which places all of them can, with how many of them the order holds there.
    pub whole: BTreeMap<&'a Location, i64>,
    /// From where they do if nobody says; none where not all of them are there.
    pub parts: Option<Vec<Part>>,
}

impl Stock {
    /// What may still be sold, over all locations: below zero where more is promised than is there.
    pub fn available(&self) -> i64 {
        self.levels.values().map(Level::available).sum()
    }

    /// What can be had, now or later: what may still be sold, and what may be promised beyond it.
    pub fn obtainable(&self) -> i64 {
        (self.available() + i64::from(self.backorder_max)).max(0)
    }

    /// Whether so many units for sale are few.
    pub(super) fn is_low(&self, available: i64) -> bool {
        self.threshold.is_some_and(|threshold| available <= i64::from(threshold))
    }

    /// Units at a location; none where there never were any.
    pub(super) fn at(&self, location: &Location) -> Level {
        self.levels.get(location).copied().unwrap_or(Level { sellable: true, ..Level::default() })
    }

    /// Where `quantity` units are set aside: at the first location that has them all, so that the
    /// order goes out in one parcel; otherwise at one location after the other, and what is not
    /// there yet at the first one that sells. `None` if that is more than can be had.
    pub(super) fn allocate(&self, quantity: Quantity) -> Option<Vec<Part>> {
        let wanted = i64::from(quantity);
        if wanted > self.obtainable() {
            return None;
        }
        let whole = self.levels.iter().find(|(_, level)| level.available() >= wanted);
        if let Some((location, _)) = whole {
            return Some(vec![Part { location: location.clone(), quantity }]);
        }
        let sells = self.levels.iter().find(|(_, level)| level.sellable);
        let first = sells.map(|(location, _)| location.clone()).or_else(|| MAIN.parse().ok())?;
        let free = self.levels.iter().map(|(location, level)| (location, level.available()));
        let mut taken = Taking::of(quantity);
        taken.take(free.chain([(&first, i64::MAX)]));
        taken.parts()
    }

    /// How many units can leave from a location for whoever holds this: his own there, and what
    /// nobody holds.
    pub(super) fn can_leave(&self, hold: &Hold, location: &Location) -> i64 {
        let level = self.at(location);
        level.on_hand.min(held_at(hold, location) + level.free().max(0)).max(0)
    }

    /// Where `quantity` units leave from if nobody says: from where they are held, as far as they
    /// are there, and otherwise from where nobody holds them. `Err` with how many can leave, if
    /// these are fewer.
    pub(super) fn leaving(&self, hold: &Hold, quantity: Quantity) -> Result<Vec<Part>, i64> {
        let own = hold.parts.iter().map(|part| {
            let units = self.at(&part.location).on_hand.min(i64::from(part.quantity));
            (&part.location, units)
        });
        let free = self.levels.iter().map(|(location, level)| (location, level.available()));
        let mut taken = Taking::of(quantity);
        taken.take(own);
        taken.take(free);
        let found = quantity.get() - taken.missing;
        taken.parts().ok_or_else(|| i64::from(found))
    }

    /// The same of units of an order beside which others of its own leave with other parcels: those
    /// are counted off first, each where it leaves from, if that is known.
    pub(crate) fn leaving_from<'a>(
        &self,
        order_id: OrderId,
        quantity: Quantity,
        others: impl Iterator<Item = (u32, Option<&'a Location>)>,
    ) -> Leaving<'_> {
        let Some(mut hold) = self.holds.get(&order_id).cloned() else { return Leaving::default() };
        for (units, from) in others {
            let Some(units) = capped(i64::from(units)) else { continue };
            let gone = let_go(&hold, units, from).unwrap_or_else(|| hold.parts.clone());
            hold.parts = remaining(&hold.parts, &gone);
        }
        let all = i64::from(quantity);
        let places = self.levels.iter().filter(|(_, level)| level.sellable);
        let whole = places.filter(|(place, _)| self.can_leave(&hold, place) >= all);
        let whole = whole.map(|(place, _)| (place, held_at(&hold, place).min(all))).collect();
        Leaving { whole, parts: self.leaving(&hold, quantity).ok() }
    }

    /// Who comes short if so many units may be sold: the newest holds first, [`SHORT_MAX`] at most.
    pub(super) fn short(&self, available: i64) -> Vec<Short> {
        let mut missing = -available;
        if missing <= 0 {
            return vec![];
        }
        let mut holds: Vec<_> = self.holds.iter().collect();
        holds.sort_unstable_by_key(|(_, hold)| Reverse(hold.number));
        let mut short = Vec::new();
        for (order_id, hold) in holds.into_iter().take(SHORT_MAX) {
            let Some(quantity) = capped(units(&hold.parts).min(missing)) else { break };
            missing -= i64::from(quantity);
            short.push(Short { order_id: *order_id, quantity });
        }
        short
    }
}

/// Which parts of a hold are gone when `quantity` units leave from a location: those there first.
/// `None` if it holds fewer.
pub(super) fn let_go(
    hold: &Hold,
    quantity: Quantity,
    from: Option<&Location>,
) -> Option<Vec<Part>> {
    let is_there = |part: &&Part| Some(&part.location) == from;
    let (there, elsewhere): (Vec<&Part>, Vec<&Part>) = hold.parts.iter().partition(is_there);
    let mut taken = Taking::of(quantity);
    let parts = there.into_iter().chain(elsewhere);
    taken.take(parts.map(|part| (&part.location, i64::from(part.quantity))));
    taken.parts()
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

/// `parts` and one more: a part a location.
pub(super) fn joined(parts: Vec<Part>, more: Part) -> Vec<Part> {
    let mut all: BTreeMap<Location, u32> = BTreeMap::new();
    for Part { location, quantity } in parts.into_iter().chain([more]) {
        let units = all.entry(location).or_default();
        *units = units.saturating_add(quantity.get());
    }
    let part =
        |(location, units)| Some(Part { location, quantity: Quantity::try_from(units).ok()? });
    all.into_iter().filter_map(part).collect()
}

fn held_at(hold: &Hold, location: &Location) -> i64 {
    let there = hold.parts.iter().filter(|part| part.location == *location);
    there.map(|part| i64::from(part.quantity)).sum()
}

/// So many units as a quantity, or as many as one can be; `None` for none.
fn capped(units: i64) -> Option<Quantity> {
    let units = units.clamp(0, i64::from(Quantity::UNITS_MAX));
    Quantity::try_from(u32::try_from(units).ok()?).ok()
}

/// Units being gathered: a part a location, however often it gives some.
struct Taking<'a> {
    taken: BTreeMap<&'a Location, u32>,
    missing: u32,
}

impl<'a> Taking<'a> {
    fn of(quantity: Quantity) -> Self {
        Self { taken: BTreeMap::new(), missing: quantity.get() }
    }

    /// Takes what is missing from one location after the other, from each at most so many units.
    fn take(&mut self, from: impl IntoIterator<Item = (&'a Location, i64)>) {
        for (location, units) in from {
            if self.missing == 0 {
                break;
            }
            let Some(units) = capped(units) else { continue };
            let units = units.get().min(self.missing);
            *self.taken.entry(location).or_default() += units;
            self.missing -= units;
        }
    }

    /// What was gathered; `None` if something is missing.
    fn parts(self) -> Option<Vec<Part>> {
        let part = |(location, units): (&Location, u32)| {
            let quantity = Quantity::try_from(units).ok()?;
            Some(Part { location: location.clone(), quantity })
        };
        (self.missing == 0).then(|| self.taken.into_iter().filter_map(part).collect())
    }
}
