//! Signing keys: made when one is needed, changed without a stop, sealed.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use domain::GuestId;
use identity::issuer::Issuer;
use identity::keys::{self, KeyError, SignatureAlgorithm};
use identity::master::Master;
use identity::token::{LIFE_MAX, Subject};
use service::config::Secret;
use sqlx::PgPool;
use uuid::Uuid;

use crate::tokens::{ISSUER, guard, is_refused, issuer, master, who};

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

/// A key that leaked is withdrawn, and those of another algorithm stay.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_key_signed_that_leaked_is_worth_nothing(db: PgPool) {
    let (issuer, now) = (issuer(&db), Utc::now());
    let of_rsa =
        Issuer::with_algorithm(db.clone(), master().into(), ISSUER, SignatureAlgorithm::Rs256);
    of_rsa.import(&rsa(3072)).await.unwrap();
    let (_, others) = of_rsa.guest(now).await.unwrap();
    let (_, before) = issuer.guest(now).await.unwrap();
    let id = issuer.rotate().await.unwrap();
    issuer.revoke_retired(id).await.unwrap();
    let (_, after) = issuer.guest(now).await.unwrap();
    is_refused(&guard(&db), &before.token, now).await;
    for token in [&others.token, &after.token] {
        assert!(who(&guard(&db), token, now).await.is_ok());
    }
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

/// An RSA key in PKCS #8, made elsewhere.
fn rsa(bits: u32) -> Vec<u8> {
    let script = format!(
        "const how = {{ type: 'pkcs8', format: 'pem' }}; \
         const made = {{ modulusLength: {bits}, privateKeyEncoding: how, \
                         publicKeyEncoding: {{ type: 'spki', format: 'pem' }} }}; \
         console.log(require('crypto').generateKeyPairSync('rsa', made).privateKey)"
    );
    let made = Command::new("node").args(["-e", &script]).output().expect("node runs");
    let pem = String::from_utf8(made.stdout).unwrap();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn who_reads_nothing_but_rsa_is_signed_for_with_an_imported_key(db: PgPool) {
    let (own, now) = (issuer(&db), Utc::now());
    let of_rsa =
        Issuer::with_algorithm(db.clone(), master().into(), ISSUER, SignatureAlgorithm::Rs256);
    let none = of_rsa.guest(now).await.unwrap_err();
    assert!(none.to_string().contains("import-signing-key"), "{none}");
    for worthless in [&b""[..], b"no key", &rsa(1024), &rsa(2048)] {
        assert!(matches!(of_rsa.import(worthless).await, Err(KeyError::NotRsa)));
    }
    let (_, before) = own.guest(now).await.unwrap();
    let first = of_rsa.import(&rsa(3072)).await.unwrap();
    let (_, signed) = of_rsa.guest(now).await.unwrap();
    let second = of_rsa.import(&rsa(3072)).await.unwrap();
    let (_, after) = of_rsa.guest(now).await.unwrap();
    // None of them ends what the others signed.
    let (_, still) = own.guest(now).await.unwrap();
    let guard = guard(&db);
    for token in [&before.token, &signed.token, &after.token, &still.token] {
        assert!(who(&guard, token, now).await.is_ok());
    }
    let published = keys::public(&db, now).await.unwrap();
    let named = |id: Uuid| published.iter().find(|key| key.id == id.to_string()).unwrap();
    for id in [first, second] {
        assert_eq!(
            (&named(id).jwk["kty"], &named(id).jwk["alg"]),
            (&"RSA".into(), &"RS256".into())
        );
        assert!(named(id).jwk.get("d").is_none());
    }
    assert_eq!(published.len(), 3);
    // One that is made here is none of those.
    assert!(matches!(of_rsa.rotate().await, Err(KeyError::NoRsaKey)));
    let sealed = "SELECT sealed FROM signing_keys WHERE id = $1";
    let sealed: Vec<u8> = sqlx::query_scalar(sealed).bind(first).fetch_one(&db).await.unwrap();
    assert!(sealed.len() > 1_000 && !sealed.windows(3).any(|it| it == [1, 0, 1]));
}
