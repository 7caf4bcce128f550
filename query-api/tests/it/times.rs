//! Times in queries: every parameter that is one, of every route, takes RFC 3339 and refuses a day
//! alone, which does not say where it begins; what is a day takes that and no time.

use axum::http::StatusCode;
use query_api::described;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::Shop;

const TIME: &str = "2026-11-01T00:00:00Z";
const DAY: &str = "2026-11-01";
/// How parameters are called that mean a moment, whatever their schema says.
const NAMES: [&str; 8] = ["from", "to", "since", "until", "as_of", "_from", "_before", "_at"];

/// What a parameter takes and what it refuses, where it is a time or a day.
fn takes(parameter: &Value) -> Option<(&'static str, &'static str, &'static str)> {
    let (name, schema) = (parameter["name"].as_str().unwrap(), parameter["schema"].to_string());
    if schema.contains("date-time") || schema.contains("2026-01-31T12:00:00Z") {
        return Some((TIME, DAY, "an RFC 3339 time, such as 2026-01-31T12:00:00Z"));
    }
    if schema.contains(r#""date""#) {
        return Some((DAY, TIME, "a day, such as 2026-01-31"));
    }
    let means_a_moment = NAMES.iter().any(|end| name == *end || name.ends_with(end));
    assert!(!means_a_moment, "{name} says neither that it is a time nor that it is a day");
    None
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_alone_is_no_time(db: PgPool) {
    let shop = Shop::open(&db).await;
    let document = described::document();
    let mut tried = 0;
    for (path, route) in document["paths"].as_object().unwrap() {
        let Some(parameters) = route["get"]["parameters"].as_array() else { continue };
        for parameter in parameters.iter().filter(|parameter| parameter["in"] == "query") {
            let Some((good, bad, words)) = takes(parameter) else { continue };
            let name = parameter["name"].as_str().unwrap();
            let at = path.replace("{id}", "0190d000-0000-7000-8000-000000000201");
            let at = at.replace("{sku}", "TOTE").replace("{code}", "main");
            let refused = shop.get(&format!("{at}?{name}={bad}")).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{path} {name}={bad}");
            let error = &refused.json()["errors"][0];
            assert_eq!(error["parameter"], name, "{path}: {error}");
            assert!(error["detail"].as_str().unwrap().contains(words), "{path}: {error}");
            let taken = shop.get(&format!("{at}?{name}={good}")).await;
            assert_ne!(taken.status, StatusCode::BAD_REQUEST, "{path} {name}: {}", taken.text);
            tried += 1;
        }
    }
    assert!(tried >= 12, "{tried}");
}
