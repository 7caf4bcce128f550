//! Signing keys: made when one is needed, changed without a stop, sealed.

use chrono::{TimeDelta, Utc};
use domain::GuestId;
use identity::issuer::Issuer;
use identity::keys;
use identity::master::Master;
use identity::token::{LIFE_MAX, Subject};
use service::config::Secret;
use sqlx::PgPool;
use uuid::Uuid;

use crate::tokens::{ISSUER, guard, is_refused, issuer, who};

#[sqlx::test(migrations = "../migrations")]
async fn a_new_key_signs_and_the_old_one_verifies(db: PgPool) {
    let (issuer, now) = (issuer(&db), Utc::now());
    let (guest, before) = issuer.guest(now).await.unwrap();
    // A verifier that has read the keys already.
    let early = guard(&db);
    assert!(who(&early, &before.token, now).await.is_ok());
    issuer.rotate().await.unwrap();
    let (next, after) = issuer.guest(now).await.unwrap();
    assert_ne!(guest, next);
    let published = keys::public(&db, now).await.unwrap();
    assert_eq!(published.len(), 2);
    let late = guard(&db);
    for token in [&before.token, &after.token] {
        assert!(who(&late, token, now).await.is_ok());
    }
    // It looks up what it does not know.
    for token in [&before.token, &after.token] {
        assert!(who(&early, token, now).await.is_ok());
    }
    // When all that it signed has run out, an old key is no longer published.
    let later = now + LIFE_MAX + TimeDelta::hours(1);
    assert_eq!(keys::public(&db, later).await.unwrap().len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn many_that_begin_at_once_sign_what_all_can_read(db: PgPool) {
    let (now, guard) = (Utc::now(), guard(&db));
    let given = futures::future::join_all((0..8).map(async |_| issuer(&db).guest(now).await));
    for given in given.await {
        let (_, given) = given.unwrap();
        assert!(who(&guard, &given.token, now).await.is_ok());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn who_has_the_database_has_no_key(db: PgPool) {
    let now = Utc::now();
    issuer(&db).guest(now).await.unwrap();
    let other = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
    let subject = Subject::Guest(GuestId(Uuid::now_v7()));
    let thief = Issuer::new(db.clone(), other.into(), ISSUER);
    let refused = thief.issue(subject, now, TimeDelta::hours(1)).await.unwrap_err();
    assert!(refused.to_string().contains("not sealed under this master key"), "{refused}");
    // A key put there by hand does not open either, and what it is told to be it is not.
    let moved = "UPDATE signing_keys SET sealed = sealed || '\\x00'";
    sqlx::query(moved).execute(&db).await.unwrap();
    assert!(issuer(&db).guest(now).await.is_err());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_key_signed_that_was_taken_away_is_worth_nothing(db: PgPool) {
    let (now, guard) = (Utc::now(), guard(&db));
    let (_, given) = issuer(&db).guest(now).await.unwrap();
    sqlx::query("DELETE FROM signing_keys").execute(&db).await.unwrap();
    is_refused(&guard, &given.token, now).await;
}
