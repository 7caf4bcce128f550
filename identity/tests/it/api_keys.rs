//! Keys of programs, from making to revoking.

use std::time::Duration;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use identity::api_keys::{ApiKeys, Made};
use identity::principal::Member;
use identity::{Guard, Principal, Role};
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::hanging::narrow;
use crate::tokens::{ISSUER, guard, is_refused, issuer, who};

async fn make(keys: &ApiKeys, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Made {
    let wanted = json!({"name": "the till", "role": "service", "expires_at": until});
    let wanted = serde_json::from_value(wanted).unwrap();
    keys.make(wanted, now).await.unwrap().expect("there is room")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_names_a_program(db: PgPool) {
    let (keys, guard, now) = (ApiKeys::new(db.clone()), guard(&db), Utc::now());
    let made = make(&keys, None, now).await;
    let program = Principal::Member(Member::Key(made.id), Role::Service);
    for _ in 0..2 {
        assert_eq!(who(&guard, &made.key, now).await.unwrap(), program);
    }
    assert_eq!(program.actor(), format!("key:{}", made.id.simple()));
    // That it was used is noted, sooner or later.
    let shown = loop {
        let shown = keys.list().await.unwrap().remove(0);
        if shown.last_used_at.is_some() {
            break shown;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!((shown.id, &*shown.name, &*shown.role), (made.id, "the till", "service"));
    assert!(made.key.starts_with(&shown.hint) && shown.hint.len() < 10);
    let mut cut = made.key.clone();
    cut.pop();
    for worthless in [&cut, &format!("{}x", made.key), "ck_", &made.key.to_lowercase()] {
        is_refused(&guard, worthless, now).await;
    }
    // Nobody who has the database has the key.
    let all = "SELECT string_agg(api_keys::text, ' ') FROM api_keys";
    let all: String = sqlx::query_scalar(all).fetch_one(&db).await.unwrap();
    assert!(!all.contains(&made.key[8..]), "{all}");
    assert!(!format!("{made:?}").contains(&made.key[8..]));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_runs_out_and_is_replaced(db: PgPool) {
    let (keys, now) = (ApiKeys::new(db.clone()), Utc::now());
    let hour = TimeDelta::hours(1);
    let short = make(&keys, Some(now + hour), now).await;
    let first = make(&keys, None, now).await;
    let second = keys.rotate(first.id, hour, now).await.unwrap().expect("it is there");
    assert_eq!(second.id, first.id);
    assert_ne!(second.key, first.key);
    // Remembered or not.
    let early = guard(&db);
    for guard in [&early, &early, &guard(&db)] {
        for key in [&short.key, &first.key, &second.key] {
            assert!(who(guard, key, now).await.is_ok());
        }
    }
    let later = now + hour + TimeDelta::seconds(1);
    for guard in [&early, &guard(&db)] {
        for key in [&short.key, &first.key] {
            let refused = who(guard, key, later).await.unwrap_err();
            assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        }
        assert!(who(guard, &second.key, later).await.is_ok());
    }
    // What has run out is not replaced, nor is what never was.
    assert!(keys.rotate(short.id, hour, later).await.unwrap().is_none());
    assert!(keys.rotate(uuid::Uuid::now_v7(), hour, now).await.unwrap().is_none());
    // One that leaked has no overlap.
    let third = keys.rotate(first.id, TimeDelta::zero(), now).await.unwrap().unwrap();
    let late = guard(&db);
    for (key, is_good) in [(&first.key, false), (&second.key, false), (&third.key, true)] {
        assert_eq!(who(&late, key, now).await.is_ok(), is_good);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_that_is_revoked_is_worth_nothing(db: PgPool) {
    let (keys, early, now) = (ApiKeys::new(db.clone()), guard(&db), Utc::now());
    let made = make(&keys, None, now).await;
    assert!(who(&early, &made.key, now).await.is_ok());
    assert!(keys.revoke(made.id, now).await.unwrap());
    assert!(!keys.revoke(uuid::Uuid::now_v7(), now).await.unwrap());
    is_refused(&guard(&db), &made.key, now).await;
    assert!(keys.rotate(made.id, TimeDelta::hours(1), now).await.unwrap().is_none());
    // Who remembers it forgets it.
    while who(&early, &made.key, now).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // It is shown for a while, and then goes when another is made.
    assert!(keys.list().await.unwrap()[0].revoked_at.is_some());
    let another = make(&keys, None, now + TimeDelta::days(91)).await;
    let left: Vec<_> = keys.list().await.unwrap().iter().map(|key| key.id).collect();
    assert_eq!(left, [another.id]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_that_is_known_waits_for_no_database(db: PgPool) {
    let (keys, now, narrow) = (ApiKeys::new(db.clone()), Utc::now(), narrow(&db).await);
    let (known, unknown) = (make(&keys, None, now).await, make(&keys, None, now).await);
    let guard = Guard::new(None, false, Some((narrow.clone(), ISSUER.to_owned())));
    assert!(who(&guard, &known.key, now).await.is_ok());
    // That it was used is noted by the same connection.
    let taken = narrow.acquire().await.unwrap();
    assert!(who(&guard, &known.key, now).await.is_ok());
    let refused = who(&guard, &unknown.key, now).await.expect_err("nobody can know it");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    drop(taken);
}

/// As query-api is connected.
#[sqlx::test(migrations = "../migrations")]
async fn a_reader_takes_keys_and_notes_their_use(db: PgPool) {
    let (keys, now) = (ApiKeys::new(db.clone()), Utc::now());
    let made = make(&keys, None, now).await;
    let (_, guest) = issuer(&db).guest(now).await.unwrap();
    let reader = PgPoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move {
            sqlx::query("SET ROLE commerce_reader").execute(connection).await.map(drop)
        })
    });
    let reader = reader.connect_with((*db.connect_options()).clone()).await.unwrap();
    let guard = Guard::new(None, false, Some((reader.clone(), ISSUER.to_owned())));
    assert!(who(&guard, &made.key, now).await.is_ok());
    assert!(who(&guard, &guest.token, now).await.is_ok());
    while keys.list().await.unwrap()[0].last_used_at.is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for none in [
        "UPDATE api_keys SET role = 'staff'",
        "DELETE FROM api_keys",
        "DELETE FROM voided_tokens",
        "SELECT FROM people",
        "SELECT FROM invitations",
        "SELECT FROM second_factors",
        "SELECT FROM recovery_codes",
    ] {
        assert!(sqlx::query(none).execute(&reader).await.is_err(), "{none}");
    }
}

#[test]
fn a_program_owns_nothing() {
    let wanted = |role: &str, name: &str| {
        let wanted = json!({"name": name, "role": role});
        serde_json::from_value::<identity::api_keys::Wanted>(wanted)
    };
    for role in ["staff", "analyst", "ops", "service"] {
        assert!(wanted(role, "till").is_ok(), "{role}");
    }
    for (role, name) in [
        ("owner", "till"),
        ("staff", ""),
        ("staff", "a\nb"),
        ("king", "till"),
        ("staff", "till 4242424242424242"),
    ] {
        assert!(wanted(role, name).is_err(), "{role} {name}");
    }
}
