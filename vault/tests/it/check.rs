//! Whether a process has the master key that its database is sealed under.

use std::sync::Arc;
use std::time::Duration;

use service::config::Secret;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vault::check::{at_start, check, finds};
use vault::index::WordIndex;
use vault::{DataSubject, Master};

use crate::vault;

fn ring(text: &str) -> Master {
    Master::read(&Secret::from(text)).unwrap()
}

/// What a process under these keys is told, if it may not start.
async fn refusal(db: &PgPool, keys: Option<&str>) -> Option<String> {
    check(db, keys.map(ring).as_ref()).await.err().map(|why| why.to_string())
}

const ANOTHER: &str = "MASTER_KEY is not the one that this database is sealed under";
const NEEDED: &str = "MASTER_KEY is needed: this database was run with one before";

#[sqlx::test(migrations = "../migrations")]
async fn another_key_than_the_first_is_refused_and_so_is_none(db: PgPool) {
    let (own, other) = (Master::generate(), Master::generate());
    assert_eq!(refusal(&db, None).await, None, "nothing is sealed yet");
    for _ in 0..2 {
        assert_eq!(refusal(&db, Some(&own)).await, None);
        assert_eq!(refusal(&db, Some(&other)).await.as_deref(), Some(ANOTHER));
        assert_eq!(refusal(&db, None).await.as_deref(), Some(NEEDED));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_sealed_before_there_was_a_check_is_looked_at(db: PgPool) {
    let (own, other) = (Master::generate(), Master::generate());
    vault(&db, &own).seal(DataSubject(Uuid::from_u128(1)), b"letters", b"Ann").await.unwrap();
    assert_eq!(refusal(&db, None).await.as_deref(), Some(NEEDED));
    assert_eq!(refusal(&db, Some(&other)).await.as_deref(), Some(ANOTHER));
    assert_eq!(refusal(&db, Some(&own)).await, None);
    assert_eq!(refusal(&db, Some(&other)).await.as_deref(), Some(ANOTHER));
}

#[sqlx::test(migrations = "../migrations")]
async fn another_key_takes_the_place_of_one(db: PgPool) {
    let (old, new) = (Master::generate(), Master::generate());
    let both = format!("{new},{old}");
    assert_eq!(refusal(&db, Some(&old)).await, None);
    assert_eq!(refusal(&db, Some(&both)).await, None);
    assert_eq!(refusal(&db, Some(&old)).await, None, "until all is sealed under the new one");
    vault::operations::reseal(&vault(&db, &both)).await.unwrap();
    assert_eq!(refusal(&db, Some(&old)).await.as_deref(), Some(ANOTHER));
    assert_eq!(refusal(&db, Some(&new)).await, None);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_process_that_starts_without_its_database_is_ended_once_it_is_there(db: PgPool) {
    let (own, other) = (Master::generate(), Master::generate());
    assert_eq!(refusal(&db, Some(&own)).await, None);
    // As a database that is not migrated yet, and one that does not answer.
    sqlx::query("ALTER TABLE vault_check RENAME TO away").execute(&db).await.unwrap();
    let start = async |keys: &str, stop: &CancellationToken| {
        at_start(&db, Some(Arc::new(ring(keys))), stop.clone()).await.map(tokio::spawn)
    };
    let stop = CancellationToken::new();
    let (wrong, right) = (start(&other, &stop).await.unwrap(), start(&own, &stop).await.unwrap());
    sqlx::query("ALTER TABLE away RENAME TO vault_check").execute(&db).await.unwrap();
    tokio::time::timeout(Duration::from_mins(1), wrong).await.unwrap().unwrap();
    assert!(!right.is_finished());
    assert_eq!(
        start(&other, &stop).await.err().map(|why| why.to_string()).as_deref(),
        Some(ANOTHER)
    );
    stop.cancel();
    right.await.unwrap();
}

/// Who finds people needs the key by which words about them are written now.
#[sqlx::test(migrations = "../migrations")]
async fn who_finds_by_another_key_is_told_so(db: PgPool) {
    let (old, new) = (Master::generate(), Master::generate());
    let found_by = async |keys: &str| {
        let told = Secret::from(ring(keys).index().told().as_str());
        finds(&db, &WordIndex::read(&told).unwrap()).await.unwrap()
    };
    assert!(found_by(&old).await, "nobody has said what words are written by");
    assert_eq!(refusal(&db, Some(&old)).await, None);
    assert_eq!((found_by(&old).await, found_by(&new).await), (true, false));
    let both = format!("{new},{old}");
    assert_eq!(refusal(&db, Some(&both)).await, None);
    assert_eq!((found_by(&both).await, found_by(&old).await), (true, false));
    vault::operations::reseal(&vault(&db, &both)).await.unwrap();
    assert_eq!((found_by(&new).await, found_by(&old).await), (true, false));
    assert_eq!(refusal(&db, Some(&old)).await.as_deref(), Some(ANOTHER));
    assert!(found_by(&new).await, "who was refused has said nothing");
    // As query-api, which sees nothing else there.
    let mut reader = db.acquire().await.unwrap();
    sqlx::query("SET ROLE commerce_reader").execute(&mut *reader).await.unwrap();
    assert!(finds(&mut *reader, ring(&new).index()).await.unwrap());
    let sealed = sqlx::query("SELECT sealed FROM vault_check").execute(&mut *reader).await;
    assert!(sealed.unwrap_err().to_string().contains("permission denied"));
    sqlx::query("RESET ROLE").execute(&mut *reader).await.unwrap();
}
