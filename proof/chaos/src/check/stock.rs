//! Nothing below zero on hand, nothing oversold: every SKU's stream folded, and looked at after
//! every event, not only at the end. More may be promised than is there after a count, but not by a
//! reservation.

use std::collections::BTreeMap;

use domain::stock::{Event as Happened, Level, Stock};
use domain::{Event, Location};

use super::Verdict;
use super::log::{Entry, Log};

pub(super) fn check(log: &Log) -> Verdict {
    let mut verdict = Verdict::new("nothing below zero on hand, nothing oversold");
    let (mut skus, mut events) = (0, 0);
    for stream in log.streams().filter(|stream| stream.starts_with("stock-")) {
        skus += 1;
        let mut stock = Stock::default();
        for entry in log.of_stream(stream) {
            events += 1;
            if let Some(wrong) = step(&mut stock, entry) {
                verdict.broken(format!("{stream} at {}: {wrong}", entry.position));
                break;
            }
        }
    }
    verdict.covers(format!("{skus} SKUs after each of {events} events"))
}

/// Folds an event, and says what is wrong then.
fn step(stock: &mut Stock, entry: &Entry) -> Option<String> {
    let Event::Stock(event) = &entry.event else { return None };
    stock.evolve(event);
    let reserves = matches!(event, Happened::Reserved(_));
    if reserves && stock.available() < -i64::from(stock.backorder_max) {
        return Some(format!("oversold by {}", -stock.available()));
    }
    wrong(&stock.levels, stock)
}

fn wrong(levels: &BTreeMap<Location, Level>, stock: &Stock) -> Option<String> {
    for (location, level) in levels {
        let Level { on_hand, reserved, committed, .. } = *level;
        if on_hand < 0 || reserved < 0 || committed < 0 {
            return Some(format!("{level:?} in {location}"));
        }
        let held = |certain: bool| -> i64 {
            let holds = stock.holds.values().filter(|hold| hold.committed == certain);
            let parts = holds.flat_map(|hold| &hold.parts);
            let here = parts.filter(|part| part.location == *location);
            here.map(|part| i64::from(part.quantity)).sum()
        };
        if (held(false), held(true)) != (reserved, committed) {
            return Some(format!("{level:?} in {location} is not what orders hold"));
        }
    }
    None
}
