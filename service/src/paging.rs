//! Pages of a list: how many a caller wants, after which, and where the next one is. A page begins
//! after the keys of the last row of the one before, so that none is lost or doubled by what comes
//! or goes meanwhile.
//!
//! A cursor is those keys, opaque to callers. It is what a caller sends back, so it is trusted with
//! nothing: it is one of this list as we write it, or it is refused.

use std::fmt::Write as _;

use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Datelike as _, Utc};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::extract;
use crate::json::Json;
use crate::problem::Problem;

/// The most of a list on a page.
pub const LIMIT_MAX: u16 = 200;
/// The longest cursor that is read, in bytes.
const CURSOR_BYTES_MAX: usize = 2048;

/// How many of a list a client wants on a page.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "u16")]
#[schemars(inline, extend("minimum" = 1, "maximum" = LIMIT_MAX, "default" = 50))]
pub struct Limit(u16);

impl Limit {
    /// So many, where no client says it.
    pub const fn most(rows: u16) -> Self {
        Self(rows)
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }

    /// One more than is wanted tells whether there is a next page.
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u16> for Limit {
    type Error = String;
    fn try_from(limit: u16) -> Result<Self, String> {
        if (1..=LIMIT_MAX).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(format!("must be from 1 to {LIMIT_MAX}"))
        }
    }
}

/// Which page of a list, as a query asks for it that asks for nothing else.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// How many at most.
    #[serde(default)]
    pub limit: Limit,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

/// A part of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    items: Vec<T>,
    /// The `cursor` of the page after, if there is one.
    #[schemars(extend("examples" = ["WyJsaXN0Iiw0Ml0"]))]
    next: Option<String>,
}

impl<T> Page<T> {
    /// Of rows in the order of the list, of which [one more](Limit::and_one) was read than is
    /// wanted where there are more. By `key` the list called `tag` is ordered.
    pub fn of<K: Serialize>(
        mut rows: Vec<T>,
        limit: Limit,
        tag: &str,
        key: impl Fn(&T) -> K,
    ) -> Self {
        let limit = usize::from(limit.0);
        let is_last = rows.len() <= limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| !is_last);
        let next = last.map(|last| written(tag, &key(last)));
        Self { items: rows, next }
    }

    /// Of all rows of a list that is short, the largest key first.
    ///
    /// # Errors
    /// The cursor is none of this list.
    pub fn within<K: Serialize + DeserializeOwned + Ord>(
        all: Vec<T>,
        PageQuery { limit, cursor }: PageQuery,
        tag: &str,
        key: impl Fn(&T) -> K,
    ) -> Result<Self, Problem> {
        let after: Option<K> = read(tag, cursor.as_deref())?;
        let wanted = |row: &T| after.as_ref().is_none_or(|after| key(row) < *after);
        Ok(Self::of(all.into_iter().filter(wanted).collect(), limit, tag, key))
    }

    /// The same, each of them shown as something else.
    pub fn map<S>(self, show: impl Fn(T) -> S) -> Page<S> {
        Page { items: self.items.into_iter().map(show).collect(), next: self.next }
    }
}

impl<T: Serialize> Page<T> {
    /// It, for nobody's cache, with a `Link` to the next page (RFC 8288).
    pub fn respond(self, uri: &Uri) -> Response {
        let link = self.next.as_ref().and_then(|next| link(uri, "cursor", next));
        let link = link.map(|link| [(header::LINK, link)]);
        let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
        (no_store, link, Json(self)).into_response()
    }
}

/// The keys in a cursor of the list called `tag`, if there is one.
///
/// # Errors
/// 400 `invalid_cursor`: it is none of this list.
pub fn read<K: Serialize + DeserializeOwned>(
    tag: &str,
    cursor: Option<&str>,
) -> Result<Option<K>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let parse = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (of, key): (String, K) = serde_json::from_slice(&bytes).ok()?;
        // Keys have many spellings; only ours comes from us.
        (of == tag && written(tag, &key) == cursor).then_some(key)
    };
    let key = if cursor.len() > CURSOR_BYTES_MAX { None } else { parse() };
    key.map(Some).ok_or_else(invalid_cursor)
}

/// What is said of a cursor that is none of a list.
pub fn invalid_cursor() -> Problem {
    let detail = "this cursor is not one of this list in this order";
    let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid_cursor", detail);
    problem.parameter("cursor", "invalid_value", "take it from `next`, with the same sort")
}

fn written(tag: &str, key: &impl Serialize) -> String {
    // What a list is ordered by is always JSON.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(tag, key)).unwrap_or_default())
}

/// A time that a list is ordered by, such as Postgres knows for sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "DateTime<Utc>")]
pub struct Moment(pub DateTime<Utc>);

impl TryFrom<DateTime<Utc>> for Moment {
    type Error = &'static str;

    fn try_from(time: DateTime<Utc>) -> Result<Self, &'static str> {
        (1..=9999).contains(&time.year()).then_some(Self(time)).ok_or("is no time of ours")
    }
}

/// A part of a query as it may stand in a header: callers may have left other letters than ASCII's
/// as they are.
fn escaped(pair: &str) -> String {
    pair.bytes().fold(String::with_capacity(pair.len()), |mut text, byte| {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

/// A link to the same list with another value of one parameter.
pub fn link(uri: &Uri, name: &str, value: &str) -> Option<HeaderValue> {
    // Letters of a name may be escaped.
    let is_it = |pair: &str| {
        extract::parse::<Vec<(String, String)>>(pair)
            .is_ok_and(|pairs| pairs.iter().any(|(known, _)| known == name))
    };
    let others = uri.query().unwrap_or_default().split('&');
    let others = others
        .filter(|pair| !pair.is_empty() && !is_it(pair))
        .fold(String::new(), |others, pair| others + &escaped(pair) + "&");
    let target = format!("<{}?{others}{name}={value}>; rel=\"next\"", uri.path());
    HeaderValue::from_str(&target).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn numbers(cursor: Option<String>) -> Result<Page<u32>, Problem> {
        let paging = PageQuery { limit: Limit(3), cursor };
        Page::within((0..8).rev().collect(), paging, "numbers", |number| *number)
    }

    #[test]
    fn a_list_is_read_page_by_page() {
        let (mut all, mut cursor, mut pages) = (vec![], None, 0);
        loop {
            let page = numbers(cursor).unwrap();
            let uri: Uri = "/v1/numbers?x=1&cursor=old".parse().unwrap();
            all.extend(&page.items);
            cursor = page.next.clone();
            pages += 1;
            let response = page.respond(&uri);
            let link = response.headers().get(header::LINK).map(|link| link.to_str().unwrap());
            let wanted = cursor.as_ref();
            let wanted =
                wanted.map(|next| format!("</v1/numbers?x=1&cursor={next}>; rel=\"next\""));
            assert_eq!(link.map(str::to_owned), wanted);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((pages, all), (3, vec![7, 6, 5, 4, 3, 2, 1, 0]));
        let whole = Page::of(vec![1, 2, 3], Limit(3), "numbers", |number| *number);
        assert!(whole.next.is_none(), "that was all");
        // What went meanwhile is missed by nobody.
        let after = written("numbers", &100);
        assert_eq!(numbers(Some(after)).unwrap().items, [7, 6, 5]);
    }

    #[test]
    fn what_is_no_cursor_of_the_list_is_refused() {
        let spaced = URL_SAFE_NO_PAD.encode(r#"[ "numbers", 3]"#);
        for wrong in [
            String::new(),
            "x".to_owned(),
            written("letters", &3),
            written("numbers", &"3"),
            written("numbers", &-3),
            spaced,
            "a".repeat(CURSOR_BYTES_MAX + 1),
        ] {
            assert!(numbers(Some(wrong.clone())).is_err(), "{wrong}");
        }
        let moment = |text: &str| {
            let time: DateTime<Utc> = text.parse().unwrap();
            read::<Moment>("times", Some(&written("times", &time))).is_ok()
        };
        assert!(moment("2026-01-01T00:00:00.000001Z"));
        assert!(!moment("+12026-01-01T00:00:00Z") && !moment("-0003-01-01T00:00:00Z"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            micros in 0_i64..4_000_000_000_000_000, id: u128, text in "\\PC*"
        ) {
            let time = Moment(DateTime::from_timestamp_micros(micros).unwrap());
            let key = (time, Uuid::from_u128(id));
            let cursor = written("list", &key);
            prop_assert_eq!(read("list", Some(&cursor)).unwrap(), Some(key));
            prop_assert!(read::<(Moment, Uuid)>("list", Some(&text)).is_err());
        }
    }
}
