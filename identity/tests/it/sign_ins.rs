//! The log of sign-ins is bounded: for each person, and in time.

use chrono::{TimeDelta, Utc};
use identity::people::sign_ins::What;
use service::paging::Limit;
use sqlx::PgPool;
use uuid::Uuid;

use crate::people::{email, people};

/// The first page, of a hundred.
const FIRST: (Option<i64>, Limit) = (None, Limit::most(100));

#[sqlx::test(migrations = "../migrations")]
async fn who_is_locked_out_is_told_once(db: PgPool) {
    let people = people(&db);
    let (id, now) = (Uuid::now_v7(), Utc::now());
    for minutes in [0, 1, 14, 15, 16] {
        people.note(id, What::LockedOut, None, now + TimeDelta::minutes(minutes)).await;
    }
    let log = people.sign_ins_of(id, FIRST, now).await.unwrap();
    assert_eq!(log.len(), 2, "{log:?}");
    // Somebody else is somebody else, and so is whoever has an e-mail that nobody has.
    people.note(Uuid::now_v7(), What::LockedOut, None, now).await;
    people.note_of(&email("ann@shop.example"), What::LockedOut, None, now).await;
    let all = people.sign_ins(FIRST, now).await.unwrap();
    assert_eq!((all.len(), all[0].person_id), (4, None));
}

#[sqlx::test(migrations = "../migrations")]
async fn of_each_the_latest_are_known(db: PgPool) {
    let people = people(&db);
    let (id, now) = (Uuid::now_v7(), Utc::now());
    let fill = "INSERT INTO sign_ins (person_id, happened_at, what)
                SELECT $1, now(), 'failed' FROM generate_series(1, 1005)";
    sqlx::query(fill).bind(id).execute(&db).await.unwrap();
    for _ in 0..3 {
        people.note(id, What::SignedIn, None, now).await;
    }
    let count = "SELECT count(*) FROM sign_ins";
    let left: i64 = sqlx::query_scalar(count).fetch_one(&db).await.unwrap();
    assert_eq!(left, 1_000);
    let page = people.sign_ins_of(id, FIRST, now).await.unwrap();
    assert_eq!((page.len(), page[0].what.as_str()), (101, "signed_in"));
    // What is old goes as others come.
    let old = "UPDATE sign_ins SET happened_at = $1 WHERE what = 'failed'";
    sqlx::query(old).bind(now - TimeDelta::days(91)).execute(&db).await.unwrap();
    assert_eq!(people.sign_ins_of(id, FIRST, now).await.unwrap().len(), 3);
    people.note(id, What::SignedIn, None, now).await;
    let left: i64 = sqlx::query_scalar(count).fetch_one(&db).await.unwrap();
    assert!(left < 1_000, "{left}");
}
