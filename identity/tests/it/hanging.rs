//! A Postgres that hangs: who is known goes on, who is not is told to come back.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use futures::FutureExt as _;
use identity::Guard;
use identity::token::Subject;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::tokens::{ISSUER, guard, is_refused, issuer, who};

/// A pool of one connection that never gives up waiting for it.
pub async fn narrow(db: &PgPool) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(Duration::from_hours(1));
    pool.connect_with((*db.connect_options()).clone()).await.unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn whose_key_is_known_waits_for_no_database(db: PgPool) {
    let (issuer, narrow, now) = (issuer(&db), narrow(&db).await, Utc::now());
    let guard = Guard::new(None, false, Some((narrow.clone(), ISSUER.to_owned())));
    let (_, remembered) = issuer.guest(now).await.unwrap();
    assert!(who(&guard, &remembered.token, now).await.is_ok());
    let (_, another) = issuer.guest(now).await.unwrap();
    issuer.rotate().await.unwrap();
    let (_, unknown) = issuer.guest(now).await.unwrap();

    let taken = narrow.acquire().await.unwrap();
    // It has the keys read anew, which hangs.
    let mut waits = Box::pin(who(&guard, &unknown.token, now));
    assert!(waits.as_mut().now_or_never().is_none());
    // Whether such a token was seen before or not.
    for token in [&remembered.token, &another.token] {
        assert!(who(&guard, token, now).await.is_ok());
    }
    let refused = waits.await.expect_err("nobody can know it");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(who(&guard, &another.token, now).await.is_ok());
    drop(taken);
    // Until it is read again, which takes as long as it takes.
    while who(&guard, &unknown.token, now).await.is_err() {}
}

/// What the first key signed is worth nothing once that is known to be gone.
#[sqlx::test(migrations = "../migrations")]
async fn what_was_remembered_goes_with_its_key(db: PgPool) {
    let (issuer, guard, now) = (issuer(&db), guard(&db), Utc::now());
    let subject = Subject::Guest(domain::GuestId(Uuid::now_v7()));
    let given = issuer.issue(subject, now, TimeDelta::hours(1)).await.unwrap();
    assert!(who(&guard, &given.token, now).await.is_ok());
    let old = "DELETE FROM signing_keys";
    sqlx::query(old).execute(&db).await.unwrap();
    issuer.rotate().await.unwrap();
    let (_, after) = issuer.guest(now).await.unwrap();
    // Whoever comes with a key that is not known has all of them read.
    assert!(who(&guard, &after.token, now).await.is_ok());
    is_refused(&guard, &given.token, now).await;
}
