//! Which events a subscription is about: names of events, or all of a kind, as `order.*`. What no
//! event is called is refused: a typing error must not look like silence.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use domain::Event;
use service::Problem;

/// Names and kinds that one subscription may list.
pub(crate) const EVENT_TYPES_MAX: usize = 100;
/// What stands for all events of a kind.
const ALL: &str = ".*";

/// What was asked for, each once and in order.
///
/// # Errors
/// 400 `invalid_body` that says what there is, where one of them is none, or there are none or too
/// many.
pub(crate) fn known(wanted: &[String]) -> Result<Vec<String>, Problem> {
    let refused = || {
        let detail = "the body is not what is wanted";
        Problem::new(StatusCode::BAD_REQUEST, "invalid_body", detail)
    };
    if wanted.is_empty() || wanted.len() > EVENT_TYPES_MAX {
        let detail = format!("must be from 1 to {EVENT_TYPES_MAX} names of events");
        return Err(refused().pointer("/event_types", "invalid_value", detail));
    }
    let names: BTreeSet<&str> = Event::types().map(|(name, _)| name).collect();
    let kinds: BTreeSet<String> = names.iter().map(|name| all_of(name)).collect();
    let is_known = |wanted: &str| names.contains(wanted) || kinds.contains(wanted);
    if let Some(place) = wanted.iter().position(|wanted| !is_known(wanted)) {
        let detail = "no event is called so; `event_types` lists those there are";
        let pointer = format!("/event_types/{place}");
        let there: Vec<&str> = kinds.iter().map(String::as_str).chain(names).collect();
        let problem = refused().pointer(pointer, "unknown_event_type", detail);
        return Err(problem.with("event_types", there));
    }
    let wanted: BTreeSet<&String> = wanted.iter().collect();
    Ok(wanted.into_iter().cloned().collect())
}

/// What stands for all events of the kind of one.
fn all_of(name: &str) -> String {
    let kind = name.split('.').next().unwrap_or_default();
    format!("{kind}{ALL}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn names_and_kinds_are_known_and_all_else_is_refused() {
        let wanted = list(&["order.placed", "payment.*", "order.placed"]);
        assert_eq!(known(&wanted).unwrap(), ["order.placed", "payment.*"]);
        for unknown in ["order", "order.", "order.plaec", "*", "*.*", "order.placed.*", ".*", ""] {
            let refused = known(&list(&["order.placed", unknown])).unwrap_err();
            let told = serde_json::to_value(&refused).unwrap();
            assert_eq!(told["errors"][0]["pointer"], "/event_types/1", "{unknown}");
            let there = told["event_types"].as_array().unwrap();
            assert!(there.contains(&"order.*".into()) && there.contains(&"order.placed".into()));
        }
        assert!(known(&[]).is_err());
        assert!(known(&vec!["order.*".to_owned(); EVENT_TYPES_MAX + 1]).is_err());
    }
}
