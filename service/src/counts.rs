//! How many requests were answered, and in what time, by route and status.
//!
//! To find a metric by its labels costs several strings, and a busy service did it three times a
//! request: each is found once, and kept.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::StatusCode;
use metrics::{Counter, Histogram, counter, histogram};

/// Metrics by method and status. As many as ever came, which is no more than there are routes and
/// statuses: methods that do not exist and paths that lead nowhere are each called by one name.
#[derive(Default)]
pub(crate) struct RequestCounts(RwLock<HashMap<(&'static str, StatusCode), ByRoute>>);

type ByRoute = HashMap<String, Pair>;

#[derive(Clone)]
struct Pair {
    requests: Counter,
    duration: Histogram,
}

impl RequestCounts {
    /// Counts an answer that began so long after its request.
    pub fn count(&self, method: &'static str, route: &str, status: StatusCode, took: Duration) {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let pair = known.get(&(method, status)).and_then(|routes| routes.get(route)).cloned();
        drop(known);
        let pair = pair.unwrap_or_else(|| {
            let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let routes = known.entry((method, status)).or_default();
            routes
                .entry(route.to_owned())
                .or_insert_with(|| Pair::of(method, route, status))
                .clone()
        });
        pair.requests.increment(1);
        pair.duration.record(took);
    }
}

impl Pair {
    fn of(method: &'static str, route: &str, status: StatusCode) -> Self {
        let (route, code) = (route.to_owned(), status.as_u16().to_string());
        let requests = counter!("http_requests_total", "method" => method,
                                "route" => route.clone(), "status" => code);
        let duration = histogram!("http_request_duration_seconds", "method" => method,
                                  "route" => route, "status" => class(status));
        Self { requests, duration }
    }
}

/// One label value a class: with each status the buckets would be too many.
fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
