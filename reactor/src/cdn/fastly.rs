//! Fastly: up to 256 keys at once, at `https://api.fastly.com/service/<id>`.

use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder};

/// The most keys of one purge.
pub(super) const TAGS_MAX: u16 = 256;

/// The request that purges these keys.
pub(super) fn purge(
    client: &Client,
    url: &str,
    token: Option<&str>,
    tags: &[&str],
) -> RequestBuilder {
    let request = client.post(format!("{url}/purge"));
    let request =
        request.header("surrogate-key", tags.join(" ")).header("accept", "application/json");
    match token.and_then(|token| HeaderValue::from_str(token).ok()) {
        Some(mut token) => {
            token.set_sensitive(true);
            request.header("fastly-key", token)
        }
        None => request,
    }
}
