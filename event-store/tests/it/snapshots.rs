//! Snapshots: used where they are right, and never needed.

use std::time::Duration;

use domain::Command;
use domain::command::stock;
use event_store::{Outcome, Writer};
use sqlx::PgPool;

use crate::support::{accept, code, on_sale, receive, request, writer};

/// A long stream, and the snapshot that was taken of it.
async fn long_stream(db: &PgPool) -> Writer {
    let writer = writer(db);
    on_sale(&writer, "TOTE", 0).await;
    for _ in 0..6 {
        let receipts = (0..100).map(|_| accept(&writer, receive("TOTE")));
        futures::future::join_all(receipts).await;
    }
    for _ in 0..100 {
        let taken: Option<i64> =
            sqlx::query_scalar("SELECT version FROM snapshots").fetch_optional(db).await.unwrap();
        if taken.is_some_and(|version| version >= 256) {
            return writer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no snapshot was taken");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_long_stream_is_loaded_from_its_snapshot(db: PgPool) {
    long_stream(&db).await;
    let answer = accept(&writer(&db), receive("TOTE")).await;
    assert_eq!(answer.outcome, Outcome::Accepted { id: "TOTE".into(), version: 601 });
    // That it is the snapshot which is read shows when it tells a lie.
    let lie = r#"UPDATE snapshots SET version = 601, state = '{"Stock":{"levels":{},"holds":{},
        "reservations":0,"backorder_max":0,"threshold":null,"low":false}}'"#;
    sqlx::query(lie).execute(&db).await.unwrap();
    let lied_to = writer(&db);
    let take = stock::Command::Adjust {
        location: "main".parse().unwrap(),
        delta: -1,
        reason: "shrinkage".to_owned().try_into().unwrap(),
    };
    let refused = lied_to.submit(request(Command::Stock("TOTE".parse().unwrap(), take))).await;
    assert_ne!(code(&refused.unwrap()), "accepted");
}

/// Nothing depends on snapshots: gone, of another schema or unreadable, the log is read.
#[sqlx::test(migrations = "../migrations")]
async fn without_a_usable_snapshot_the_log_is_read(db: PgPool) {
    long_stream(&db).await;
    let spoilt = [
        "UPDATE snapshots SET schema = schema - 1, version = 5",
        "UPDATE snapshots SET schema = schema + 1, state = '{}', version = 5",
        "DELETE FROM snapshots",
    ];
    for (version, spoil) in (601..).zip(spoilt) {
        sqlx::query(spoil).execute(&db).await.unwrap();
        let answer = accept(&writer(&db), receive("TOTE")).await;
        assert_eq!(answer.outcome, Outcome::Accepted { id: "TOTE".into(), version });
    }
}
