//! A page of orders as CSV (RFC 4180), a row each, for who opens it in a spreadsheet. Nobody stands
//! in it by name: of whose an order is there is the id, as in the document.

use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};
use csv::{Terminator, WriterBuilder};
use domain::page::order::Document;
use service::Problem;

use crate::listing::word;

/// What the columns are called.
const COLUMNS: [&str; 21] = [
    "number",
    "id",
    "created_at",
    "status",
    "payment_status",
    "fulfilment_status",
    "customer_id",
    "currency",
    "total",
    "owed",
    "paid",
    "to_refund",
    "withheld",
    "units",
    "skus",
    "carriers",
    "tracking",
    "confirmed_at",
    "completed_at",
    "cancelled_at",
    "cancelled_because",
];
/// What a spreadsheet takes for the beginning of a formula, whatever stands before it in a cell.
const FORMULAS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// These orders, as they are stored, below the names of the columns.
///
/// # Errors
/// 500, where one is no order.
pub fn of(documents: &[String]) -> Result<String, Problem> {
    let mut rows = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    rows.write_record(COLUMNS).map_err(unwritten)?;
    for document in documents {
        let order: Document = serde_json::from_str(document).map_err(unwritten)?;
        rows.write_record(row(&order)).map_err(unwritten)?;
    }
    let bytes = rows.into_inner().map_err(unwritten)?;
    String::from_utf8(bytes).map_err(unwritten)
}

fn row(order: &Document) -> [String; COLUMNS.len()] {
    let skus = order.lines.iter().map(|line| line.line.sku.to_string());
    let parcels = || order.fulfilments.iter();
    let carriers = parcels().filter_map(|parcel| parcel.carrier.as_ref()).map(ToString::to_string);
    let codes = parcels().filter_map(|parcel| parcel.tracking.as_ref()).map(ToString::to_string);
    let cancelled = order.cancelled.as_ref();
    [
        order.number.to_string(),
        order.id.to_string(),
        time(Some(order.created_at)),
        word(order.status),
        word(order.payment_status),
        word(order.fulfilment_status),
        order.customer_id.map(|id| id.to_string()).unwrap_or_default(),
        word(order.total.currency()),
        order.total.amount().to_string(),
        order.owed.amount().to_string(),
        order.paid.amount().to_string(),
        order.to_refund.amount().to_string(),
        order.withheld.amount().to_string(),
        order.units.to_string(),
        text(skus),
        text(carriers),
        text(codes),
        time(order.confirmed_at),
        time(order.completed_at),
        time(cancelled.map(|cancelled| cancelled.at)),
        cancelled.map(|cancelled| word(cancelled.reason)).unwrap_or_default(),
    ]
}

/// Words that people wrote, which no spreadsheet is to reckon with.
fn text(words: impl Iterator<Item = String>) -> String {
    let text = words.collect::<Vec<_>>().join(" ");
    if text.trim_start_matches(' ').starts_with(FORMULAS) { format!("'{text}") } else { text }
}

fn time(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true)).unwrap_or_default()
}

fn unwritten(error: impl Display) -> Problem {
    tracing::error!(%error, "orders cannot be written as CSV");
    Problem::internal()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    /// The rows of some orders, each cell by the name of its column.
    fn rows(orders: &[Value]) -> Vec<BTreeMap<String, String>> {
        let documents: Vec<String> = orders.iter().map(Value::to_string).collect();
        let csv = of(&documents).unwrap();
        assert!(csv.lines().count() == 1 + orders.len() && csv.ends_with("\r\n"));
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        reader.deserialize().collect::<csv::Result<_>>().unwrap()
    }

    #[test]
    fn a_row_has_what_the_document_has() {
        let order = include_str!("../../../domain/src/page/examples/order.json");
        let order: Value = serde_json::from_str(order).unwrap();
        let row = rows(std::slice::from_ref(&order)).remove(0);
        for name in ["id", "status", "payment_status", "fulfilment_status"] {
            assert_eq!(order[name], row[name], "{name}");
        }
        for name in ["total", "owed", "paid", "to_refund", "withheld"] {
            assert_eq!(order[name]["amount"], row[name], "{name}");
            assert_eq!(order[name]["currency"], row["currency"]);
        }
        let skus = order["lines"].as_array().unwrap().iter().map(|line| &line["sku"]);
        let skus: Vec<_> = skus.map(|sku| sku.as_str().unwrap()).collect();
        assert_eq!(row["skus"], skus.join(" "));
        assert_eq!(row.len(), COLUMNS.len());
    }

    #[test]
    fn nothing_that_somebody_wrote_is_a_formula() {
        for (written, shown) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-2", "'-2"),
            ("@SUM", "'@SUM"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            (" =1", "' =1"),
            ("A=1", "A=1"),
            ("a, \"b\"", "a, \"b\""),
        ] {
            assert_eq!(text(std::iter::once(written.to_owned())), shown);
        }
    }

    #[test]
    fn what_is_no_order_is_nobodys_to_guess() {
        assert!(of(&[json!({"id": 1}).to_string()]).is_err());
    }
}
