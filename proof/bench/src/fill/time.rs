//! The times of rounds: all in the past, one after the other, and how an id shows its own.

use chrono::{DateTime, TimeDelta, Utc};

/// When the first round begins: 2025-01-01T00:00:00Z.
const BEGINNING: DateTime<Utc> = DateTime::from_timestamp(1_735_689_600, 0).expect("a valid time");
/// Seconds of a round: 10 million events are nine months of a shop.
pub const ROUND_SECONDS: i64 = 1_000;

/// When a round begins.
pub fn of(round: i64) -> DateTime<Utc> {
    BEGINNING + TimeDelta::seconds(round * ROUND_SECONDS)
}

/// The same in milliseconds since 1970.
pub fn milliseconds(round: i64) -> u64 {
    u64::try_from(of(round).timestamp_millis()).unwrap_or(0)
}

/// What the version 7 ids of a round begin with, and its SKUs: `01941f29-7c00`.
pub fn prefix(round: i64) -> String {
    let digits = format!("{:012x}", milliseconds(round));
    format!("{}-{}", &digits[..8], &digits[8..])
}

/// `text` with its ids and SKUs of the first round turned into those of another.
pub fn in_round(text: &str, round: i64) -> String {
    text.replace(&prefix(0), &prefix(round))
}
