//! Serves documents about an API, to whoever asks: `/openapi.json`, and `/docs` for people.
//!
//! Nobody is asked who they are, and nothing of the shop is told. A document is made when somebody
//! asks first, so that no start waits for it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::LazyLock;

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use serde_json::Value;

use super::page;
use crate::etag;

/// Where the document lies, and where the page does.
pub const DOCUMENT: &str = "/openapi.json";
/// The page made of it.
pub const PAGE: &str = "/docs";
/// How the page looks.
const STYLE: &str = "/docs.css";

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
/// A page of documents needs its style and nothing else, from nowhere else.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The document and its page.
pub fn router(make: fn() -> Value) -> Router {
    let page = move || page::of(&make());
    route(DOCUMENT, JSON, move || text(&make())).merge(route(PAGE, HTML, page)).merge(route(
        STYLE,
        CSS,
        || page::STYLE.to_owned(),
    ))
}

/// Another document beside it.
pub fn document(path: &'static str, make: fn() -> Value) -> Router {
    route(path, JSON, move || text(&make()))
}

/// Has a program that was built for tests not start with a route that its document lacks.
///
/// # Panics
/// Where somebody forgot to describe one.
pub fn must_describe(document: &Value, router: &Router) {
    let forgotten = undescribed(router, document);
    assert!(
        forgotten.is_empty(),
        "a line each in described.rs (docs/api/README.md): {forgotten:?}"
    );
}

/// The paths of a router that its document does not know.
fn undescribed(router: &Router, document: &Value) -> Vec<String> {
    // A router tells its paths to nobody but a debugger.
    let told = format!("{router:?}");
    let paths = told.split("RouteId(").filter_map(|one| {
        let (_, path) = one.split_once("): \"")?;
        path.split('"').next()
    });
    // Its fallback has two of its own.
    let paths = paths.filter(|path| *path != "/" && !path.contains("__private__axum"));
    let paths = paths.filter(|path| document["paths"].get(*path).is_none());
    paths.map(str::to_owned).collect()
}

/// A document as it is committed and served.
pub fn text(document: &Value) -> String {
    // A JSON value can be written.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// Writes documents into a folder, each by its name.
///
/// # Errors
/// One cannot be written.
pub fn write(folder: &Path, documents: &[(&str, Value)]) -> std::io::Result<()> {
    documents
        .iter()
        .try_for_each(|(name, document)| std::fs::write(folder.join(name), text(document)))
}

fn route(
    path: &'static str,
    kind: &'static str,
    make: impl Fn() -> String + Send + Sync + 'static,
) -> Router {
    let file = LazyLock::new(move || File::new(kind, make()));
    let file = std::sync::Arc::new(file);
    Router::new().route(path, get(async move |headers: HeaderMap| file.answer(&headers)))
}

struct File {
    kind: &'static str,
    body: Bytes,
    tag: Option<HeaderValue>,
}

impl File {
    fn new(kind: &'static str, body: String) -> Self {
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let tag = HeaderValue::try_from(format!("\"{:016x}\"", hasher.finish())).ok();
        Self { kind, tag, body: body.into() }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let is_known = |tag| etag::is_known(headers, tag);
        let mut response = if self.tag.as_ref().is_some_and(is_known) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.body.clone().into_response()
        };
        let told = response.headers_mut();
        told.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        told.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        told.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        told.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if let Some(tag) = &self.tag {
            told.insert(header::ETAG, tag.clone());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use serde_json::json;
    use tower::ServiceExt as _;

    use super::*;

    #[test]
    fn what_is_not_described_is_found() {
        let router = Router::new().route("/a", get(|| async {})).route("/b/{c}", get(|| async {}));
        let document = json!({ "paths": { "/a": {} } });
        assert_eq!(undescribed(&router, &document), ["/b/{c}"]);
    }

    #[tokio::test]
    async fn a_document_is_read_once_and_its_page_takes_nothing_from_elsewhere() {
        let make = || json!({ "info": { "title": "A <shop>" }, "tags": [], "paths": {} });
        let ask = async |path: &str, tag: &str| {
            let request = Request::get(path).header("if-none-match", tag).body(Body::empty());
            router(make).oneshot(request.unwrap()).await.unwrap()
        };
        let first = ask(DOCUMENT, "\"\"").await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()["content-type"], JSON);
        let tag = first.headers()["etag"].to_str().unwrap();
        assert_eq!(ask(DOCUMENT, tag).await.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(ask(DOCUMENT, "*").await.status(), StatusCode::NOT_MODIFIED);
        let page = ask(PAGE, "\"\"").await;
        assert!(page.headers()["content-security-policy"].to_str().unwrap().contains("'none'"));
        let page = axum::body::to_bytes(page.into_body(), 1 << 20).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(page.contains("A &lt;shop&gt;") && !page.contains("<script"), "{page}");
    }
}
