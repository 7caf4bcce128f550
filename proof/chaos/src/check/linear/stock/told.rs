//! What was done to the stock of each SKU, and what was answered. Which SKUs a cart's checkout
//! reserved is not in its answer, so what took effect is read from the log: what was done and for
//! whom, and where a parcel left from, which it names; where else, and with what result, the book
//! says.

use std::collections::HashMap;

use domain::stock::{Event as Happened, Part, Received, Source};
use domain::{Event, StreamId};
use serde_json::Value;

use super::super::{Object, Operation};
use super::{Op, Ret, Stock};
use crate::check::log::{CLIENT, Entry, Log};
use crate::history::{Asked, History};

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
        Happened::Received(event) if event.of_another => {
            let (at, units) = (event.location.to_string(), i64::from(event.quantity));
            Op::ReceiveOthers { at, units }
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
        Happened::ReceiptCorrected(event) => {
            let (at, units) = (event.location.to_string(), i64::from(event.quantity));
            Op::TakeOut { at, units, others: event.of_another }
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
        Happened::Shipped(event) => Op::Ship {
            order: event.order_id.to_string(),
            at: event.parts.first()?.location.to_string(),
            units: units(&event.parts),
        },
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
        ("stock.transfer", code @ ("stock_would_go_negative" | "stock_of_another_product")) => {
            let place = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let units = body["quantity"].as_i64().unwrap_or_default();
            let op = Op::Transfer { from: place("from"), to: place("to"), units };
            let ret = if code == "stock_of_another_product" {
                Ret::Own(answer.body["own"].as_i64().unwrap_or(-1))
            } else {
                Ret::Only(answer.body["on_hand"].as_i64().unwrap_or(-1))
            };
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
