//! What is done to the log by hand.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use async_nats::jetstream::stream::Config;
use clap::Parser;
use command_api::operations::{self, Adoption, Error};
use event_store::identity;
use service::config::Database;
use service::database::{MIGRATOR, PROGRAM};
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use uuid::Uuid;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    database: Database,
}

/// An upgrade can be taken back: the older build finds a schema that is ahead, and leaves it.
#[sqlx::test(migrations = "../migrations")]
async fn a_database_that_is_ahead_is_left_as_it_is(db: PgPool) {
    let url = db.connect_options().to_url_lossy();
    let Cli { database } = Cli::parse_from(["migrate", "--database-url", url.as_str()]);
    operations::migrate(&database).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations SELECT 9999, 'newer', now(), true, '', 0";
    sqlx::query(newer).execute(&db).await.unwrap();
    operations::migrate(&database).await.unwrap();
    let at: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(at, 9999);
}

/// Whoever holds a lock for longer than others may be kept is waited for, and nobody else behind
/// the migration meanwhile.
#[sqlx::test(migrations = false)]
async fn a_migration_waits_for_no_lock_for_long_and_tries_again(db: PgPool) {
    let first = MIGRATOR.iter().take(1).cloned().collect();
    Migrator::with_migrations(first).run(&db).await.unwrap();
    let mut holder = db.begin().await.unwrap();
    let hold = "LOCK TABLE events IN ACCESS EXCLUSIVE MODE";
    sqlx::query(hold).execute(&mut *holder).await.unwrap();
    let waits = async || {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                       AND application_name = 'commerce migrate' AND wait_event_type = 'Lock'";
        sqlx::query_scalar::<_, i64>(waiting).fetch_one(&db).await.unwrap() > 0
    };
    let hold_until_let_go = async {
        for is_awaited in [true, false] {
            while waits().await != is_awaited {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        holder.rollback().await.unwrap();
    };
    let url = db.connect_options().to_url_lossy();
    let Cli { database } = Cli::parse_from(["migrate", "--database-url", url.as_str()]);
    let (migrated, ()) = tokio::join!(operations::migrate(&database), hold_until_let_go);
    migrated.unwrap();
    assert_eq!(service::database::check(&db).await, Ok(()));
}

#[derive(Parser)]
struct How {
    #[command(flatten)]
    how: Adoption,
}

/// Whoever follows it by its old id would be cut off.
#[sqlx::test(migrations = "../migrations")]
async fn a_log_that_is_served_gets_another_id_only_on_purpose(db: PgPool) {
    let adopt = async |words: &[&str]| {
        let how = How::parse_from(["adopt"].iter().chain(words)).how;
        operations::adopt(&db, None, "nowhere", how).await
    };
    let log_id = async || identity::current(&db).await.unwrap().log_id;
    let first = log_id().await;
    let options = (*db.connect_options()).clone().application_name(PROGRAM);
    let program = PgConnection::connect_with(&options).await.unwrap();
    let refused = adopt(&[]).await.unwrap_err();
    assert!(matches!(refused, Error::Served { programs: 1 }), "{refused}");
    assert_eq!(log_id().await, first);
    adopt(&["--while-served"]).await.unwrap();
    let second = log_id().await;
    assert_ne!(second, first);
    program.close().await.unwrap();
    // Its process at the server may take a moment to end.
    while adopt(&[]).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_ne!(log_id().await, second);
}

/// Who hears no more of what is done breaks nothing off: a log with a new id whose stream still
/// carried the old one would be nobody's.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_done_by_hand_is_done_though_nobody_hears_of_it(db: PgPool) {
    let nats = harness::required("NATS_URL");
    let bus = async_nats::jetstream::new(async_nats::connect(&nats).await.unwrap());
    let name = format!("a{}", Uuid::now_v7().simple());
    let subjects = vec![format!("{name}.events.>")];
    let carries_another =
        Config { name: name.clone(), subjects, max_bytes: 1 << 20, ..Config::default() };
    bus.create_stream(carries_another).await.unwrap();
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.csv"));
    std::fs::write(&file, "Handle,Title,SKU,Price\nbag,Bag,BAG,20\n").unwrap();
    let file = file.to_str().unwrap();
    for arguments in [&["adopt"][..], &["import", "products", file], &["parked"]] {
        let mut unheard = Command::new(env!("CARGO_BIN_EXE_command-api"))
            .args(arguments)
            .env("DATABASE_URL", db.connect_options().to_url_lossy().as_str())
            .env("EVENT_STREAM", &name)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(unheard.stdout.take());
        let ended = unheard.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{arguments:?}: {said}");
    }
    std::fs::remove_file(file).unwrap();
    assert!(bus.get_stream(&name).await.is_err(), "its stream is the log's that it was");
}
