//! Opaque cursors: the sort keys of the last row of a page, as base64url.
//!
//! A cursor is what a client sends back, so it is trusted with nothing: it fits its list, its sort
//! and the types of its keys, or it is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use rust_decimal::Decimal;
use service::Problem;
use service::paging::invalid_cursor;
use uuid::Uuid;

/// The longest cursor that is read, in bytes.
const CURSOR_BYTES_MAX: usize = 2048;

const FIRST: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("is a day");
const LAST: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("is a day");

/// The type of a sort key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A point in time, to the microsecond.
    Time,
    /// A day.
    Day,
    /// An amount of money.
    Amount,
    /// Text.
    Text,
    /// Bytes that were made to be sorted by.
    Bytes,
    /// A UUID.
    Id,
}

/// A sort key of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Key {
    /// A point in time.
    Time(DateTime<Utc>),
    /// A day.
    Day(NaiveDate),
    /// An amount of money.
    Amount(Decimal),
    /// Text.
    Text(String),
    /// Bytes that were made to be sorted by.
    Bytes(Vec<u8>),
    /// A UUID.
    Id(Uuid),
}

/// The time itself, or the nearest one that Postgres knows for sure.
pub fn in_range(time: DateTime<Utc>) -> DateTime<Utc> {
    time.clamp(FIRST.and_time(NaiveTime::MIN).and_utc(), LAST.and_time(NaiveTime::MIN).and_utc())
}

/// The day itself, or the nearest one that Postgres knows for sure.
pub fn day_in_range(day: NaiveDate) -> NaiveDate {
    day.clamp(FIRST, LAST)
}

impl Key {
    fn text(&self) -> String {
        match self {
            Self::Time(time) => time.to_rfc3339_opts(SecondsFormat::Micros, true),
            Self::Day(day) => day.to_string(),
            Self::Amount(amount) => amount.to_string(),
            Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => URL_SAFE_NO_PAD.encode(bytes),
            Self::Id(id) => id.to_string(),
        }
    }

    fn parse(kind: Kind, text: String) -> Option<Self> {
        Some(match kind {
            Kind::Time => {
                let time = DateTime::parse_from_rfc3339(&text).ok()?.to_utc();
                Self::Time((time == in_range(time)).then_some(time)?)
            }
            Kind::Day => Self::Day(text.parse().ok().filter(|day| *day == day_in_range(*day))?),
            Kind::Amount => Self::Amount(text.parse().ok()?),
            Kind::Text => Self::Text((!text.contains('\0')).then_some(text)?),
            Kind::Bytes => Self::Bytes(URL_SAFE_NO_PAD.decode(text).ok()?),
            Kind::Id => Self::Id(text.parse().ok()?),
        })
    }
}

/// The cursor of a row with these keys, in the list and sort called `tag`.
pub fn write(tag: &str, keys: &[Key]) -> String {
    let parts: Vec<String> =
        std::iter::once(tag.to_owned()).chain(keys.iter().map(Key::text)).collect();
    // A list of texts is always JSON.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap_or_default())
}

/// The keys in a cursor that was made for `tag` and keys of these kinds.
pub fn read(tag: &str, kinds: &[Kind], cursor: &str) -> Result<Vec<Key>, Problem> {
    parse(tag, kinds, cursor).ok_or_else(invalid_cursor)
}

fn parse(tag: &str, kinds: &[Kind], cursor: &str) -> Option<Vec<Key>> {
    if cursor.len() > CURSOR_BYTES_MAX {
        return None;
    }
    let parts: Vec<String> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let mut parts = parts.into_iter();
    if parts.next()? != tag || parts.len() != kinds.len() {
        return None;
    }
    let keys: Option<Vec<Key>> =
        kinds.iter().zip(parts).map(|(kind, text)| Key::parse(*kind, text)).collect();
    // Times, amounts and ids have many spellings; only ours comes from us.
    keys.filter(|keys| write(tag, keys) == cursor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KINDS: [Kind; 6] =
        [Kind::Time, Kind::Day, Kind::Amount, Kind::Text, Kind::Bytes, Kind::Id];

    #[test]
    fn other_spellings_of_a_key_are_refused() {
        let id = "0190d000-0000-7000-8000-000000000001";
        let is_read = |kind: Kind, text: &str| {
            let cursor = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&["orders", text]).unwrap());
            read("orders", &[kind], &cursor).is_ok()
        };
        assert!(is_read(Kind::Id, id) && is_read(Kind::Amount, "10.0"));
        assert!(is_read(Kind::Time, "2026-01-01T00:00:00.000000Z"));
        for (kind, text) in [
            (Kind::Id, format!("{{{id}}}").as_str()),
            (Kind::Id, "0190D000-0000-7000-8000-00000000000A"),
            (Kind::Amount, "1_0"),
            (Kind::Amount, "+10.0"),
            (Kind::Day, "2026-1-1"),
            (Kind::Time, "2026-01-01T01:00:00.000000+01:00"),
            (Kind::Time, "2026-01-01T00:00:00.0000001Z"),
        ] {
            assert!(!is_read(kind, text), "{text}");
        }
        let spaced = URL_SAFE_NO_PAD.encode(r#"[ "orders", "10.0" ]"#);
        assert!(read("orders", &[Kind::Amount], &spaced).is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            micros in 0_i64..4_000_000_000_000_000, cents: i64, text in "\\PC*",
            bytes: Vec<u8>, id: u128
        ) {
            let time = DateTime::from_timestamp_micros(micros).unwrap();
            let keys = vec![
                Key::Time(time),
                Key::Day(time.date_naive()),
                Key::Amount(Decimal::new(cents, 2)),
                Key::Text(text),
                Key::Bytes(bytes),
                Key::Id(Uuid::from_u128(id)),
            ];
            let cursor = write("orders", &keys);
            if cursor.len() <= CURSOR_BYTES_MAX {
                prop_assert_eq!(read("orders", &KINDS, &cursor).unwrap(), keys);
            }
            prop_assert!(read("carts", &KINDS, &cursor).is_err());
            prop_assert!(read("orders", &KINDS[1..], &cursor).is_err());
        }

        #[test]
        fn what_is_read_is_what_would_have_been_written(
            time in "2026-01-0[12][Tt ]00:00:00(\\.[0-9]{1,6})?(Z|z|\\+00:00|-01:00)",
            day in "[0-9+-]{1,2}[0-9]{3}-0?[1-9]-[0-2]?[0-9]",
            amount in "[+-]?[0-9_]{1,4}(\\.[0-9]{0,3})?",
            id in "\\{?0190d000-?0000-?7000-?8000-?00000000000[1aA]\\}?",
        ) {
            let kinds = [Kind::Time, Kind::Day, Kind::Amount, Kind::Id];
            let parts = ["orders", &time, &day, &amount, &id];
            let cursor = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap());
            if let Ok(keys) = read("orders", &kinds, &cursor) {
                prop_assert_eq!(write("orders", &keys), cursor);
            }
        }

        #[test]
        fn whatever_is_no_cursor_is_refused(text in "\\PC*", parts: Vec<String>) {
            prop_assert!(read("orders", &KINDS, &text).is_err());
            let cursor = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap());
            prop_assert!(read("orders", &KINDS, &cursor).is_err());
        }
    }
}
