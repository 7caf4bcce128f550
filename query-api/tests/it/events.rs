//! The log as lines and as a live stream.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use sqlx::PgPool;
use tokio::time::timeout;
use tower::ServiceExt as _;

use crate::support::{SOON, Shop, cart_created, line_added, required};

fn positions(lines: &str) -> Vec<i64> {
    let event = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    lines.lines().map(|line| event(line)["position"].as_i64().unwrap()).collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn the_whole_log_comes_out_line_by_line(db: PgPool) {
    let shop = Shop::open(&db).await;
    assert_eq!(shop.get("/v1/events").await.text, "");
    let events: Vec<_> = (1..=2_500).map(cart_created).collect();
    shop.append(&events).await;
    let all = shop.get("/v1/events").await;
    assert_eq!(all.headers["content-type"], "application/x-ndjson");
    assert_eq!(positions(&all.text), upto(1, 2_500));
    assert!(all.text.starts_with(r#"{"position":1,"stream":"cart-"#), "{}", &all.text[..200]);
    let part = shop.get("/v1/events?after=999&until=2001").await;
    assert_eq!(positions(&part.text), upto(1_000, 2_001));
    let few = shop.get("/v1/events?after=10&limit=3").await;
    assert_eq!(positions(&few.text), [11, 12, 13]);
    for nothing in ["after=2500", "limit=0", "until=0", "until=-5", "after=9223372036854775807"] {
        assert_eq!(shop.get(&format!("/v1/events?{nothing}")).await.text, "", "{nothing}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn only_the_types_asked_for(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut events: Vec<_> = (1..=1_500).map(cart_created).collect();
    events.push(line_added(1, "TOTE", 1));
    events.push(cart_created(1_501));
    events.push(line_added(1, "HAT", 1));
    shop.append(&events).await;
    let added = shop.get("/v1/events?types=cart.line_added,cart.abandoned").await;
    assert_eq!(positions(&added.text), [1_501, 1_503]);
    let both = shop.get("/v1/events?types=cart.line_added&types=cart.created&after=1499").await;
    assert_eq!(positions(&both.text), [1_500, 1_501, 1_502, 1_503]);
    let first = shop.get("/v1/events?types=cart.line_added&limit=1").await;
    assert_eq!(positions(&first.text), [1_501]);
    let wrong = shop.get("/v1/events?types=cart.stolen").await;
    assert_eq!(wrong.json()["errors"][0]["code"], "unknown_event_type");
}

fn upto(first: i64, last: i64) -> Vec<i64> {
    (first..=last).collect()
}

/// A live stream being read.
struct Live(Body);

impl Live {
    async fn open(shop: &Shop, query: &str, last: Option<i64>) -> Self {
        let mut request =
            Request::get(format!("/v1/events?{query}")).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = shop.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut live = Self(response.into_body());
        assert!(live.chunk().await.unwrap().starts_with("retry: "));
        live
    }

    /// Whole events: the shell cuts what is long wherever it likes.
    async fn chunk(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\n\n") {
            let frame = timeout(SOON, self.0.frame()).await.expect("a frame in time")?;
            bytes.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
        Some(String::from_utf8(bytes).unwrap())
    }

    /// The ids of the next events, read until there are this many.
    async fn ids(&mut self, count: usize) -> Vec<i64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let chunk = self.chunk().await.expect("more events");
            for event in chunk.split_terminator("\n\n") {
                let mut lines = event.lines();
                let id = lines.next().unwrap().strip_prefix("id: ").unwrap();
                assert!(lines.next().unwrap().starts_with("event: cart."));
                assert!(lines.next().unwrap().starts_with("data: {\"position\":"));
                assert_eq!(lines.next(), None);
                ids.push(id.parse().unwrap());
            }
        }
        ids
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_live_stream_catches_up_then_follows_and_resumes(db: PgPool) {
    let shop = Shop::open(&db).await;
    let events: Vec<_> = (1..=1_200).map(cart_created).collect();
    shop.append(&events).await;
    let mut live = Live::open(&shop, "after=0", None).await;
    let mut now = Live::open(&shop, "", None).await;
    assert_eq!(live.ids(1_200).await, upto(1, 1_200));
    for n in 1..=3 {
        shop.append(&[line_added(n, "TOTE", 1), line_added(n, "HAT", 1)]).await;
    }
    assert_eq!(live.ids(6).await, upto(1_201, 1_206));
    assert_eq!(now.ids(6).await, upto(1_201, 1_206));
    drop(live);
    let mut resumed = Live::open(&shop, "after=0", Some(1_203)).await;
    assert_eq!(resumed.ids(3).await, upto(1_204, 1_206));
    let mut typed = Live::open(&shop, "after=1198&types=cart.line_added", None).await;
    assert_eq!(typed.ids(6).await, upto(1_201, 1_206));
    let mut bounded = Live::open(&shop, "after=1205&until=1207", None).await;
    shop.append(&[line_added(9, "TOTE", 1), line_added(9, "HAT", 1)]).await;
    assert_eq!(bounded.ids(2).await, [1_206, 1_207]);
    assert_eq!(bounded.chunk().await, None);
    assert_eq!(now.ids(2).await, [1_207, 1_208]);
    shop.stop.cancel();
    assert_eq!(now.chunk().await, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_live_stream_follows_through_nats(db: PgPool) {
    let nats = async_nats::connect(required("NATS_URL")).await.unwrap();
    let name = format!("q{}", uuid::Uuid::now_v7().simple());
    let shop = Shop::with(&db, |settings| {
        settings.bus = Some(nats.clone());
        settings.stream.clone_from(&name);
    })
    .await;
    let bus = async_nats::jetstream::new(nats);
    let relay = tokio::spawn(event_store::relay::run(
        db.clone(),
        bus.clone(),
        name.clone(),
        shop.stop.clone(),
    ));
    let mut live = Live::open(&shop, "after=0", None).await;
    for n in 1..=50 {
        shop.append(&[cart_created(n)]).await;
    }
    assert_eq!(live.ids(50).await, upto(1, 50));
    shop.stop.cancel();
    relay.await.unwrap();
    bus.delete_stream(&name).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn followers_and_exports_are_bounded(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut followers = Vec::new();
    for _ in 0..query_api::live::FOLLOWERS_MAX {
        followers.push(Live::open(&shop, "after=0", None).await);
    }
    let refused = shop.ask("/v1/events", &[("accept", "text/event-stream")]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.code(), "too_many_followers");
    assert!(refused.headers.contains_key("retry-after"));
    followers.pop();
    Live::open(&shop, "after=0", None).await;
}
