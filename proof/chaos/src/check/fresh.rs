//! Reads: none with `min_position` showed anything older, each document is the fold of the log to
//! where it says it stands, and the past is what it was.

use std::collections::HashMap;

use domain::{OrderId, Seen as Event, StreamId, cart, location, page, payment, product, stock};
use serde::Serialize;
use serde_json::Value;

use super::Verdict;
use super::log::{Entry, Log};
use crate::history::{History, Read, Seen};

/// Documents folded anew and compared whole.
const FOLDED_MAX: usize = 4_000;

pub(super) fn check(history: &History, log: &Log, answered_older: bool) -> Verdict {
    let mut verdict = Verdict::new("a read is never older than its min_position");
    let documents = history.reads.iter().filter(|read| read.document.is_some()).count();
    let step = documents.div_ceil(FOLDED_MAX).max(1);
    let (mut bound, mut folded, mut number) = (0, 0, 0);
    for read in &history.reads {
        bound += usize::from(read.min_position.is_some() && read.status == Some(200));
        if let Some(wrong) = wrong(read, log) {
            verdict.broken(format!("{} by client {}: {wrong}", read.path, read.client));
        }
        let Some(document) = &read.document else { continue };
        number += 1;
        if number % step == 0 {
            folded += 1;
            if let Some(wrong) = misread(read, document, log, answered_older) {
                verdict.broken(format!("{} by client {}: {wrong}", read.path, read.client));
            }
        }
    }
    for wrong in gone_back(&history.reads) {
        verdict.broken(wrong);
    }
    let all = history.reads.len();
    verdict
        .covers(format!("{all} reads, {bound} of them bound to a position, {folded} folded anew"))
}

/// Documents that stood further when the same client read them earlier, whatever it asked for.
fn gone_back(reads: &[Read]) -> Vec<String> {
    let mut reads: Vec<&Read> = reads.iter().filter(|read| read.as_of.is_none()).collect();
    reads.sort_by_key(|read| read.sent);
    let mut known: HashMap<(usize, &str), i64> = HashMap::new();
    let mut wrong = vec![];
    for read in reads.iter().filter(|read| read.document.is_some()) {
        for Seen { stream, version } in &read.seen {
            let newest = known.entry((read.client, stream)).or_insert(*version);
            if version < newest {
                let (path, client) = (&read.path, read.client);
                wrong.push(format!("{path} by client {client}: at {version}, it was at {newest}"));
            }
            *newest = (*newest).max(*version);
        }
    }
    wrong
}

/// What is wrong with what a read showed, or with its status.
fn wrong(read: &Read, log: &Log) -> Option<String> {
    let least = read.min_position.unwrap_or(0);
    match read.status {
        // Lost, or not now: allowed while things are broken.
        None | Some(429 | 502..=504) => None,
        Some(200) => read.seen.iter().find_map(|seen| {
            let known = log.version_at(&seen.stream, least);
            let older = seen.version < known;
            older.then(|| format!("{} at version {}, it had {known}", seen.stream, seen.version))
        }),
        Some(404) => {
            let stream = read.stream.as_ref()?;
            let known = log.version_at(stream, read.as_of.unwrap_or(least));
            (known > 0).then(|| format!("not found, though {stream} had version {known}"))
        }
        Some(status) => Some(format!("{status} {}", read.code)),
    }
}

/// How a document differs from the log folded to where the document says it stands. An earlier
/// build folds the past itself, without the members that have come since.
fn misread(read: &Read, document: &Value, log: &Log, answered_older: bool) -> Option<String> {
    let stream: StreamId = read.stream.as_ref()?.parse().ok()?;
    let until = read.as_of.or_else(|| document["position"].as_i64())?;
    if let (Some(least), StreamId::Order(id)) = (read.min_position, &stream) {
        let of_order = log.of_order(*id).filter(|entry| entry.position <= least);
        let newest = of_order.map(|entry| entry.position).max().unwrap_or(0);
        if until < newest {
            return Some(format!("stands at {until}, older than {newest}"));
        }
    }
    let folded = fold(&stream, until, log)?;
    let document = as_written(document);
    let is_right = match read.as_of {
        Some(_) if answered_older => is_part_of(&document, &folded),
        _ => folded == document,
    };
    (!is_right).then(|| format!("shown {document}, at {until} it was {folded}"))
}

/// Whether all that is shown is so, and at most members lack.
fn is_part_of(shown: &Value, whole: &Value) -> bool {
    match (shown, whole) {
        (Value::Object(shown), Value::Object(whole)) => shown
            .iter()
            .all(|(name, value)| whole.get(name).is_some_and(|of| is_part_of(value, of))),
        (Value::Array(shown), Value::Array(whole)) => {
            shown.len() == whole.len()
                && shown.iter().zip(whole).all(|(one, of)| is_part_of(one, of))
        }
        _ => shown == whole,
    }
}

/// A document without what is put beside a cart's lines as it is read.
fn as_written(document: &Value) -> Value {
    let mut document = document.clone();
    let lines = document.get_mut("lines").and_then(Value::as_array_mut);
    for line in lines.into_iter().flatten() {
        if let Some(line) = line.as_object_mut() {
            line.remove("today");
        }
    }
    document
}

fn fold(stream: &StreamId, until: i64, log: &Log) -> Option<Value> {
    let name = stream.to_string();
    let own = || log.of_stream(&name).filter(move |entry| entry.position <= until);
    match stream {
        StreamId::Product(_) => folded(own(), product::document::fold),
        StreamId::Stock(_) => folded(own(), stock::document::fold),
        StreamId::Cart(_) => folded(own(), cart::document::fold),
        StreamId::Payment(_) => folded(own(), payment::document::fold),
        StreamId::Order(id) => {
            let all = of_order(*id, log);
            folded(all.filter(|entry| entry.position <= until), page::order::fold)
        }
        StreamId::Location(_) => folded(own(), location::document::fold),
        StreamId::Sku(_) | StreamId::Fulfilment(_) | StreamId::Return(_) => None,
    }
}

/// The order's own events first: its parts can only be put into what is there.
fn of_order(id: OrderId, log: &Log) -> impl Iterator<Item = &Entry> {
    let is_own = |entry: &&Entry| matches!(entry.stream, StreamId::Order(_));
    let parts = log.of_order(id).filter(move |entry| !is_own(entry));
    log.of_order(id).filter(is_own).chain(parts)
}

fn folded<'a, D: Serialize>(
    entries: impl Iterator<Item = &'a Entry>,
    fold: fn(Option<D>, &Event) -> Option<D>,
) -> Option<Value> {
    let document = entries.fold(None, |document, entry| {
        let Entry { stream, version, position, occurred_at, event, .. } = entry;
        let (version, position, occurred_at) = (*version, *position, *occurred_at);
        fold(document, &Event { stream, version, position, occurred_at, event })
    });
    serde_json::to_value(document?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_earlier_build_may_lack_members_and_say_nothing_else() {
        let whole = json!({"id": 1, "lines": [{"sku": "TOTE", "gone": 0}], "refunds": []});
        assert!(is_part_of(&json!({"id": 1, "lines": [{"sku": "TOTE"}]}), &whole));
        for wrong in [
            json!({"id": 2}),
            json!({"id": 1, "lines": []}),
            json!({"lines": [{"sku": "PURSE"}]}),
            json!({"id": 1, "more": true}),
        ] {
            assert!(!is_part_of(&wrong, &whole), "{wrong}");
        }
    }
}
