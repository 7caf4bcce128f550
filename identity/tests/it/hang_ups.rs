//! Callers who hang up in the middle of a change: no connection is left in a transaction, in which
//! what others write on it afterwards would be lost.

use std::time::Duration;

use chrono::{DateTime, Utc};
use identity::Role;
use identity::people::People;
use kit::poll_times;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::time::{sleep, timeout};
use uuid::Uuid;
use vault::DataSubject;

use crate::people::{RIGHT, email, password, people};

/// Polls after which each of these is done.
const POLLS: usize = 24;
/// What a machine that is busy needs at the most.
const SOON: Duration = Duration::from_mins(1);

async fn no_transaction_stays_open(db: &PgPool, what: &str) {
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    let none = async {
        // What goes on after a caller has hung up may have one open for a moment.
        while sqlx::query_scalar::<_, i64>(open).fetch_one(db).await.unwrap() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(SOON, none).await.is_ok(), "after {what} a transaction stays open");
}

async fn change(people: &People, what: &str, id: Uuid, now: DateTime<Utc>) {
    match what {
        "a role" => drop(people.set_role(id, Role::Ops, now).await),
        "disabling" => drop(people.set_disabled(id, true, now).await),
        "enabling" => drop(people.set_disabled(id, false, now).await),
        "sending away" => drop(people.send_away(id, now).await),
        "erasing" => drop(people.vault().erase(DataSubject(id), now).await),
        _ => drop(people.forget(id, now).await),
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn dropped_at_any_moment_a_change_leaves_no_transaction(db: PgPool) {
    // One connection, so that who comes next has the one that was left.
    let one = PgPoolOptions::new().max_connections(1);
    let one = one.connect_with((*db.connect_options()).clone()).await.unwrap();
    let theirs = people(&one);
    let eve = email("eve@shop.example");
    let clerk = theirs.register(&eve, password(RIGHT), Some(Role::Staff));
    let clerk = clerk.await.unwrap().unwrap();
    for what in ["a role", "disabling", "enabling", "sending away", "erasing", "forgetting"] {
        for times in 1..=POLLS {
            let now = Utc::now();
            let id = if what == "forgetting" { Uuid::now_v7() } else { clerk };
            poll_times(times, change(&theirs, what, id, now)).await;
            // Somebody else's write, on that connection.
            let at = DateTime::from_timestamp(times as i64, 0).unwrap();
            let write = sqlx::query("UPDATE people SET created_at = $1").bind(at);
            write.execute(&one).await.unwrap();
            let written = sqlx::query_scalar::<_, DateTime<Utc>>("SELECT created_at FROM people");
            assert_eq!(written.fetch_one(&db).await.unwrap(), at, "after {what}");
            no_transaction_stays_open(&db, what).await;
        }
    }
}

/// Who hangs up is forgotten all the same.
#[sqlx::test(migrations = "../migrations")]
async fn who_is_to_be_forgotten_is(db: PgPool) {
    let people = people(&db);
    let id = crate::people::ann(&people).await;
    poll_times(1, change(&people, "forgetting", id, Utc::now())).await;
    let gone = async {
        while people.account(id).await.unwrap().is_some() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(SOON, gone).await.expect("they are forgotten");
}
