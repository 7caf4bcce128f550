//! The book of a SKU's stock: units at each place, and what orders hold of them. An order takes
//! from the first place that has all it wants, or from one place after the other; its units leave
//! from there, as far as they are there, and otherwise from where nobody holds them. What comes
//! back to be sent again is the order's as before, where it lies now.
//!
//! Which SKUs a cart's checkout reserved is not in its answer, so what took effect is read from the
//! log: what was done and for whom, not where nor with what result; the book says that.

use std::collections::{BTreeMap, HashMap};

use domain::stock::{Event as Happened, Part, Received, Source};
use domain::{Event, StreamId};
use serde_json::Value;
use stateright::semantics::SequentialSpec;

use super::{Book, Object, Operation};
use crate::check::log::{CLIENT, Entry, Log};
use crate::history::{Asked, History};

/// The one place of a round that does not sell.
const RETURNS: &str = "returns";

#[derive(Clone, Copy, Debug, Default)]
struct Place {
    on_hand: i64,
    held: i64,
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
    Adjust { at: String, units: i64, if_match: Option<i64> },
    ReceiveIf { at: String, units: i64, if_match: i64 },
    TakeBack { order: String, at: String, units: i64 },
    Reserve { order: String, units: i64 },
    Commit { order: String },
    Release { order: String, units: i64 },
    Ship { order: String, units: i64 },
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

    /// Units of an order leave.
    fn ship(&mut self, order: &str, units: i64) -> Option<()> {
        let (mut missing, mut gone) = (units, vec![]);
        let own = self.holds.get(order)?.iter().map(|(at, held)| (at, self.on_hand(at).min(*held)));
        for (at, here) in own.chain(self.places.keys().map(|at| (at, self.free_at(at)))) {
            let here = here.clamp(0, missing);
            gone.push((at.clone(), here));
            missing -= here;
        }
        for (at, units) in gone {
            self.places.entry(at).or_default().on_hand -= units;
        }
        self.let_go(order, units).filter(|()| missing == 0)
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

    /// Ends what an order holds of so many units.
    fn let_go(&mut self, order: &str, units: i64) -> Option<()> {
        let held = self.holds.remove(order)?;
        let (mut left, mut rest) = (units, Vec::new());
        for (at, here) in held {
            let gone = here.min(left);
            left -= gone;
            let place = self.places.entry(at.clone()).or_default();
            place.held -= gone;
            if here > gone {
                rest.push((at, here - gone));
            }
        }
        if !rest.is_empty() {
            self.holds.insert(order.to_owned(), rest);
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
            Op::TakeBack { order, at, units } => self.take_back(order, at, *units),
            Op::Adjust { at, units, .. } => {
                (self.on_hand(at) + units >= 0).then_some(())?;
                self.places.entry(at.clone()).or_default().on_hand += units;
            }
            Op::Reserve { order, units } => self.reserve(order, *units)?,
            Op::Commit { order } => self.holds.contains_key(order).then_some(())?,
            Op::Release { order, units } => self.let_go(order, *units)?,
            Op::Ship { order, units } => self.ship(order, *units)?,
            Op::Transfer { from, to, units } => {
                (self.on_hand(from) >= *units).then_some(())?;
                self.places.entry(from.clone()).or_default().on_hand -= units;
                self.places.entry(to.clone()).or_default().on_hand += units;
            }
            Op::Count { at, units } => {
                self.places.entry(at.clone()).or_default().on_hand = *units;
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
            (Ret::Only(_), _) => false,
        }
    }
}

impl Book for Stock {
    const LOOK: Op = Op::Look;
    const UNTOLD: Ret = Ret::Done(None);
}

/// The round's SKUs with what was done to the stock of each.
pub fn objects(history: &History, log: &Log) -> Vec<Object<Stock>> {
    let asked: HashMap<&str, &Asked> = history
        .commands
        .iter()
        .filter(|asked| !asked.reuses_key)
        .map(|asked| (asked.command.key.as_str(), asked))
        .collect();
    let mut skus: HashMap<String, Vec<Operation<Op, Ret>>> = HashMap::new();
    for entry in &log.entries {
        let StreamId::Stock(sku) = &entry.stream else { continue };
        let by = entry.key.strip_prefix(CLIENT).and_then(|key| asked.get(key));
        skus.entry(sku.to_string()).or_default().extend(done(entry, by.copied()));
    }
    for asked in asked.values() {
        for (sku, operation) in refused(asked, log) {
            skus.entry(sku).or_default().push(operation);
        }
    }
    let mut skus: Vec<_> = skus.into_iter().collect();
    skus.sort_by(|one, other| one.0.cmp(&other.0));
    skus
}

/// What took effect. Its answer is known if a client asked for it and was told.
fn done(entry: &Entry, by: Option<&Asked>) -> Option<Operation<Op, Ret>> {
    let Event::Stock(event) = &entry.event else { return None };
    let units = |parts: &[Part]| parts.iter().map(|part| i64::from(part.quantity)).sum();
    let if_match = by.and_then(|asked| asked.command.if_match);
    let op = match event {
        Happened::Received(Received {
            source: Source::Parcel { order_id, again: true, .. },
            location,
            quantity,
            ..
        }) => {
            let (at, units) = (location.to_string(), i64::from(*quantity));
            Op::TakeBack { order: order_id.to_string(), at, units }
        }
        Happened::Received(event) => {
            let (at, units) = (event.location.to_string(), i64::from(event.quantity));
            // What comes back is received too; its condition is not the stock's.
            match if_match.filter(|_| by.is_some_and(|asked| asked.command.name == "stock.receive"))
            {
                Some(if_match) => Op::ReceiveIf { at, units, if_match },
                None => Op::Receive { at, units },
            }
        }
        Happened::Adjusted(event) => {
            Op::Adjust { at: event.location.to_string(), units: event.delta, if_match }
        }
        Happened::Reserved(event) => {
            Op::Reserve { order: event.order_id.to_string(), units: units(&event.parts) }
        }
        Happened::Committed(event) => Op::Commit { order: event.order_id.to_string() },
        Happened::Released(event) => {
            Op::Release { order: event.order_id.to_string(), units: units(&event.parts) }
        }
        Happened::Shipped(event) => {
            Op::Ship { order: event.order_id.to_string(), units: units(&event.parts) }
        }
        Happened::Transferred(event) => Op::Transfer {
            from: event.from.location.to_string(),
            to: event.to.location.to_string(),
            units: i64::from(event.quantity),
        },
        Happened::Counted(event) => {
            Op::Count { at: event.location.to_string(), units: event.on_hand }
        }
        // No client of a round asks for these.
        Happened::PolicySet(_) | Happened::ThresholdSet(_) | Happened::Low(_) => return None,
    };
    let answer = by.and_then(Asked::answer);
    let own = by.is_some_and(|asked| asked.command.name.starts_with("stock."));
    let ret = answer.map(|answer| Ret::Done(answer.version().filter(|_| own)));
    let times = by.map(|asked| (asked.sent(), asked.answered()));
    Some(Operation { place: (entry.position, false), times, op, ret })
}

/// What was refused for want of units or for its version.
fn refused(asked: &Asked, log: &Log) -> Vec<(String, Operation<Op, Ret>)> {
    let Some((answer, kept)) = asked.answer().zip(log.kept(&asked.command.key)) else {
        return vec![];
    };
    let body: Value = serde_json::from_str(&asked.command.body).unwrap_or_default();
    let at = || body["location"].as_str().unwrap_or_default().to_owned();
    let operation = |op, ret| Operation {
        place: (kept.position, true),
        times: Some((asked.sent(), asked.answered())),
        op,
        ret: Some(ret),
    };
    let sku = asked.command.id.clone().unwrap_or_default();
    let if_match = asked.command.if_match;
    match (asked.command.name, answer.code()) {
        ("cart.checkout", "checkout_refused") => {
            let lines = answer.body["lines"].as_array();
            let short = lines.into_iter().flatten().filter_map(|line| {
                // The other problems have no such figures.
                let units = line["wanted"].as_i64()?;
                let op = Op::Reserve { order: asked.command.key.clone(), units };
                let ret = Ret::Only(line["available"].as_i64()?);
                Some((line["sku"].as_str()?.to_owned(), operation(op, ret)))
            });
            short.collect()
        }
        ("stock.adjust", code @ ("stock_would_go_negative" | "version_mismatch")) => {
            let units = body["delta"].as_i64().unwrap_or_default();
            let op = Op::Adjust { at: at(), units, if_match };
            let ret = if code == "version_mismatch" {
                Ret::Mismatch(answer.body["actual"].as_i64().unwrap_or(-1))
            } else {
                Ret::Only(answer.body["on_hand"].as_i64().unwrap_or(-1))
            };
            vec![(sku, operation(op, ret))]
        }
        ("stock.transfer", "stock_would_go_negative") => {
            let place = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let units = body["quantity"].as_i64().unwrap_or_default();
            let op = Op::Transfer { from: place("from"), to: place("to"), units };
            let ret = Ret::Only(answer.body["on_hand"].as_i64().unwrap_or(-1));
            vec![(sku, operation(op, ret))]
        }
        ("stock.receive", "version_mismatch") => {
            let units = body["quantity"].as_i64().unwrap_or_default();
            let op = Op::ReceiveIf { at: at(), units, if_match: if_match.unwrap_or(-1) };
            let ret = Ret::Mismatch(answer.body["actual"].as_i64().unwrap_or(-1));
            vec![(sku, operation(op, ret))]
        }
        _ => vec![],
    }
}
