//! A query-api on a streaming replica of Postgres, which hears of the log later than NATS tells of
//! it: it waits for what it is asked for, takes nothing for lost that it has not heard of, and
//! brings followers what is new.

use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use chaos::cluster::specification::Specification;
use chaos::cluster::{Cluster, Replication, Standby};
use harness::{Program, required};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::stack::{CLUSTER, PATIENCE, service};

/// The tail looks this often whether the log is still the one it brings, and twice as long is well
/// beyond that.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// A shop whose reads come of a replica.
struct Shop {
    client: Client,
    commands: String,
    reads: Program,
}

impl Shop {
    /// Opens a cart; says which, and where that stands in the log.
    async fn open_cart(&self) -> (String, i64) {
        let asked = self.client.post(format!("{}/v1/carts", self.commands));
        let key = Uuid::now_v7().to_string();
        let asked = asked.header("idempotency-key", key).json(&json!({"currency": "EUR"}));
        let answer: Value = asked.send().await.unwrap().json().await.unwrap();
        (answer["id"].as_str().unwrap().to_owned(), answer["position"].as_i64().unwrap())
    }

    /// What the replica says of a cart as of a position, at the latest after so many seconds.
    async fn read(&self, (cart, position): &(String, i64), wait: u32) -> (StatusCode, Value) {
        let path = self.reads.url(&format!("/v1/carts/{cart}?min_position={position}"));
        let asked = self.client.get(path).header("prefer", format!("wait={wait}"));
        let answer = asked.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap())
    }

    /// Waits until what is new comes of NATS, and not of the replica.
    async fn is_live(&self) {
        let live = async {
            let mut looks = 0;
            // Told anew with each look at the log, and 0 before the first.
            while looks < 3 {
                sleep(BETWEEN_LOOKS).await;
                let answer = self.client.get(self.reads.url("/metrics")).send().await.unwrap();
                let metrics = answer.text().await.unwrap();
                let is_live = metrics.lines().any(|line| line == "commerce_feed_on_postgres 0");
                looks = if is_live { looks + 1 } else { 0 };
            }
        };
        timeout(PATIENCE, live).await.expect("NATS brings the log");
    }

    async fn follow(&self, last: Option<&str>) -> Response {
        let asked = self.client.get(self.reads.url("/v1/events"));
        let mut asked = asked.header("accept", "text/event-stream");
        if let Some(last) = last {
            asked = asked.header("last-event-id", last);
        }
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer
    }
}

/// Reads what is followed until something is told of; returns the id that comes with it.
async fn heard_of(live: &mut Response, cart: &str) -> String {
    let mut told = String::new();
    let hearing = async {
        loop {
            let piece = live.chunk().await.unwrap().expect("it goes on");
            told.push_str(std::str::from_utf8(&piece).unwrap());
            // Its id is the first that a frame says.
            let frames = told.split("\n\n").filter(|frame| frame.contains(cart));
            let mut lines = frames.flat_map(str::lines);
            let id = lines.find_map(|line| line.strip_prefix("id:").map(str::trim));
            if let Some(id) = id {
                return id.to_owned();
            }
        }
    };
    timeout(PATIENCE, hearing).await.unwrap_or_else(|_| panic!("{cart} is not told of"))
}

#[test]
fn a_replica_may_be_behind_and_takes_nothing_for_lost() {
    let _alone = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let told = Specification::read(Path::new(&required("CHAOS_SPECIFICATION"))).unwrap();
        let mut cluster = Cluster::start(told).await.unwrap();
        let standby = cluster.stand_by(Replication::Asynchronous).await.unwrap();
        let shop = open(&cluster, &standby).await;
        hold_it_back(&shop, &standby).await;
    });
}

async fn open(cluster: &Cluster, standby: &Standby) -> Shop {
    let at = cluster.addresses();
    let mut reads = service(
        "query-api",
        &["serve"],
        &[
            ("DATABASE_URL", standby.database(&at.database.parse().unwrap())),
            ("NATS_URL", at.nats.clone()),
            ("EVENT_STREAM", at.event_stream.clone()),
            ("MEILI_URL", at.meilisearch.clone()),
            ("MEILI_MASTER_KEY", at.meilisearch_key.clone()),
            ("SEARCH_INDEX", at.search_index.clone()),
        ],
    );
    reads.start().await.unwrap();
    Shop { client: Client::new(), commands: at.commands[0].clone(), reads }
}

async fn hold_it_back(shop: &Shop, standby: &Standby) {
    let early = shop.open_cart().await;
    let (status, cart) = shop.read(&early, 20).await;
    assert_eq!((status, cart["id"].as_str()), (StatusCode::OK, Some(early.0.as_str())), "{cart}");
    let mut live = shop.follow(None).await;
    // The first thing heard shows that it is followed, from before the replica falls behind.
    let first = shop.open_cart().await;
    heard_of(&mut live, &first.0).await;
    shop.is_live().await;

    standby.hold_back().await.unwrap();
    let late = shop.open_cart().await;
    let id = heard_of(&mut live, &late.0).await;
    let (status, problem) = shop.read(&late, 1).await;
    assert_eq!(status, StatusCode::GATEWAY_TIMEOUT, "{problem}");
    assert_eq!(problem["code"], "projection_behind");
    // That the log seems to end before what was brought is no reason to begin anew.
    sleep(BETWEEN_LOOKS).await;
    let later = shop.open_cart().await;
    heard_of(&mut live, &later.0).await;
    // Nor for who comes back with an id that the replica has not heard of.
    let mut again = shop.follow(Some(&id)).await;
    let (reading, going_on) = (shop.read(&later, 20), async {
        sleep(BETWEEN_LOOKS).await;
        standby.go_on().await.unwrap();
    });
    let ((status, cart), ()) = tokio::join!(reading, going_on);
    assert_eq!((status, cart["id"].as_str()), (StatusCode::OK, Some(later.0.as_str())), "{cart}");
    heard_of(&mut again, &later.0).await;
    let last = shop.open_cart().await;
    heard_of(&mut live, &last.0).await;
    heard_of(&mut again, &last.0).await;
}
