//! Cloudflare: up to 30 tags at once, at `https://api.cloudflare.com/client/v4/zones/<id>`.

use reqwest::{Client, RequestBuilder, Response};
use serde::Deserialize;
use serde_json::json;

use super::{Failure, silence};

/// The most tags of one purge.
pub(super) const TAGS_MAX: u16 = 30;

/// The request that purges these tags.
pub(super) fn purge(
    client: &Client,
    url: &str,
    token: Option<&str>,
    tags: &[&str],
) -> RequestBuilder {
    let request = client.post(format!("{url}/purge_cache")).json(&json!({ "tags": tags }));
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

/// Its status is not all it says.
pub(super) async fn is_done(answer: Response) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Answer {
        success: bool,
    }
    let answer: Answer = answer.json().await.map_err(silence)?;
    if answer.success { Ok(()) } else { Err(Failure::NotDone) }
}
