//! The document of a day's sales in one currency, and what must be remembered of each order so
//! that one that was both cancelled and refunded is taken off the net once.
//!
//! A refund takes its amount off the day it was made on, unless the order was cancelled before in
//! the log; the cancellation takes off what was not refunded before it. What came before is told by
//! the position, not by what was folded first: streams may be folded in any order, and a day may
//! be set right by an event of another.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::Seen;
use crate::ids::OrderId;
use crate::money::{Currency, Money};
use crate::{order, payment};

/// A sum of money, which unlike [`Money`] may be below zero and beyond what one order may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// In major units.
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

/// A day (UTC, by when things happened) in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What those were worth.
    pub cancelled: Sum,
    /// What was given back.
    pub refunded: Sum,
    /// `gross` less what was cancelled or refunded, no order's money taken off twice: not
    /// `gross - cancelled - refunded` where an order was both. A refund counts on its day if it
    /// came before the cancellation, which then counts for the rest; after it, it counts for
    /// nothing.
    pub net: Sum,
    /// When the first of it happened.
    pub created_at: DateTime<Utc>,
    /// When the last of it happened.
    pub updated_at: DateTime<Utc>,
}

/// What is remembered of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// What was given back, until it is cancelled: one entry a refund.
    refunds: Vec<Refund>,
    /// That it was called off after it had become certain.
    cancelled: Option<Cancellation>,
}

/// Money given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Refund {
    day: String,
    position: i64,
    amount: Decimal,
}

/// An order called off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cancellation {
    day: String,
    position: i64,
}

impl Ledger {
    /// The days that the order's next event may set right, beside its own.
    pub fn days(&self) -> impl Iterator<Item = &String> {
        let cancelled = self.cancelled.iter().map(|cancelled| &cancelled.day);
        self.refunds.iter().map(|refund| &refund.day).chain(cancelled)
    }
}

/// What an event does to a day.
#[derive(Clone, Copy, Debug)]
enum Effect<'a> {
    Confirmed(&'a order::Confirmed),
    Cancelled(&'a order::Cancelled),
    Refunded(Money),
}

fn effect(event: &Event) -> Option<Effect<'_>> {
    match event {
        Event::Order(order::Event::Confirmed(confirmed)) => Some(Effect::Confirmed(confirmed)),
        Event::Order(order::Event::Cancelled(cancelled)) if cancelled.was_confirmed => {
            Some(Effect::Cancelled(cancelled))
        }
        Event::Payment(payment::Event::Refunded(refunded)) => {
            Some(Effect::Refunded(refunded.amount))
        }
        // Of other kinds, and what changes no figure.
        _ => None,
    }
}

/// The day and the order an event is about; nothing if sales do not change by it.
pub fn keys(seen: &Seen) -> Option<(String, OrderId)> {
    let currency = match effect(seen.event)? {
        Effect::Confirmed(confirmed) => confirmed.total.currency(),
        Effect::Cancelled(cancelled) => cancelled.total.currency(),
        Effect::Refunded(amount) => amount.currency(),
    };
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
    let mut changed = vec![id.clone()];
    match effect {
        Effect::Confirmed(confirmed) => {
            let day = stamped(days, &id, confirmed.total.currency(), seen);
            day.orders += 1;
            day.units += confirmed.units;
            day.gross.add(confirmed.total.amount());
            day.net.add(confirmed.total.amount());
        }
        Effect::Cancelled(cancelled) => {
            let day = stamped(days, &id, cancelled.total.currency(), seen);
            let worth = cancelled.total.amount();
            day.cancelled_orders += 1;
            day.cancelled.add(worth);
            day.net.add(-worth);
            for Refund { day, position, amount } in ledger.refunds.drain(..) {
                // What came before has taken off its part; what came after should not have.
                let back = if position < seen.position { id.clone() } else { day };
                add_to_net(days, &back, amount);
                changed.push(back);
            }
            ledger.cancelled = Some(Cancellation { day: id, position: seen.position });
        }
        Effect::Refunded(amount) => {
            let day = stamped(days, &id, amount.currency(), seen);
            let amount = amount.amount();
            day.refunded.add(amount);
            match &ledger.cancelled {
                Some(cancelled) if cancelled.position < seen.position => {}
                Some(cancelled) => {
                    day.net.add(-amount);
                    add_to_net(days, &cancelled.day, amount);
                    changed.push(cancelled.day.clone());
                }
                None => {
                    day.net.add(-amount);
                    ledger.refunds.push(Refund { day: id, position: seen.position, amount });
                }
            }
        }
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
        refunded: zero,
        net: zero,
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}
