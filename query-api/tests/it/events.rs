//! The log as lines and as a live stream.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use query_api::reading::CHUNK_BYTES;
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::lineage::turn;
use crate::support::{Shop, cart_created, follow, frame, line_added};

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
    for nothing in ["after=2500", "limit=0", "until=0"] {
        assert_eq!(shop.get(&format!("/v1/events?{nothing}")).await.text, "", "{nothing}");
    }
    for (wrong, code) in [
        ("after=2501", "position_unknown"),
        ("after=9223372036854775807", "position_unknown"),
        ("after=-1", "invalid_query"),
        ("until=-5", "invalid_query"),
        ("after=soon", "invalid_query"),
    ] {
        let refused = shop.get(&format!("/v1/events?{wrong}")).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, code.into()));
        let live = [("accept", "text/event-stream")];
        let refused = shop.ask(&format!("/v1/events?{wrong}"), &live).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, code.into()));
    }
    for (query, next_after) in [
        ("", Some("2500")),
        ("until=7", Some("7")),
        ("after=2500", Some("2500")),
        ("limit=3", Some("3")),
        ("after=7&limit=3", Some("10")),
        ("after=2499&limit=3", Some("2500")),
        ("after=7&limit=0", Some("7")),
        ("types=cart.created", Some("2500")),
        ("types=cart.created&limit=5000", Some("2500")),
        ("types=cart.created&limit=3", None),
    ] {
        let answer = shop.get(&format!("/v1/events?{query}")).await;
        let said = answer.headers.get("next-after").map(|it| it.to_str().unwrap());
        assert_eq!(said, next_after, "{query}");
    }
    // Who could not follow goes on by what they had.
    for (query, header) in [("last_event_id=2497", None), ("", Some("2497"))] {
        let headers: Vec<_> = header.map(|id| ("last-event-id", id)).into_iter().collect();
        let rest = shop.ask(&format!("/v1/events?{query}"), &headers).await;
        assert_eq!(positions(&rest.text), [2498, 2499, 2500], "{query}");
    }
    // And who followed to the end is told not to come back.
    let live = [("accept", "text/event-stream"), ("last-event-id", "7")];
    let end = shop.ask("/v1/events?until=7", &live).await;
    assert_eq!((end.status, end.text.as_str()), (StatusCode::NO_CONTENT, ""));
}

#[sqlx::test(migrations = "../migrations")]
async fn large_events_come_out_whole_in_chunks_of_their_size(db: PgPool) {
    let shop = Shop::open(&db).await;
    sqlx::raw_sql(
        "INSERT INTO events
         SELECT n, 'cart-' || n, 1, 'cart.created', 1, 0, now(), now(), '{\"command\":\"x\"}',
                json_build_object('currency', 'EUR', 'padding', repeat('x', 60000))
         FROM generate_series(1, 40) AS n",
    )
    .execute(&db)
    .await
    .unwrap();
    for query in ["", "types=cart.created"] {
        let request = Request::get(format!("/v1/events?{query}")).body(Body::empty()).unwrap();
        let mut body = shop.router.clone().oneshot(request).await.unwrap().into_body();
        let mut text = String::new();
        while let Some(frame) = body.frame().await {
            let chunk = frame.unwrap().into_data().unwrap();
            assert!(chunk.len() < 2 * CHUNK_BYTES, "{} bytes", chunk.len());
            text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
        assert_eq!(positions(&text), upto(1, 40), "{query}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn times_are_positions_too(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut times = Vec::new();
    for n in 1..=5 {
        shop.append(&[cart_created(n)]).await;
        let now: chrono::DateTime<chrono::Utc> =
            sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(&db).await.unwrap();
        times.push(now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
    }
    let part = format!("/v1/events?after={}&until={}", times[1], times[3]);
    assert_eq!(positions(&shop.get(&part).await.text), [3, 4]);
    let all = shop.get("/v1/events?after=2000-01-01T00:00:00Z").await;
    assert_eq!(positions(&all.text), upto(1, 5));
    let mut live = Live::open(&shop, &format!("after={}", times[2]), None).await;
    assert_eq!(live.ids(2).await, [4, 5]);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_cannot_be_sent_is_not_acceptable(db: PgPool) {
    let shop = Shop::open(&db).await;
    for kind in ["text/csv", "text/html, application/xml;q=0.9"] {
        let refused = shop.ask("/v1/events", &[("accept", kind)]).await;
        assert_eq!(refused.status, StatusCode::NOT_ACCEPTABLE, "{kind}");
        assert_eq!(refused.code(), "not_acceptable");
    }
    for kind in ["*/*", "application/x-ndjson", "text/csv, */*;q=0.1", "Application/JSON"] {
        assert_eq!(shop.ask("/v1/events", &[("accept", kind)]).await.status, StatusCode::OK);
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
    async fn open(shop: &Shop, query: &str, last: Option<&str>) -> Self {
        let request = Request::get(format!("/v1/events?{query}"));
        Self(follow(shop, request.header("accept", "text/event-stream"), last).await)
    }

    async fn chunk(&mut self) -> Option<String> {
        frame(&mut self.0).await
    }

    /// The ids of the next events, read until there are this many.
    async fn ids(&mut self, count: usize) -> Vec<i64> {
        let mut ids = Vec::new();
        while ids.len() < count {
            let chunk = self.chunk().await.expect("more events");
            for event in chunk.split_terminator("\n\n") {
                let mut lines = event.lines();
                let id = lines.next().unwrap().strip_prefix("id: ").unwrap();
                assert!(lines.next().unwrap().starts_with("event: cart."), "{event}");
                assert!(lines.next().unwrap().starts_with("data: {\"position\":"));
                assert_eq!(lines.next(), None);
                let (position, log_id) = id.split_once('.').unwrap();
                assert!(log_id.parse::<uuid::Uuid>().is_ok(), "{id}");
                ids.push(position.parse().unwrap());
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
    let mut resumed = Live::open(&shop, "after=0", Some("1203")).await;
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

/// Who is cut off before anything came goes on from where they began, as a browser does.
#[sqlx::test(migrations = "../migrations")]
async fn the_first_frame_says_where_it_begins(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&[cart_created(1), cart_created(2)]).await;
    for (query, begin) in [("", "2."), ("after=1", "1.")] {
        let request =
            Request::get(format!("/v1/events?{query}")).header("accept", "text/event-stream");
        let request = request.body(Body::empty()).unwrap();
        let mut body = shop.router.clone().oneshot(request).await.unwrap().into_body();
        let first = frame(&mut body).await.unwrap();
        let id = first.lines().find_map(|line| line.strip_prefix("id: ")).expect("an id");
        assert!(id.starts_with(begin), "{first}");
        drop(body);
        let position = shop.append(&[cart_created(3)]).await;
        let mut resumed = Live::open(&shop, "", Some(id)).await;
        while resumed.ids(1).await.last() != Some(&position) {}
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_live_stream_follows_through_nats(db: PgPool) {
    let nats = async_nats::connect(harness::required("NATS_URL")).await.unwrap();
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

/// Begins to follow a log with some events.
async fn following(shop: &Shop) -> Live {
    shop.append(&(1..=5).map(cart_created).collect::<Vec<_>>()).await;
    let mut live = Live::open(shop, "after=0", None).await;
    assert_eq!(live.ids(5).await, upto(1, 5));
    live
}

#[sqlx::test(migrations = "../migrations")]
async fn followers_of_a_log_that_was_replaced_are_told(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut live = following(&shop).await;
    let renewed = "UPDATE log_head SET log_id = gen_random_uuid() RETURNING log_id::text";
    let log_id: String = sqlx::query_scalar(renewed).fetch_one(&db).await.unwrap();
    let told = live.chunk().await.unwrap();
    assert!(told.starts_with("event: another_log\ndata: {") && told.contains(&log_id), "{told}");
    assert_eq!(live.chunk().await, None);
    // A browser comes back by itself, and is told so by a status that ends it.
    let accept = ("accept", "text/event-stream");
    let other = format!("5.{}", uuid::Uuid::now_v7());
    let refused = shop.ask("/v1/events", &[accept, ("last-event-id", &other)]).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "another_log".into()));
    assert_eq!(refused.json()["log_id"], log_id.as_str());
    Live::open(&shop, "", Some("5")).await;
    let mut resumed = Live::open(&shop, "", Some(&format!("3.{log_id}"))).await;
    assert_eq!(resumed.ids(2).await, [4, 5]);
    for garbage in ["-1", "five", "5.x", "", "5.", "99999999999999999999"] {
        let refused = shop.ask("/v1/events", &[accept, ("last-event-id", garbage)]).await;
        assert_eq!(refused.code(), "invalid_last_event_id", "{garbage}");
    }
}

/// Who has seen no more of it than there still is goes on; who has is told.
#[sqlx::test(migrations = "../migrations")]
async fn followers_of_a_log_that_failed_over_go_on(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut live = following(&shop).await;
    let (first, second) = turn(&db, 5).await;
    assert_eq!(live.chunk().await, None, "cut off, to come back");
    let mut resumed = Live::open(&shop, "", Some(&format!("3.{first}"))).await;
    assert_eq!(resumed.ids(2).await, [4, 5]);

    let (_, third) = turn(&db, 4).await;
    let told = resumed.chunk().await.unwrap();
    assert!(told.starts_with("event: another_log\ndata: {") && told.contains(&third), "{told}");
    let accept = ("accept", "text/event-stream");
    let refused =
        shop.ask("/v1/events", &[accept, ("last-event-id", &format!("5.{second}"))]).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "another_log".into()));
    Live::open(&shop, "", Some(&format!("4.{second}"))).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn followers_of_a_log_that_went_back_are_told(db: PgPool) {
    let shop = Shop::open(&db).await;
    let mut live = following(&shop).await;
    sqlx::raw_sql(
        "ALTER TABLE events DISABLE TRIGGER events_append_only;
         DELETE FROM events WHERE position > 2",
    )
    .execute(&db)
    .await
    .unwrap();
    let told = live.chunk().await.unwrap();
    assert!(told.starts_with("event: position_unknown\ndata: {"), "{told}");
    assert_eq!(live.chunk().await, None);
    let again = [("accept", "text/event-stream"), ("last-event-id", "5")];
    assert_eq!(shop.ask("/v1/events", &again).await.code(), "position_unknown");
}

#[sqlx::test(migrations = "../migrations")]
async fn whoever_speaks_of_another_log_is_refused(db: PgPool) {
    let shop = Shop::open(&db).await;
    shop.append(&[cart_created(1)]).await;
    shop.advance("carts", 1).await;
    let paths = [
        "/v1/events",
        "/v1/carts/00000000-0000-0000-0000-000000000001?min_position=1",
        "/v1/orders",
        "/v1/streams/cart/00000000-0000-0000-0000-000000000001",
        "/v1/products/nonsense",
    ];
    let first = shop.get(paths[0]).await.headers["log-id"].to_str().unwrap().to_owned();
    for path in paths {
        let known = shop.ask(path, &[("log-id", &first)]).await;
        assert_ne!(known.status, StatusCode::CONFLICT, "{path}");
        assert_eq!(known.headers["log-id"], first.as_str(), "{path}");
    }
    let renewed = "UPDATE log_head SET log_id = gen_random_uuid() RETURNING log_id::text";
    let second: String = sqlx::query_scalar(renewed).fetch_one(&db).await.unwrap();
    // Where positions count, Postgres is asked, whatever was known a moment before.
    for path in [paths[0], paths[1], paths[3]] {
        let refused = shop.ask(path, &[("log-id", &first)]).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "another_log".into()));
        assert_eq!(refused.json()["log_id"], second.as_str());
    }
    for path in paths {
        let known = shop.ask(path, &[("log-id", &second)]).await;
        assert_ne!(known.status, StatusCode::CONFLICT, "{path}");
        let garbage = shop.ask(path, &[("log-id", "one")]).await;
        assert_eq!(garbage.code(), "invalid_log_id");
    }
}
