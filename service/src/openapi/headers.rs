//! The headers that requests and answers of the engine have, each described once. Those of
//! requests are what pages of other origins may send, see [`crate::cors`], and those of answers
//! what they may read.

use serde_json::{Map, Value, json};

const KEY: &str = "Under which a command takes effect once: sent again with it, it gets the answer \
                   that it got first. One that the caller makes up, a UUID say, for each thing \
                   that is to be done.";
const IF_MATCH: &str = "The `ETag` that was read, or `*` for whatever is there: the command is \
                        refused with 412 if what it is for has changed since.";
const PREFER: &str = "`return=representation` for the document after a command in its answer; \
                      `wait=5` for how many seconds a read may wait until it is as new as \
                      `min_position` says.";
const LOG_ID: &str = "Which log it is about. After a restore positions and ids mean something \
                      else, and who sends the one of before is told 409 `another_log`.";
const GUEST: &str = "The token that a customer had as a guest before they signed in: what is the \
                     guest's may become theirs.";

/// Headers of requests, by name: what they are for, and what is in them.
fn sent() -> [(&'static str, &'static str, Value); 8] {
    // What cannot be understood in these is passed over, so that nothing is wrong with it.
    let text = || json!({ "type": "string" });
    let uuid = json!({ "type": "string", "format": "uuid" });
    let key = json!({
        "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]([ -~]*[!-~])?$",
        "examples": ["checkout-of-cart-1"],
    });
    let tag = json!({ "type": "string", "pattern": r#"^(\*|"[0-9]{1,18}(\.[0-9]{1,18}){0,3}")$"# });
    [
        ("Idempotency-Key", KEY, key),
        ("If-Match", IF_MATCH, tag),
        ("If-None-Match", "The `ETag` that is there already: 304 if it still stands.", text()),
        ("Prefer", PREFER, text()),
        ("Log-Id", LOG_ID, uuid),
        ("Guest-Token", GUEST, text()),
        ("Last-Event-ID", "Where a live stream broke off: the id of its last event.", text()),
        ("X-Request-Id", "Under which the request is found again in logs and events.", text()),
    ]
}

/// Headers of answers.
fn told() -> [(&'static str, &'static str, Value); 15] {
    let text = || json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    [
        ("Cache-Control", "How long a cache may keep it.", text()),
        ("Deprecation", "Since when it is to go, as `@` and a Unix time (RFC 9745).", text()),
        ("ETag", "The version of the document, for `If-Match` and `If-None-Match`.", text()),
        ("Idempotent-Replayed", "`true`: this is the answer that the key got first.", text()),
        ("Link", "The next page, as `rel=\"next\"` (RFC 8288).", text()),
        ("Location", "Where what was made is read.", text()),
        ("Log-Id", LOG_ID, json!({ "type": "string", "format": "uuid" })),
        (
            "Next-After",
            "The `after` to go on with once the last line has come. Where `limit` may end what is \
             asked of some `types` there is none: go on after the last line's `position`.",
            count.clone(),
        ),
        ("Parked-Streams", "How many streams a list lacks events of.", count.clone()),
        ("Preference-Applied", "The preference that was heard (RFC 7240).", text()),
        ("Retry-After", "Seconds to wait before it is tried again.", count),
        ("Search-Backend", "Which place answered the search.", text()),
        ("Sunset", "From when on it may be gone (RFC 8594).", text()),
        ("WWW-Authenticate", "How to say who one is.", text()),
        ("X-Request-Id", "Under which the request is found again in logs and events.", text()),
    ]
}

/// The headers of requests, as parameters by name.
pub fn parameters() -> Map<String, Value> {
    sent()
        .into_iter()
        .map(|(name, description, schema)| {
            let header = json!({
                "name": name, "in": "header", "required": false, "description": description,
                "schema": schema,
            });
            (name.to_owned(), header)
        })
        .collect()
}

/// The headers of answers, by name.
pub fn headers() -> Map<String, Value> {
    told()
        .into_iter()
        .map(|(name, description, schema)| {
            (name.to_owned(), json!({ "description": description, "schema": schema }))
        })
        .collect()
}

/// What an answer has that tells these.
pub fn references(names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| {
            debug_assert!(told().iter().any(|(known, ..)| known == name), "{name}");
            ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") }))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cors::{READ, SENT};

    #[test]
    fn pages_may_send_and_read_what_is_described() {
        for (name, ..) in sent() {
            assert!(SENT.iter().any(|known| name.eq_ignore_ascii_case(known.as_str())), "{name}");
        }
        // Cache-Control is read by everybody.
        for (name, ..) in told().into_iter().filter(|(name, ..)| *name != "Cache-Control") {
            assert!(READ.iter().any(|known| name.eq_ignore_ascii_case(known.as_str())), "{name}");
        }
    }
}
