//! The book of a SKU's stock: units at each place, and what orders hold of them. An order takes
//! from the first place that has all it wants, or from one place after the other. A parcel leaves
//! from one place, with what its order holds there and with what nobody holds. What comes back to
//! be sent again is the order's as before, where it lies now.
//! What comes back of a product that had the SKU before lies apart, is not carried elsewhere, and
//! is the first to be missed.

#[cfg(test)]
mod tests;
mod told;

use std::collections::BTreeMap;

use stateright::semantics::SequentialSpec;

pub use told::objects;

use super::Book;

/// The one place of a round that does not sell.
const RETURNS: &str = "returns";

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    on_hand: i64,
    held: i64,
    /// Of those on hand, what is of the product that had the SKU before.
    others: i64,
}

impl Place {
    /// Units are found or missing.
    fn change(&mut self, delta: i64) {
        self.on_hand += delta;
        self.others = (self.others + delta.min(0)).max(0);
    }
}

#[derive(Clone, Debug, Default)]
pub struct Stock {
    places: BTreeMap<String, Place>,
    holds: BTreeMap<String, Vec<(String, i64)>>,
    version: i64,
}

#[derive(Clone, Debug)]
pub enum Op {
    Receive { at: String, units: i64 },
    ReceiveOthers { at: String, units: i64 },
    TakeOut { at: String, units: i64, others: bool },
    Adjust { at: String, units: i64, if_match: Option<i64> },
    ReceiveIf { at: String, units: i64, if_match: i64 },
    TakeBack { order: String, at: String, units: i64 },
    Reserve { order: String, units: i64 },
    Commit { order: String },
    Release { order: String, units: i64 },
    Ship { order: String, at: String, units: i64 },
    Transfer { from: String, to: String, units: i64 },
    Count { at: String, units: i64 },
    Look,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ret {
    /// It is done; the version, where the answer speaks of the stock.
    Done(Option<i64>),
    /// So few can be had, or are at one place.
    Only(i64),
    /// So few of those at one place are this product's.
    Own(i64),
    /// The version is another.
    Mismatch(i64),
    /// All there is to see.
    Seen(Vec<(String, i64, i64)>, i64),
}

impl Stock {
    fn free(&self) -> i64 {
        self.places.keys().map(|at| self.free_at(at)).sum()
    }

    fn on_hand(&self, at: &str) -> i64 {
        self.places.get(at).map_or(0, |place| place.on_hand)
    }

    fn own(&self, at: &str) -> i64 {
        self.places.get(at).map_or(0, |place| place.on_hand - place.others)
    }

    /// Units for sale that nobody holds; fewer than none where orders hold more than is there.
    fn free_at(&self, at: &str) -> i64 {
        self.places.get(at).filter(|_| at != RETURNS).map_or(0, |place| place.on_hand - place.held)
    }

    /// Where an order's units come from; nothing if there are too few.
    fn take(&self, units: i64) -> Option<Vec<(String, i64)>> {
        if units > self.free() {
            return None;
        }
        if let Some(at) = self.places.keys().find(|at| self.free_at(at) >= units) {
            return Some(vec![(at.clone(), units)]);
        }
        let (mut missing, mut taken) = (units, vec![]);
        for at in self.places.keys() {
            let here = self.free_at(at).min(missing);
            if here > 0 {
                taken.push((at.clone(), here));
                missing -= here;
            }
        }
        (missing == 0).then_some(taken)
    }

    fn reserve(&mut self, order: &str, units: i64) -> Option<()> {
        let taken = self.take(units).filter(|_| !self.holds.contains_key(order))?;
        for (at, units) in &taken {
            self.places.entry(at.clone()).or_default().held += units;
        }
        self.holds.insert(order.to_owned(), taken);
        Some(())
    }

    /// Units of an order leave. Of what it holds, what lay there goes first.
    fn ship(&mut self, order: &str, from: &str, units: i64) -> Option<()> {
        let held = self.holds.get(order)?.iter();
        let own: i64 = held.filter(|(at, _)| at == from).map(|(_, held)| held).sum();
        let can_leave = self.on_hand(from).min(own + self.free_at(from).max(0));
        (units <= can_leave).then_some(())?;
        self.places.entry(from.to_owned()).or_default().on_hand -= units;
        self.let_go(order, units, Some(from))
    }

    /// Units of an order came back, and are sent again.
    fn take_back(&mut self, order: &str, at: &str, units: i64) {
        let place = self.places.entry(at.to_owned()).or_default();
        place.on_hand += units;
        place.held += units;
        let held = self.holds.entry(order.to_owned()).or_default();
        let mut all: BTreeMap<String, i64> = BTreeMap::new();
        for (at, units) in held.drain(..).chain([(at.to_owned(), units)]) {
            *all.entry(at).or_default() += units;
        }
        held.extend(all);
    }

    /// Ends what an order holds of so many units, of those at a place first.
    fn let_go(&mut self, order: &str, units: i64, first: Option<&str>) -> Option<()> {
        let mut held = self.holds.remove(order)?;
        let mut left = units;
        for is_first in [true, false] {
            for (at, here) in held.iter_mut().filter(|(at, _)| (Some(&**at) == first) == is_first) {
                let gone = (*here).min(left);
                left -= gone;
                *here -= gone;
                self.places.entry(at.clone()).or_default().held -= gone;
            }
        }
        held.retain(|(_, here)| *here > 0);
        if !held.is_empty() {
            self.holds.insert(order.to_owned(), held);
        }
        (left == 0).then_some(())
    }

    /// Does it, if that is allowed.
    fn apply(&mut self, op: &Op) -> Option<()> {
        match op {
            Op::Look => return Some(()),
            Op::Receive { at, units } | Op::ReceiveIf { at, units, .. } => {
                self.places.entry(at.clone()).or_default().on_hand += units;
            }
            Op::ReceiveOthers { at, units } => {
                let place = self.places.entry(at.clone()).or_default();
                place.on_hand += units;
                place.others += units;
            }
            Op::TakeOut { at, units, others } => {
                let own = self.own(at);
                let place = self.places.entry(at.clone()).or_default();
                let there = if *others { place.others } else { own };
                (there >= *units).then_some(())?;
                place.on_hand -= units;
                place.others -= if *others { *units } else { 0 };
            }
            Op::TakeBack { order, at, units } => self.take_back(order, at, *units),
            Op::Adjust { at, units, .. } => {
                (self.on_hand(at) + units >= 0).then_some(())?;
                self.places.entry(at.clone()).or_default().change(*units);
            }
            Op::Reserve { order, units } => self.reserve(order, *units)?,
            Op::Commit { order } => self.holds.contains_key(order).then_some(())?,
            Op::Release { order, units } => self.let_go(order, *units, None)?,
            Op::Ship { order, at, units } => self.ship(order, at, *units)?,
            Op::Transfer { from, to, units } => {
                (self.own(from) >= *units).then_some(())?;
                self.places.entry(from.clone()).or_default().on_hand -= units;
                self.places.entry(to.clone()).or_default().on_hand += units;
            }
            Op::Count { at, units } => {
                let place = self.places.entry(at.clone()).or_default();
                place.change(units - place.on_hand);
            }
        }
        self.version += 1;
        Some(())
    }

    fn seen(&self) -> Ret {
        let places = self.places.iter().map(|(at, place)| (at.clone(), place.on_hand, place.held));
        Ret::Seen(places.collect(), self.version)
    }
}

impl SequentialSpec for Stock {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        if let Op::Look = op {
            return self.seen();
        }
        let before = self.clone();
        if self.apply(op).is_none() {
            *self = before;
        }
        Ret::Done(None)
    }

    fn is_valid_step(&mut self, op: &Op, ret: &Ret) -> bool {
        let if_match = match op {
            Op::Adjust { if_match, .. } => *if_match,
            Op::ReceiveIf { if_match, .. } => Some(*if_match),
            _ => None,
        };
        let wrong_version = if_match.is_some_and(|version| version != self.version);
        match (ret, op) {
            (Ret::Seen(..), _) => self.seen() == *ret,
            (Ret::Mismatch(actual), _) => wrong_version && *actual == self.version,
            _ if wrong_version => false,
            (Ret::Done(version), _) => {
                self.apply(op).is_some() && version.is_none_or(|version| version == self.version)
            }
            (Ret::Only(left), Op::Reserve { units, .. }) => {
                self.free().max(0) == *left && left < units
            }
            (Ret::Only(left), Op::Adjust { at, units, .. }) => {
                self.on_hand(at) == *left && left + units < 0
            }
            (Ret::Only(left), Op::Transfer { from, units, .. }) => {
                self.on_hand(from) == *left && left < units
            }
            (Ret::Own(own), Op::Transfer { from, units, .. }) => {
                self.own(from) == *own && own < units && *units <= self.on_hand(from)
            }
            (Ret::Only(_) | Ret::Own(_), _) => false,
        }
    }
}

impl Book for Stock {
    const LOOK: Op = Op::Look;
    const UNTOLD: Ret = Ret::Done(None);
}
