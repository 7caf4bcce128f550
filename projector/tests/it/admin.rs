//! What is done by hand, over HTTP: by whom, each with what it says, and what it is refused for.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use chrono::{TimeDelta, Utc};
use domain::{CustomerId, GuestId};
use http_body_util::BodyExt as _;
use identity::issuer::Issuer;
use identity::master::Master;
use identity::principal::Member;
use identity::token::Subject;
use identity::{Guard, Principal, Role};
use projector::admin;
use projector::admin::jobs::Jobs;
use projector::builds;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::rebuild::number;
use crate::search::Catalogue;
use crate::shop::{Shop, lease, project, projection};

const ISSUER: &str = "commerce";
static MASTER: LazyLock<String> = LazyLock::new(|| Master::generate().as_str().to_owned());

/// The routes, as a process has them.
pub struct Told {
    router: Router,
    issuer: Issuer,
    pub jobs: Arc<Jobs>,
    pub stop: CancellationToken,
    /// Of whoever keeps the programs running.
    pub ops: (Uuid, String),
}

pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
    location: Option<String>,
}

impl Told {
    pub async fn open(db: &PgPool) -> Self {
        let guard = Guard::new(None, false, Some((db.clone(), ISSUER.to_owned())));
        let stop = CancellationToken::new();
        let jobs = Arc::new(Jobs::new(Catalogue::new().meili, "test", stop.clone()));
        let office = admin::Office { db: db.clone(), jobs: Arc::clone(&jobs) };
        let router = service::http::shell(admin::router(office, &guard));
        let master = Master::read(&Secret::from(MASTER.as_str())).unwrap();
        let issuer = Issuer::new(db.clone(), master.into(), ISSUER);
        let id = Uuid::now_v7();
        let ops = (id, token(&issuer, Subject::Member(id, Role::Ops)).await);
        Self { router, issuer, jobs, stop, ops }
    }

    pub async fn ask(
        &self,
        (method, path): (Method, &str),
        token: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, token);
        }
        let request = match body {
            None => request.body(Body::empty()),
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
        };
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.status();
        let location = response.headers().get(header::LOCATION);
        let location = location.map(|path| path.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Answer { status, body, location }
    }

    pub async fn get(&self, path: &str) -> Value {
        let Answer { status, body, .. } = self.ask((Method::GET, path), &self.ops.1, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Has something done to carts.
    pub async fn post(&self, what: &str, body: Option<Value>) -> Answer {
        let path = format!("/admin/projections/carts/{what}");
        self.ask((Method::POST, &path), &self.ops.1, body).await
    }

    /// The same of what is done at once.
    async fn done(&self, what: &str, body: Option<Value>) -> Value {
        let Answer { status, body, .. } = self.post(what, body).await;
        assert_eq!(status, StatusCode::OK, "{what}: {body}");
        body
    }

    /// Has something refused: with which status and code.
    pub async fn refused(&self, what: &str, body: Option<Value>) -> (u16, String) {
        let Answer { status, body, .. } = self.post(what, body).await;
        assert_eq!(body["status"], status.as_u16(), "{body}");
        (status.as_u16(), body["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Has something begun, and waits for what comes of it.
    pub async fn carried_out(&self, what: &str, body: Option<Value>) -> Value {
        let Answer { status, body, location } = self.post(what, body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{what}: {body}");
        let path = location.expect("where to look");
        assert_eq!((&body["look_at"], &body["action"]), (&json!(path), &json!(what)));
        for _ in 0..600 {
            let seen = self.get(&path).await;
            if seen["under_way"].is_null() {
                assert_eq!(seen["last"]["action"], what, "{seen}");
                assert!(seen["last"]["ended_at"].is_string(), "{seen}");
                return seen["last"]["outcome"].clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what} has no end");
    }
}

async fn token(issuer: &Issuer, subject: Subject) -> String {
    let given = issuer.issue(subject, Utc::now(), TimeDelta::hours(1)).await;
    format!("Bearer {}", given.unwrap().token)
}

#[sqlx::test(migrations = "../migrations")]
async fn every_route_lets_in_whom_it_says_and_nobody_else(db: PgPool) {
    let office = Told::open(&db).await;
    let id = Uuid::now_v7();
    let mut everybody = vec![(Principal::Stranger, String::new())];
    for role in [Role::Staff, Role::Analyst, Role::Ops, Role::Service, Role::Owner] {
        let given = token(&office.issuer, Subject::Member(id, role)).await;
        everybody.push((Principal::Member(Member::Person(id), role), given));
    }
    for (principal, subject) in [
        (Principal::Enrolling(id), Subject::Enrolling(id)),
        (Principal::Guest(GuestId(id)), Subject::Guest(GuestId(id))),
        (Principal::Customer(CustomerId(id)), Subject::Customer(CustomerId(id))),
    ] {
        everybody.push((principal, token(&office.issuer, subject).await));
    }
    let mut let_in = 0;
    for (method, path, access) in admin::accesses() {
        // Whoever is let in finds nothing of that name.
        let path = path.replace("{name}", "nonsense");
        for (principal, token) in &everybody {
            let found =
                if path.contains("nonsense") { StatusCode::NOT_FOUND } else { StatusCode::OK };
            let wanted = match principal {
                _ if access.permits(*principal) => found,
                Principal::Stranger => StatusCode::UNAUTHORIZED,
                _ => StatusCode::FORBIDDEN,
            };
            let answer = office.ask((method.clone(), &path), token, None).await;
            assert_eq!(answer.status, wanted, "{method} {path} for {principal:?}: {}", answer.body);
            let_in += usize::from(wanted == found);
        }
    }
    assert_eq!(let_in, 2 * admin::accesses().count(), "ops and the owner");
    assert_eq!(number(&db, "SELECT count(*) FROM projection_actions").await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_done_at_once_says_what_came_of_it(db: PgPool) {
    let (shop, office) = (Shop::open(&db), Told::open(&db).await);
    let stream = format!("cart-{}", shop.cart().await);
    let at = shop.append_raw(&stream, 2, "cart.line_added", "{}").await;
    project(&db, "carts").await;
    let held = lease(&db, "carts", "worker").await.unwrap();

    let standing = office.get("/admin/projections").await;
    assert_eq!(
        (&standing[0]["projection"], &standing[0]["owner"]),
        (&json!("carts"), &json!("worker"))
    );
    let parked = office.get("/admin/parked?projection=carts").await;
    assert_eq!(parked["parked_streams"][0]["stream"], stream);
    assert_eq!(office.get("/admin/parked?projection=orders").await["parked_streams"], json!([]));

    let released = office.done("release", Some(json!({ "seconds": 60 }))).await;
    assert_eq!(released, json!({ "released_by": ["worker"] }));
    assert!(held.renew(&db).await.unwrap().is_err());
    assert_eq!(office.refused("release", None).await, (409, "held_by_nobody".to_owned()));
    let too_long = office.refused("release", Some(json!({ "seconds": 0 }))).await;
    assert_eq!(too_long, (400, "invalid_body".to_owned()));

    assert_eq!(office.done("pause", None).await, json!({ "paused": true, "changed": true }));
    assert_eq!(office.done("pause", Some(json!({}))).await["changed"], false);
    assert!(lease(&db, "carts", "other").await.is_none());
    assert_eq!(office.get("/admin/projections/carts").await["ranges"][0]["paused"], true);
    assert_eq!(office.done("resume", None).await, json!({ "paused": false, "changed": true }));

    let retried = office.done("retry", None).await;
    assert_eq!((&retried["released"], &retried["still_parked"]), (&json!(0), &json!(1)));
    assert_eq!(retried["still_parked_streams"][0]["stream"], stream);
    let other = office.refused("retry", Some(json!({ "stream": "cart-typo" }))).await;
    assert_eq!(other, (409, "not_parked".to_owned()));
    let skip = |position: i64, reason: &str| {
        Some(json!({ "stream": stream, "position": position, "reason": reason }))
    };
    assert_eq!(office.refused("skip", None).await, (400, "invalid_body".to_owned()));
    assert_eq!(office.refused("skip", skip(at, "")).await, (400, "invalid_body".to_owned()));
    assert_eq!(office.refused("skip", skip(99, "a test")).await, (404, "no_such_event".to_owned()));
    assert_eq!(office.refused("skip", skip(1, "a test")).await, (409, "not_skipped".to_owned()));
    assert_eq!(office.done("skip", skip(at, "a test")).await["released_streams"], json!([stream]));

    assert_eq!(office.refused("cancel", None).await, (409, "nothing_under_way".to_owned()));
    builds::create_next(&db, projection("carts"), "somebody").await.unwrap().unwrap();
    let called_off = office.done("cancel", None).await["called_off"].clone();
    assert_eq!(called_off, json!({ "build": 2, "kept": false }));

    // Who it was is in the token; what came of it is kept.
    let actions = office.get("/admin/actions?projection=carts").await;
    let by = format!("member:{}", office.ops.0.simple());
    assert!(actions.as_array().unwrap().iter().all(|it| it["by"] == by.as_str()), "{actions}");
    assert_eq!(
        (&actions[0]["action"], &actions[0]["outcome"]["called_off"]),
        (&json!("cancel"), &called_off)
    );
    let failed = actions.as_array().unwrap().iter().find(|it| it["outcome"]["error"].is_string());
    assert_eq!(failed.unwrap()["action"], "skip", "what was refused, too");
}

#[test]
fn the_committed_document_is_what_is_served() {
    let document = admin::described::document();
    let committed = include_str!("../../../docs/api/projector.openapi.json");
    let same = service::openapi::serve::text(&document) == committed;
    assert!(same, "docs/api is old: run `cargo xtask api` and commit the result");
    for (method, path, access) in admin::accesses() {
        let told = &document["paths"][path][method.as_str().to_lowercase()];
        assert_eq!(told["x-access"], access.name(), "{method} {path}");
    }
}
