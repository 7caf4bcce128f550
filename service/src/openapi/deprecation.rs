//! That an operation is to go: said in its line of the description, in the document, and in the
//! headers of each of its answers (RFC 9745, RFC 8594), all of which are made of that line.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const DEPRECATION: HeaderName = HeaderName::from_static("deprecation");
const SUNSET: HeaderName = HeaderName::from_static("sunset");

/// The member of an operation that says it to programs.
pub(super) const MEMBER: &str = "x-deprecation";

/// Since when an operation is to go, and what takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deprecation {
    /// Since which day (UTC) nobody should begin to use it.
    pub since: NaiveDate,
    /// From which day on it may be gone, once that is fixed.
    pub sunset: Option<NaiveDate>,
    /// Where people read what to do.
    pub about: String,
    /// The path of what takes its place, if something does.
    pub successor: Option<String>,
}

impl Deprecation {
    /// What people are told.
    pub(super) fn text(&self) -> String {
        let Self { since, about, .. } = self;
        let gone = self.sunset.map(|sunset| format!(", and gone from {sunset} on"));
        let place = self.successor.as_ref().map(|path| format!(": `{path}` takes its place"));
        let (gone, place) = (gone.unwrap_or_default(), place.unwrap_or_default());
        format!("Deprecated since {since}{gone}{place}. See {about}.")
    }

    /// What answers say.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut say = |name: HeaderName, text: String| {
            // Days are text; what else it is made of is written in the program.
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.append(name, value);
            }
        };
        let begins = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
        say(DEPRECATION, format!("@{}", begins(self.since).timestamp()));
        if let Some(sunset) = self.sunset {
            say(SUNSET, http_date(begins(sunset)));
        }
        say(header::LINK, format!("<{}>; rel=\"deprecation\"", self.about));
        if let Some(successor) = &self.successor {
            say(header::LINK, format!("<{successor}>; rel=\"successor-version\""));
        }
        headers
    }
}

/// A time as HTTP writes it (RFC 9110, section 5.6.7).
fn http_date(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// The headers of what is to go, by path and method.
type Headers = HashMap<(String, String), HeaderMap>;

/// Has answers of operations that are to go say so, as their document does. Where nothing is to go,
/// nothing is asked of any request.
pub fn announce(router: Router, document: &Value) -> Router {
    let headers = told(document);
    if headers.is_empty() {
        return router;
    }
    let headers = Arc::new(headers);
    router.route_layer(middleware::from_fn(move |request: Request, next: Next| {
        let headers = headers.clone();
        async move {
            let told = find(&headers, &request).cloned();
            let mut response = next.run(request).await;
            // An answer may have links of its own.
            for (name, value) in told.iter().flatten() {
                response.headers_mut().append(name, value.clone());
            }
            response
        }
    }))
}

fn find<'a>(headers: &'a Headers, request: &Request) -> Option<&'a HeaderMap> {
    let path = request.extensions().get::<MatchedPath>()?.as_str().to_owned();
    headers.get(&(path, request.method().as_str().to_ascii_lowercase()))
}

/// What a document says of its operations.
fn told(document: &Value) -> Headers {
    let mut told = Headers::new();
    for (path, methods) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            if let Ok(deprecation) = Deprecation::deserialize(&operation[MEMBER]) {
                told.insert((path.clone(), method.clone()), deprecation.headers());
            }
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Method;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;
    use crate::openapi::{Description, Endpoint};

    fn deprecation(sunset: Option<&str>) -> Deprecation {
        Deprecation {
            since: "2026-11-01".parse().unwrap(),
            sunset: sunset.map(|day| day.parse().unwrap()),
            about: "https://shop.example/changes#things".to_owned(),
            successor: sunset.map(|_| "/v2/things".to_owned()),
        }
    }

    fn document() -> Value {
        let mut document = Description::new("test", "Of a test.");
        let endpoint = |method, path| Endpoint::new(method, path, path, "things").text("Of it.");
        let ends = deprecation(Some("2027-05-01"));
        document.add(endpoint(Method::GET, "/v1/things/{id}").deprecated(&ends));
        document.add(endpoint(Method::PUT, "/v1/things/{id}").deprecated(&deprecation(None)));
        document.add(endpoint(Method::GET, "/v2/things"));
        document.finish()
    }

    #[tokio::test]
    async fn what_is_to_go_says_so_in_its_document_and_in_its_answers() {
        let linked = || async { ([("link", "<?cursor=x>; rel=\"next\"")], "thing") };
        let router = Router::new()
            .route("/v1/things/{id}", get(linked).put(linked))
            .route("/v2/things", get(linked));
        let router = announce(router, &document());
        let ask = async |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(Body::empty());
            let answer = router.clone().oneshot(request.unwrap()).await.unwrap();
            let all = |name: &str| -> Vec<String> {
                let values = answer.headers().get_all(name).iter();
                values.map(|value| value.to_str().unwrap().to_owned()).collect()
            };
            (all("deprecation"), all("sunset"), all("link"))
        };
        let (next, about, successor) = (
            "<?cursor=x>; rel=\"next\"",
            "<https://shop.example/changes#things>; rel=\"deprecation\"",
            "</v2/things>; rel=\"successor-version\"",
        );
        let (since, sunset, links) = ask(Method::GET, "/v1/things/7").await;
        assert_eq!(since, ["@1793491200"]);
        assert_eq!(sunset, ["Sat, 01 May 2027 00:00:00 GMT"]);
        assert_eq!(links, [next, about, successor]);
        let (since, sunset, links) = ask(Method::PUT, "/v1/things/7").await;
        assert_eq!((since.len(), sunset.len(), links), (1, 0, vec![next.into(), about.into()]));
        let (since, sunset, links) = ask(Method::GET, "/v2/things").await;
        assert_eq!((since.len(), sunset.len(), links), (0, 0, vec![next.into()]));

        let document = document();
        let operation = &document["paths"]["/v1/things/{id}"]["get"];
        assert_eq!(operation["deprecated"], true);
        assert_eq!(operation[MEMBER]["sunset"], "2027-05-01");
        let text = operation["description"].as_str().unwrap();
        assert!(text.contains("gone from 2027-05-01 on: `/v2/things` takes its place"), "{text}");
        assert_eq!(document["paths"]["/v2/things"]["get"].get("deprecated"), None);
    }
}
