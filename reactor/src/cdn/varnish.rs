//! Varnish, or any cache that takes `PURGE` with the keys in a header: see `deploy/varnish.vcl`.

use reqwest::{Client, Method, RequestBuilder};

/// The most keys of one purge: about 4 KiB of header, of the 8 KiB that Varnish takes.
pub(super) const TAGS_MAX: u16 = 80;

/// The request that purges these keys.
pub(super) fn purge(
    client: &Client,
    url: &str,
    token: Option<&str>,
    tags: &[&str],
) -> RequestBuilder {
    // Every name of a method is one that begins with a letter and has no space.
    let method = Method::from_bytes(b"PURGE").unwrap_or(Method::POST);
    let request = client.request(method, url).header("surrogate-key", tags.join(" "));
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}
