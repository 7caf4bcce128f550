//! A shop that asks everybody who they are and gives tokens out, and that knows people where it is
//! to.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use command_api::{App, router};
use event_store::{Writer, writer};
use identity::issuer::Issuer;
use identity::people::People;
use identity::routes::{Desk, Identity};
use identity::token::Subject;
use identity::{Guard, Role};
use mail::Post;
use serde_json::Value;
use service::config::Secret;
use service::health::Health;
use sqlx::PgPool;
use uuid::Uuid;
use vault::{Master, Vault};

use crate::shop::{Answer, Ask, Shop, post};
use crate::webhooks::of_stripe;

const ISSUER: &str = "https://shop.example";

/// See above.
pub struct Known {
    pub shop: Shop,
    pub vault: Vault,
    issuer: Issuer,
}

/// What a shop does besides.
#[derive(Clone, Copy, Default)]
struct Does {
    /// Puts away what commands say of people.
    keeps: bool,
    /// Has its staff show a second factor.
    second_factor: bool,
}

impl Known {
    /// One that keeps what commands say of people.
    pub fn open(db: &PgPool) -> Self {
        Self::with(db, |_| None)
    }

    /// One that also writes to them.
    pub fn with(db: &PgPool, post: impl FnOnce(&Vault) -> Option<Post>) -> Self {
        Self::doing(db, Does { keeps: true, ..Does::default() }, post)
    }

    /// One that only asks everybody who they are.
    pub fn asking(db: &PgPool) -> Self {
        Self::doing(db, Does::default(), |_| None)
    }

    /// The same, where staff have to have a second factor.
    pub fn asking_twice(db: &PgPool) -> Self {
        Self::doing(db, Does { second_factor: true, ..Does::default() }, |_| None)
    }

    fn doing(db: &PgPool, does: Does, post: impl FnOnce(&Vault) -> Option<Post>) -> Self {
        let master = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
        let master = Arc::new(master);
        let issuer = Issuer::new(db.clone(), master.clone(), ISSUER);
        let people = People::new(db.clone(), master);
        let vault = people.vault().clone();
        let people = people.with_second_factor_of_staff(does.second_factor);
        let people = people.with_post(post(&vault));
        let guard = Guard::new(None, false, Some((db.clone(), ISSUER.to_owned())));
        let (writer, _) = Writer::start(db, writer::Settings::default());
        let app = App::new(writer.clone(), TimeDelta::minutes(15)).with_webhooks(of_stripe(db));
        let app = app.with_vault(does.keeps.then(|| vault.clone()));
        let desk = Desk { issuer: issuer.clone(), people };
        let identity = Identity { db: db.clone(), desk: Some(desk), beyond: command_api::BEYOND };
        let beside =
            identity::routes::router(identity, &guard).merge(webhook::routes::router(None, &guard));
        let router = router(&app, &guard, &Health::new(), beside);
        Self { shop: Shop { router, writer, db: db.clone() }, vault, issuer }
    }

    pub async fn token(&self, subject: Subject) -> String {
        let given = self.issuer.issue(subject, Utc::now(), TimeDelta::hours(1)).await;
        given.unwrap().token
    }

    pub async fn member(&self, role: Role) -> String {
        self.token(Subject::Member(Uuid::now_v7(), role)).await
    }

    pub async fn guest(&self) -> (String, String) {
        let welcome = self.shop.done(post("/v1/guests", &Value::Null)).await;
        assert_eq!(welcome.status, StatusCode::CREATED);
        assert_eq!(welcome.header("cache-control"), Some("no-store"));
        let of = |name: &str| welcome.body[name].as_str().unwrap().to_owned();
        (of("guest_id"), of("token"))
    }

    pub async fn send(&self, token: &str, ask: Ask) -> Answer {
        self.shop.send(ask.with("authorization", format!("Bearer {token}"))).await
    }

    pub async fn done(&self, token: &str, ask: Ask) -> Answer {
        let answer = self.send(token, ask).await;
        assert!(answer.status.is_success(), "{answer:?}");
        answer
    }
}
