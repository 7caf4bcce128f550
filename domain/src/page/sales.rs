//! The document of a day's sales in one currency, and what must be remembered of each order so
//! that what was called off and given back is taken off the net once.
//!
//! An order's net shrinks by what is off it (cancelled, refused, lost, returned) or by what was
//! given back of its money (refunds, lost disputes) without what was taken beyond its price,
//! whichever is more: a refund for returned goods is not counted beside the return, a goodwill
//! refund is, and that of a second payment is none. Each event takes off on its own day what
//! that figure grew by with it, in the order of the log: streams may be folded in any order, and a
//! day may be set right by an event of another.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::Seen;
use crate::ids::OrderId;
use crate::money::{Currency, Money};
use crate::payment::{DisputeStage, Operation, Restoration};
use crate::{order, payment};

/// A sum of money, which unlike [`Money`] may be below zero and beyond what one order may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sum {
    /// In major units.
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

/// A day (UTC, by when things happened) in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "SalesDay", extend("examples" = [crate::page::example::sales_day()]))]
pub struct Document {
    /// The day and the currency: `2026-03-01-EUR`.
    pub id: String,
    /// How many events are in it: a day has no stream of its own.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// The day.
    pub day: NaiveDate,
    /// The currency.
    pub currency: Currency,
    /// Orders that became certain.
    pub orders: u64,
    /// Units in them.
    pub units: u64,
    /// What they are worth.
    pub gross: Sum,
    /// Orders called off after they had become certain, on whatever day that was.
    pub cancelled_orders: u64,
    /// What was owed for those, and for units called off of others.
    pub cancelled: Sum,
    /// What was owed for units that came back or were lost.
    pub returned: Sum,
    /// What was given back.
    pub refunded: Sum,
    /// What banks took back after disputes.
    pub charged_back: Sum,
    /// `gross` less what was taken off, no order's money twice: not
    /// `gross - cancelled - returned - refunded - charged_back` where an order was several.
    pub net: Sum,
    /// When the first of it happened.
    pub created_at: DateTime<Utc>,
    /// When the last of it happened.
    pub updated_at: DateTime<Utc>,
}

/// What is remembered of an order: what was taken off or given back, in the order of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    entries: Vec<Entry>,
}

/// One event that makes an order's net smaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    day: String,
    position: i64,
    /// How much less is owed.
    off: Decimal,
    /// How much money went back.
    back: Decimal,
    /// What its day's net was made smaller by.
    taken: Decimal,
}

impl Ledger {
    /// The days that the order's next event may set right, beside its own.
    pub fn days(&self) -> impl Iterator<Item = &String> {
        self.entries.iter().map(|entry| &entry.day)
    }

    /// Adds an entry, and reckons anew what each takes off. Gives the days whose net changes, with
    /// how much smaller it becomes.
    fn enter(&mut self, entry: Entry) -> Vec<(String, Decimal)> {
        let place = self.entries.partition_point(|other| other.position < entry.position);
        self.entries.insert(place, entry);
        let (mut off, mut back, mut before) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        let mut changes = Vec::new();
        for entry in &mut self.entries {
            off += entry.off;
            back += entry.back;
            let taken = off.max(back) - before;
            before = off.max(back);
            if taken != entry.taken {
                changes.push((entry.day.clone(), taken - entry.taken));
                entry.taken = taken;
            }
        }
        changes
    }
}

/// What an event does to a day.
#[derive(Clone, Copy, Debug)]
enum Effect<'a> {
    Confirmed(&'a order::Confirmed),
    OrderCancelled(Money),
    UnitsCancelled(Money),
    Returned(Money),
    Found(Money),
    Refunded(Money),
    ChargedBack(Money),
    Restored(Restoration, Money),
    Overpaid(Money),
    NotOverpaid(Money),
}

impl Effect<'_> {
    fn amount(&self) -> Money {
        match self {
            Self::Confirmed(confirmed) => confirmed.total,
            Self::OrderCancelled(amount)
            | Self::UnitsCancelled(amount)
            | Self::Returned(amount)
            | Self::Found(amount)
            | Self::Refunded(amount)
            | Self::ChargedBack(amount)
            | Self::Restored(_, amount)
            | Self::Overpaid(amount)
            | Self::NotOverpaid(amount) => *amount,
        }
    }
}

fn effect(event: &Event) -> Option<Effect<'_>> {
    match event {
        Event::Order(event) => match event {
            order::Event::Confirmed(confirmed) => Some(Effect::Confirmed(confirmed)),
            order::Event::Cancelled(off) if off.was_confirmed => {
                Some(Effect::OrderCancelled(off.total))
            }
            order::Event::UnitsCancelled(off) if off.was_confirmed => {
                Some(Effect::UnitsCancelled(off.amount))
            }
            order::Event::FulfilmentClosed(closed) => {
                let found = || closed.regained.map(Effect::Found);
                closed.amount.map(Effect::Returned).or_else(found)
            }
            order::Event::UnitsDelivered(delivered) => delivered.regained.map(Effect::Found),
            order::Event::UnitsReturned(returned) => Some(Effect::Returned(returned.amount)),
            order::Event::ReturnCorrected(corrected) => {
                let found = || corrected.regained.map(Effect::Found);
                corrected.amount.map(Effect::Returned).or_else(found)
            }
            order::Event::Overpaid(paid) => Some(Effect::Overpaid(paid.amount)),
            order::Event::OverpaidCorrected(less) => Some(Effect::NotOverpaid(less.amount)),
            _ => None,
        },
        Event::Payment(event) => match event {
            payment::Event::Refunded(refunded) => Some(Effect::Refunded(refunded.amount)),
            payment::Event::RefundCorrected(corrected) => {
                let more = corrected.amount.minus(corrected.before).map(Effect::Refunded);
                let less = || corrected.before.less(corrected.amount);
                Some(more.unwrap_or_else(|| Effect::Restored(Restoration::Refund, less())))
            }
            payment::Event::Reported(reported) if reported.operation == Operation::Refund => {
                Some(Effect::Refunded(reported.amount))
            }
            payment::Event::Disputed(disputed) if disputed.stage == DisputeStage::Lost => {
                Some(Effect::ChargedBack(disputed.amount))
            }
            payment::Event::Restored(restored) => {
                Some(Effect::Restored(restored.what, restored.amount))
            }
            _ => None,
        },
        // Of other kinds, which change no figure.
        _ => None,
    }
}

/// The day and the order an event is about; nothing if sales do not change by it.
pub fn keys(seen: &Seen) -> Option<(String, OrderId)> {
    let currency = effect(seen.event)?.amount().currency();
    let order_id = match (seen.event, seen.stream) {
        (Event::Payment(event), _) => event.order_id(),
        (_, crate::StreamId::Order(id)) => *id,
        _ => return None,
    };
    Some((format!("{}-{currency}", seen.occurred_at.date_naive()), order_id))
}

/// Folds an event into the days and its order's ledger. `days` must have those of [`keys`] and of
/// [`Ledger::days`], as far as they exist. Gives the days that have changed.
pub fn fold(
    days: &mut BTreeMap<String, Document>,
    ledger: &mut Ledger,
    seen: &Seen,
) -> Vec<String> {
    let (Some((id, _)), Some(effect)) = (keys(seen), effect(seen.event)) else {
        return vec![];
    };
    let amount = effect.amount();
    let day = stamped(days, &id, amount.currency(), seen);
    let amount = amount.amount();
    let (off, back) = match effect {
        Effect::Confirmed(confirmed) => {
            day.orders += 1;
            day.units += confirmed.units;
            day.gross.add(amount);
            day.net.add(amount);
            let Some(prepaid) = confirmed.prepaid else { return vec![id] };
            (Decimal::ZERO, prepaid.amount())
        }
        Effect::OrderCancelled(_) | Effect::UnitsCancelled(_) => {
            day.cancelled_orders += u64::from(matches!(effect, Effect::OrderCancelled(_)));
            day.cancelled.add(amount);
            (amount, Decimal::ZERO)
        }
        Effect::Returned(_) => {
            day.returned.add(amount);
            (amount, Decimal::ZERO)
        }
        // On its own day: what was taken off before is not rewritten.
        Effect::Found(_) => {
            day.returned.add(-amount);
            (-amount, Decimal::ZERO)
        }
        Effect::Refunded(_) => {
            day.refunded.add(amount);
            (Decimal::ZERO, amount)
        }
        Effect::ChargedBack(_) => {
            day.charged_back.add(amount);
            (Decimal::ZERO, amount)
        }
        // The same.
        Effect::Restored(what, _) => {
            match what {
                Restoration::Refund => day.refunded.add(-amount),
                Restoration::Dispute => day.charged_back.add(-amount),
            }
            (Decimal::ZERO, -amount)
        }
        // What goes back of that, or is paid for what turned up, is in no day's gross.
        Effect::Overpaid(_) => (Decimal::ZERO, -amount),
        Effect::NotOverpaid(_) => (Decimal::ZERO, amount),
    };
    let (position, taken) = (seen.position, Decimal::ZERO);
    let corrections = ledger.enter(Entry { day: id.clone(), position, off, back, taken });
    let mut changed = vec![id];
    for (day, less) in corrections {
        add_to_net(days, &day, -less);
        changed.push(day);
    }
    changed
}

/// The day of an event, with the event counted.
fn stamped<'a>(
    days: &'a mut BTreeMap<String, Document>,
    id: &str,
    currency: Currency,
    seen: &Seen,
) -> &'a mut Document {
    let day = days.entry(id.to_owned()).or_insert_with(|| empty(id.to_owned(), currency, seen));
    day.version += 1;
    day.position = day.position.max(seen.position);
    day.created_at = day.created_at.min(seen.occurred_at);
    day.updated_at = day.updated_at.max(seen.occurred_at);
    day
}

/// Sets a day right, which is there since the order's event that was on it.
fn add_to_net(days: &mut BTreeMap<String, Document>, id: &str, amount: Decimal) {
    if let Some(day) = days.get_mut(id) {
        day.net.add(amount);
    }
}

impl Sum {
    /// A day's sum of orders of at most 10^12 each is far within a decimal's 28 digits.
    fn add(&mut self, amount: Decimal) {
        self.amount = self.amount.saturating_add(amount);
    }
}

fn empty(id: String, currency: Currency, seen: &Seen) -> Document {
    let zero = Sum { amount: Money::zero(currency).amount(), currency };
    Document {
        id,
        version: 0,
        position: 0,
        day: seen.occurred_at.date_naive(),
        currency,
        orders: 0,
        units: 0,
        gross: zero,
        cancelled_orders: 0,
        cancelled: zero,
        returned: zero,
        refunded: zero,
        charged_back: zero,
        net: zero,
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}
