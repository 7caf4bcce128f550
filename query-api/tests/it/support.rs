//! A shop to read from: a router, its database, and ways to fill it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::request::Builder;
use axum::http::{HeaderMap, HeaderValue, Request, StatusCode};
use chrono::{TimeDelta, Utc};
use domain::ReadModel;
use domain::page::search_keys::folded;
use domain::page::title_order::TitleOrder;
use http_body_util::BodyExt as _;
use identity::Guard;
use identity::issuer::Issuer;
use identity::master::Master;
use identity::token::Subject;
use query_api::caching::Caching;
use query_api::{App, Settings};
use serde_json::{Value, json};
use service::config::{self, Secret};
use service::cors::Origins;
use sqlx::{PgExecutor, PgPool};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

/// A port on which nobody listens.
pub const NOBODY: &str = "http://127.0.0.1:9";

pub struct Shop {
    pub db: PgPool,
    pub router: Router,
    pub stop: CancellationToken,
}

/// An answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }

    pub fn ids(&self) -> Vec<String> {
        let items = self.json()["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }
}

impl Shop {
    /// One without Meilisearch, NATS or a token.
    pub async fn open(db: &PgPool) -> Self {
        Self::with(db, |_| {}).await
    }

    pub async fn with(db: &PgPool, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            search: config::Search { url: NOBODY.to_owned(), key: None },
            index: "products".to_owned(),
            bus: None,
            stream: "commerce".to_owned(),
            guard: Guard::open(),
            index_key: None,
            caching: Caching::default(),
            origins: Origins::default(),
            proxies: 0,
        };
        change(&mut settings);
        // Tests write events by themselves, which only `append` may.
        let by_hand = "ALTER TABLE events DISABLE TRIGGER events_by_append";
        sqlx::query(by_hand).execute(db).await.unwrap();
        let stop = CancellationToken::new();
        let app = App::start(db.clone(), settings, stop.clone()).unwrap();
        let health = query_api::health(&app);
        for name in ReadModel::ALL.iter().map(|model| model.name()) {
            sqlx::query("INSERT INTO projections (name, active_build) VALUES ($1, 1)")
                .bind(name)
                .execute(db)
                .await
                .unwrap();
            sqlx::query(
                "INSERT INTO projection_builds (projection, build, version) VALUES ($1, 1, 1)",
            )
            .bind(name)
            .execute(db)
            .await
            .unwrap();
            sqlx::query(
                "INSERT INTO projection_slots (projection, build, slot_from, slot_to)
                 VALUES ($1, 1, 0, 127), ($1, 1, 128, 255)",
            )
            .bind(name)
            .execute(db)
            .await
            .unwrap();
        }
        Self { db: db.clone(), router: query_api::router(app, &health), stop }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(path, &[]).await
    }

    pub async fn ask(&self, path: &str, headers: &[(&'static str, &str)]) -> Answer {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, HeaderValue::from_str(value).unwrap());
        }
        let request = request.body(Body::empty()).unwrap();
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Brings all slots of a projection to a position.
    pub async fn advance(&self, projection: &str, position: i64) {
        sqlx::query("UPDATE projection_slots SET position = $2 WHERE projection = $1")
            .bind(projection)
            .bind(position)
            .execute(&self.db)
            .await
            .unwrap();
    }

    /// Pretends that the log has come to a position: there stands an event of nothing that matters.
    pub async fn log_reaches(&self, position: i64) {
        reach(&self.db, position).await;
    }

    /// Sets a stream aside in a projection, from a position on.
    pub async fn park(&self, projection: &str, stream: &str, position: i64) {
        sqlx::query(
            "INSERT INTO parked_streams (projection, build, stream, version, position, reason)
             VALUES ($1, 1, $2, 1, $3, 'because')",
        )
        .bind(projection)
        .bind(stream)
        .bind(position)
        .execute(&self.db)
        .await
        .unwrap();
    }

    /// Appends events as the log's own writer does.
    pub async fn append(&self, events: &[(String, &str, Value)]) -> i64 {
        let mut tx = self.db.begin().await.unwrap();
        let mut head: i64 = sqlx::query_scalar("SELECT position FROM log_head FOR UPDATE")
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        for (stream, kind, data) in events {
            head += 1;
            // A newer program may know events that this one does not.
            let known = domain::Event::types().find(|(name, _)| name == kind);
            let schema = known.map_or(1, |(_, schema)| schema);
            sqlx::query(
                "INSERT INTO events SELECT $1, $2, 1 + (SELECT count(*) FROM events
                     WHERE stream = $2), $3, $4, 0, now(), clock_timestamp(),
                     '{\"command\":\"test\"}', $5",
            )
            .bind(head)
            .bind(stream)
            .bind(kind)
            .bind(i16::try_from(schema).unwrap())
            .bind(data)
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        sqlx::query("SELECT pg_notify('log_head', '')").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        head
    }

    pub async fn put_product(&self, n: u32, title: &str, status: &str, minute: u32) -> String {
        let id = Uuid::from_u128(n.into());
        let document = json!({"id": id, "version": 3, "position": n, "title": title});
        sqlx::query(
            "INSERT INTO products_rows (build, id, document, position, version, status, title,
                 brand, category, created_at, updated_at, title_key, title_keys)
             VALUES (1, $1, $2, $3, 3, $4, $5, $6, $7,
                     timestamptz '2026-01-01Z' + $8 * interval '1 minute', now(), $9, $10)",
        )
        .bind(id)
        .bind(&document)
        .bind(i64::from(n))
        .bind(status)
        .bind(title)
        .bind(n.is_multiple_of(2).then_some("Acme"))
        .bind(vec!["Bags", if n.is_multiple_of(3) { "Totes" } else { "Clutches" }])
        .bind(f64::from(minute))
        .bind(folded(title))
        .bind(TitleOrder::keys(title).to_vec())
        .execute(&self.db)
        .await
        .unwrap();
        id.to_string()
    }

    pub async fn put_order(&self, n: u32, status: &str, total: f64, minute: u32) -> String {
        let id = Uuid::from_u128(n.into());
        sqlx::query(
            "INSERT INTO orders_rows (build, id, document, position, version, status,
                 payment_status, fulfilment_status, customer_id, total, currency, units,
                 created_at, updated_at) VALUES (1, $1, $2, 9, 2, $3, 'awaiting', 'unfulfilled', $4,
                 $5::float8::numeric, 'EUR', 1,
                 timestamptz '2026-01-01Z' + $6 * interval '1 minute', now())",
        )
        .bind(id)
        .bind(json!({"id": id, "version": 2}))
        .bind(status)
        .bind(Uuid::from_u128((n % 4).into()))
        .bind(total)
        .bind(f64::from(minute))
        .execute(&self.db)
        .await
        .unwrap();
        id.to_string()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

const ISSUER: &str = "https://shop.example";

/// A shop that asks everybody who they are, and who gives tokens out.
pub struct Asked {
    pub shop: Shop,
    issuer: Issuer,
}

impl Asked {
    pub async fn open(db: &PgPool) -> Self {
        let guard = Guard::new(None, false, Some((db.clone(), ISSUER.to_owned())));
        let shop = Shop::with(db, |settings| settings.guard = guard).await;
        let master = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
        Self { shop, issuer: Issuer::new(db.clone(), master.into(), ISSUER) }
    }

    pub async fn token(&self, subject: Subject) -> String {
        self.token_for(subject, TimeDelta::hours(1)).await
    }

    /// A token that runs out so soon.
    pub async fn token_for(&self, subject: Subject, life: TimeDelta) -> String {
        let given = self.issuer.issue(subject, Utc::now(), life).await;
        format!("Bearer {}", given.unwrap().token)
    }

    pub async fn get(&self, path: &str, token: Option<&String>) -> Answer {
        let headers = token.map(|token| ("authorization", token.as_str()));
        self.shop.ask(path, headers.as_slice()).await
    }
}

pub fn meilisearch() -> config::Search {
    let key = harness::required("MEILI_MASTER_KEY");
    config::Search { url: harness::required("MEILI_URL"), key: Some(Secret::from(key.as_str())) }
}

/// For things that happen soon but not at once: sooner than the 30 s some readers would wait.
pub const SOON: Duration = Duration::from_secs(25);

/// The log comes to a position by an event that nobody asks for.
pub async fn reach(db: impl PgExecutor<'_>, position: i64) {
    let reached = "INSERT INTO events VALUES ($1, 'cart-' || gen_random_uuid(), 1, 'cart.created',
                       1, 0, now(), now(), '{\"command\":\"test\"}', '{\"currency\":\"EUR\"}')";
    sqlx::query(reached).bind(position).execute(db).await.unwrap();
}

pub fn cart_created(id: u128) -> (String, &'static str, Value) {
    (format!("cart-{}", Uuid::from_u128(id)), "cart.created", json!({"currency": "EUR"}))
}

pub fn line_added(id: u128, sku: &str, quantity: u32) -> (String, &'static str, Value) {
    let line = json!({"sku": sku, "product_id": Uuid::from_u128(1), "title": "Tote",
                      "quantity": quantity, "unit_price": {"amount": "19.99", "currency": "EUR"}});
    (format!("cart-{}", Uuid::from_u128(id)), "cart.line_added", line)
}

/// A stream of server-sent events, behind its first words; after the event of that id.
pub async fn follow(shop: &Shop, mut request: Builder, last: Option<&str>) -> Body {
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = shop.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut body = response.into_body();
    assert!(frame(&mut body).await.unwrap().starts_with("retry: "));
    body
}

/// The next whole frame of server-sent events: the shell cuts what is long wherever it likes.
pub async fn frame(body: &mut Body) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\n\n") {
        let frame = timeout(SOON, body.frame()).await.expect("a frame in time")?;
        bytes.extend_from_slice(&frame.unwrap().into_data().unwrap());
    }
    Some(String::from_utf8(bytes).unwrap())
}
