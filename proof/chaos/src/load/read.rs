//! Reads that a client mixes in: what it has just written, lists, the search, and the past.

use fastrand::Rng;
use serde_json::Value;

use super::market::Market;
use super::send::PATIENCE;
use crate::history::{Addresses, Asked, Clock, Read, Seen};

/// Seconds that query-api may wait for what was written.
const WAIT_SECONDS: u32 = 5;
/// Documents on a page.
const PAGE: u32 = 20;

/// The way to the query-api.
#[derive(Clone, Debug)]
pub struct Reader {
    http: reqwest::Client,
    address: String,
    clock: Clock,
}

/// What to read.
struct Wanted {
    path: String,
    /// The stream whose document it is, or the category of the documents it lists.
    stream: Result<String, &'static str>,
    min_position: Option<i64>,
    as_of: Option<i64>,
}

impl Reader {
    /// Of the query-api of a round.
    ///
    /// # Errors
    /// The client cannot be built.
    pub fn new(addresses: &Addresses, clock: Clock) -> anyhow::Result<Self> {
        // The server's wait, and what it takes beyond that.
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { http, address: addresses.query.clone(), clock })
    }

    /// One read, most often of what was last written.
    pub async fn read(
        &self,
        client: usize,
        last: Option<&Asked>,
        market: &Market,
        mut rng: Rng,
    ) -> Read {
        let wanted = choose(last, market, &mut rng);
        let separator = if wanted.path.contains('?') { '&' } else { '?' };
        let path = match (wanted.min_position, wanted.as_of) {
            (Some(position), _) => format!("{}{separator}min_position={position}", wanted.path),
            (None, Some(position)) => format!("{}{separator}as_of={position}", wanted.path),
            (None, None) => wanted.path,
        };
        let sent = self.clock.now();
        let request = self.http.get(format!("{}{path}", self.address));
        let request = request.header("Prefer", format!("wait={WAIT_SECONDS}"));
        let mut log_id = None;
        let answer = match request.send().await {
            Ok(response) => {
                let status = response.status().as_u16();
                log_id = super::send::log_id(response.headers());
                response.json::<Value>().await.ok().map(|body| (status, body))
            }
            Err(_) => None,
        };
        let ended = self.clock.now();
        let (status, body) =
            answer.map_or((None, Value::Null), |(status, body)| (Some(status), body));
        let mut read = Read {
            client,
            path,
            stream: wanted.stream.as_ref().ok().cloned(),
            min_position: wanted.min_position,
            as_of: wanted.as_of,
            sent,
            ended,
            status,
            code: body["code"].as_str().unwrap_or_default().to_owned(),
            log_id,
            seen: vec![],
            document: None,
        };
        if status == Some(200) {
            match wanted.stream {
                Ok(stream) => {
                    read.seen
                        .extend(body["version"].as_i64().map(|version| Seen { stream, version }));
                    read.document = Some(body);
                }
                Err(category) => read.seen = listed(category, &body),
            }
        }
        read
    }
}

/// The documents of a list or of a search.
fn listed(category: &str, body: &Value) -> Vec<Seen> {
    let documents = body["items"].as_array().or_else(|| body["hits"].as_array());
    let seen = |document: &Value| {
        let id = document["id"].as_str()?;
        let stream = format!("{category}-{id}");
        Some(Seen { stream, version: document["version"].as_i64()? })
    };
    documents.into_iter().flatten().filter_map(seen).collect()
}

fn choose(last: Option<&Asked>, market: &Market, rng: &mut Rng) -> Wanted {
    let answer = last.and_then(Asked::answer).filter(|answer| answer.is_accepted());
    let position = answer.and_then(crate::history::Answer::position);
    let written = last
        .zip(answer)
        .and_then(|(asked, answer)| document(subject(asked.command.name), answer.id()?));
    let at_least = position.filter(|_| rng.u32(..5) > 0);
    let dice = rng.u32(..100);
    match (written, dice) {
        (Some((path, stream)), 0..60) => {
            Wanted { path, stream: Ok(stream), min_position: at_least, as_of: None }
        }
        (Some((path, stream)), 60..68) => {
            let as_of = position.map(|position| (position - rng.i64(0..20)).max(1));
            Wanted { path, stream: Ok(stream), min_position: None, as_of }
        }
        (_, 68..80) => {
            let from = if rng.bool() { &market.scarce } else { &market.plenty };
            let sku = &from[rng.usize(..from.len())].sku;
            let (path, stream) = (format!("/v1/stock/{sku}"), format!("stock-{sku}"));
            Wanted { path, stream: Ok(stream), min_position: at_least, as_of: None }
        }
        (_, 80..85) => {
            let path = format!("/v1/search?q={}&limit={PAGE}", market.tag);
            Wanted { path, stream: Err("product"), min_position: at_least, as_of: None }
        }
        _ => {
            let (path, category) = [
                (format!("/v1/orders?limit={PAGE}"), "order"),
                (format!("/v1/payments?limit={PAGE}"), "payment"),
                (format!("/v1/products?limit={PAGE}&status=any"), "product"),
                (format!("/v1/stock?limit={PAGE}"), "stock"),
            ][rng.usize(..4)]
            .clone();
            Wanted { path, stream: Err(category), min_position: at_least, as_of: None }
        }
    }
}

/// What the answer to a command speaks of.
fn subject(name: &str) -> &str {
    if name == "cart.checkout" { "order" } else { name.split('.').next().unwrap_or_default() }
}

/// The path and the stream of a document; parcels and returns stand in their order's.
fn document(category: &str, id: &str) -> Option<(String, String)> {
    let path = match category {
        "fulfilment" | "return" => return None,
        "stock" => format!("/v1/stock/{id}"),
        other => format!("/v1/{other}s/{id}"),
    };
    Some((path, format!("{category}-{id}")))
}
