//! Where an API key may be used, if not everywhere its role may.

use axum::http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Characters of a scope.
const CHARS_MAX: usize = 200;
/// Scopes of a key.
const SCOPES_MAX: usize = 50;
/// How all paths begin for which there are keys.
const ROOT: &str = "/v1/";
/// Methods that a route may have. One that may be read by `GET` answers `HEAD` too.
const METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// The beginning of a path, as `/v1/stock`, and which method, as `GET /v1/orders`. What ends with
/// a slash is all that is below it, and not itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(rename = "ApiKeyScope", extend(
    "maxLength" = CHARS_MAX,
    "pattern" = r#"^((GET|HEAD|POST|PUT|PATCH|DELETE) )?/v1/[!"$->@-~]+$"#,
    "examples" = ["GET /v1/orders"],
))]
pub struct Scope {
    method: Option<Method>,
    path: String,
}

/// Some of them: none is no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Scope>", into = "Vec<Scope>")]
#[schemars(rename = "ApiKeyScopes", extend("maxItems" = SCOPES_MAX))]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Whether they are no bound.
    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key of these may be used there.
    pub fn allow(&self, method: &Method, path: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|scope| scope.allows(method, path))
    }

    /// The first of them under which nothing lies, as `/v1/stoc` or `get /v1/stock`: a key of it
    /// would be refused everywhere. `resources` are the first words of paths.
    pub fn of_nothing(&self, resources: &[&str]) -> Option<usize> {
        self.0.iter().position(|scope| !scope.is_of(resources))
    }

    /// As they are kept.
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.iter().cloned().map(String::from).collect()
    }
}

impl Scope {
    fn allows(&self, method: &Method, path: &str) -> bool {
        // A path ends where a part of it ends: `/v1/stock` is no beginning of `/v1/stocks`.
        let rest = path.strip_prefix(&self.path);
        let is_below = rest.is_some_and(|rest| match rest {
            "" => !self.path.ends_with('/'),
            rest => self.path.ends_with('/') || rest.starts_with('/'),
        });
        is_below && self.method.as_ref().is_none_or(|own| covers(own, method))
    }

    fn is_of(&self, resources: &[&str]) -> bool {
        let resource = self.path.strip_prefix(ROOT).and_then(|path| path.split('/').next());
        resource.is_some_and(|resource| resources.contains(&resource))
            && self.method.as_ref().is_none_or(|method| METHODS.contains(method))
    }
}

/// Why a scope is refused under which nothing lies.
pub(crate) fn why_of_nothing(resources: &[&str]) -> String {
    let resources = resources.join(", ");
    let methods = METHODS.map(|method| method.to_string()).join(", ");
    format!("is of no path: /v1/ and one of {resources}; for one method alone one of {methods}")
}

/// Who may read something may ask what its headers are.
fn covers(own: &Method, method: &Method) -> bool {
    own == method || (own == Method::GET && method == Method::HEAD)
}

impl TryFrom<String> for Scope {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        const WRONG: &str = "is no beginning of a path, as /v1/stock or GET /v1/orders";
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) => (Some(method.parse().map_err(|_| WRONG)?), path),
            None => (None, text.as_str()),
        };
        let is_path = path.strip_prefix(ROOT).is_some_and(|rest| !rest.is_empty())
            && path.bytes().all(|it| it.is_ascii_graphic());
        if !is_path || path.contains(['?', '#']) || text.len() > CHARS_MAX {
            return Err(WRONG);
        }
        Ok(Self { method, path: path.to_owned() })
    }
}

impl From<Scope> for String {
    fn from(Scope { method, path }: Scope) -> Self {
        method.map_or(path.clone(), |method| format!("{method} {path}"))
    }
}

impl TryFrom<Vec<Scope>> for Scopes {
    type Error = String;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, String> {
        let fits = scopes.len() <= SCOPES_MAX;
        fits.then_some(Self(scopes)).ok_or_else(|| format!("are more than {SCOPES_MAX}"))
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> Result<Scopes, serde_json::Error> {
        serde_json::from_value(serde_json::json!(texts))
    }

    #[test]
    fn a_scope_is_a_beginning() {
        let some = scopes(&["/v1/stock", "GET /v1/orders/"]).unwrap();
        assert_eq!(some.texts(), ["/v1/stock", "GET /v1/orders/"]);
        for (method, path, wanted) in [
            (Method::POST, "/v1/stock/TOTE/receive", true),
            (Method::GET, "/v1/stock", true),
            (Method::GET, "/v1/orders/1", true),
            (Method::HEAD, "/v1/orders/1", true),
            (Method::GET, "/v1/orders/", false),
            (Method::GET, "/v1/orders", false),
            (Method::POST, "/v1/orders/1/cancel", false),
            (Method::GET, "/v1/stocks", false),
            (Method::GET, "/v1", false),
            (Method::GET, "/", false),
        ] {
            assert_eq!(some.allow(&method, path), wanted, "{method} {path}");
            assert!(Scopes::default().allow(&method, path));
        }
        for text in ["", "/", "/v1", "/v1/", "v1/stock", "GET", "GET  /v1/x", "/v1/x?y", "/v1/x y"]
        {
            assert!(scopes(&[text]).is_err(), "{text}");
        }
        assert!(scopes(&["/v1/x"; SCOPES_MAX + 1]).is_err());
    }

    #[test]
    fn a_scope_is_of_something() {
        let resources = ["stock", "orders"];
        let all = ["/v1/stock", "HEAD /v1/orders/1", "GET /v1/orders/"];
        assert_eq!(scopes(&all).unwrap().of_nothing(&resources), None);
        for nothing in ["/v1/stoc", "/v1/stocks", "get /v1/orders", "FETCH /v1/stock", "/v1//stock"]
        {
            let some = scopes(&["/v1/stock", nothing]).unwrap();
            assert_eq!(some.of_nothing(&resources), Some(1), "{nothing}");
        }
    }
}
