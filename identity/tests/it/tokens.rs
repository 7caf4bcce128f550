//! What a token is worth, to whom and for how long.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use chrono::{DateTime, TimeDelta, Utc};
use domain::{CustomerId, GuestId};
use identity::issuer::Issuer;
use identity::master::Master;
use identity::principal::Member;
use identity::token::{LIFE_MAX, Subject};
use identity::{Guard, Principal, Role};
use service::Problem;
use service::config::Secret;
use sqlx::PgPool;
use uuid::Uuid;

pub const ISSUER: &str = "https://shop.example";

pub fn master() -> Master {
    Master::read(&Secret::from("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")).unwrap()
}

pub fn issuer(db: &PgPool) -> Issuer {
    Issuer::new(db.clone(), master().into(), ISSUER)
}

pub fn guard(db: &PgPool) -> Guard {
    Guard::new(None, false, Some((db.clone(), ISSUER.to_owned())))
}

pub fn with(token: &str) -> HeaderMap {
    let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
    HeaderMap::from_iter([(header::AUTHORIZATION, value)])
}

pub async fn who(guard: &Guard, token: &str, at: DateTime<Utc>) -> Result<Principal, Problem> {
    guard.principal(&with(token), at).await
}

/// Refused as worth nothing, without a word about why that helps to make a better one.
pub async fn is_refused(guard: &Guard, token: &str, at: DateTime<Utc>) {
    let refused = who(guard, token, at).await.expect_err(token);
    assert_eq!((refused.status(), refused.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_names_whom_it_was_made_for(db: PgPool) {
    let (issuer, guard, now) = (issuer(&db), guard(&db), Utc::now());
    let id = Uuid::now_v7();
    let roles = [Role::Staff, Role::Analyst, Role::Ops, Role::Service, Role::Owner];
    let members =
        roles.map(|role| (Subject::Member(id, role), Principal::Member(Member::Person(id), role)));
    let shoppers = [
        (Subject::Guest(GuestId(id)), Principal::Guest(GuestId(id))),
        (Subject::Customer(CustomerId(id)), Principal::Customer(CustomerId(id))),
    ];
    for (subject, principal) in members.into_iter().chain(shoppers) {
        let given = issuer.issue(subject, now, TimeDelta::hours(1)).await.unwrap();
        // The second time it is remembered.
        for _ in 0..2 {
            assert_eq!(who(&guard, &given.token, now).await.unwrap(), principal);
        }
    }
    // Nobody is somebody else's guest.
    let (one, _) = issuer.guest(now).await.unwrap();
    let (other, _) = issuer.guest(now).await.unwrap();
    assert_ne!(one, other);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_token_runs_out(db: PgPool) {
    let (issuer, guard, now) = (issuer(&db), guard(&db), Utc::now());
    let subject = Subject::Guest(GuestId(Uuid::now_v7()));
    let given = issuer.issue(subject, now, TimeDelta::hours(1)).await.unwrap();
    let (token, hour) = (&given.token, TimeDelta::hours(1));
    assert!(who(&guard, token, now + hour - TimeDelta::seconds(2)).await.is_ok());
    // Remembered or not.
    for guard in [guard, self::guard(&db)] {
        let refused = who(&guard, token, now + hour + TimeDelta::seconds(6)).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        assert!(serde_json::to_string(&refused).unwrap().contains("run out"));
    }
    is_refused(&self::guard(&db), token, now - TimeDelta::minutes(1)).await;
    let longest = issuer.issue(subject, now, TimeDelta::days(9_999)).await.unwrap();
    assert_eq!(longest.expires_at, now + LIFE_MAX);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_says_nothing_is_a_stranger_or_the_owner(db: PgPool) {
    let (now, nothing) = (Utc::now(), HeaderMap::new());
    let asked = guard(&db).principal(&nothing, now).await.unwrap();
    assert_eq!(asked, Principal::Stranger);
    let open = Guard::new(None, true, Some((db.clone(), ISSUER.to_owned())));
    assert_eq!(open.principal(&nothing, now).await.unwrap(), Principal::ANYONE);
    // Who says who they are is that, also where nobody is asked.
    let (guest, given) = issuer(&db).guest(now).await.unwrap();
    assert_eq!(who(&open, &given.token, now).await.unwrap(), Principal::Guest(guest));
    is_refused(&open, "nonsense", now).await;
    // Another scheme says nothing to us.
    let basic = HeaderValue::from_static("Basic c3RhZ2luZzpzdGFnaW5n");
    let basic = HeaderMap::from_iter([(header::AUTHORIZATION, basic)]);
    assert_eq!(guard(&db).principal(&basic, now).await.unwrap(), Principal::Stranger);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_services_own_token_is_the_owners(db: PgPool) {
    let now = Utc::now();
    let with_token = |token: &str| {
        let secret = Secret::from(token);
        Guard::new(Some(&secret), false, Some((db.clone(), ISSUER.to_owned())))
    };
    let (one, other) = (with_token("s3cret"), with_token("an0ther"));
    let of_one = who(&one, "s3cret", now).await.unwrap();
    assert!(matches!(of_one, Principal::Member(Member::Token(_), Role::Owner)));
    assert_ne!(who(&other, "an0ther", now).await.unwrap(), of_one);
    assert!(!of_one.key("k").contains("s3cret") && of_one.actor().starts_with("client:"));
    for wrong in ["", "s3cre", "s3cret1", "an0ther"] {
        is_refused(&one, wrong, now).await;
    }
    let (guest, given) = issuer(&db).guest(now).await.unwrap();
    assert_eq!(who(&one, &given.token, now).await.unwrap(), Principal::Guest(guest));
}
