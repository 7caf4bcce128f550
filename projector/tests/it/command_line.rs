//! The program as those who look after it use it.

use std::process::Stdio;

use indicatif::ProgressBar;
use kit_log::eventually;
use projector::building::error::RebuildError;
use projector::building::rebuild::{rebuild, verify};
use projector::checkpoint::{self, LEASE};
use projector::working::fold::BatchError;
use projector::{builds, status};
use serde_json::Value;
use sqlx::{ConnectOptions, PgPool};
use tokio::process::Command;

use crate::shop::{Shop, documents, fold, lease, project, projection, worker_of};

fn projector(db: &PgPool, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_projector"));
    command.args(arguments).env("DATABASE_URL", db.connect_options().to_url_lossy().as_str());
    command.kill_on_drop(true);
    command
}

/// Its exit code and what it printed.
pub async fn run(db: &PgPool, arguments: &[&str]) -> (i32, String) {
    let output = projector(db, arguments).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), printed)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_parked_is_listed_retried_and_skipped(db: PgPool) {
    let shop = Shop::open(&db);
    assert_eq!(run(&db, &["parked"]).await, (0, "nothing is parked\n".to_owned()));
    let stream = format!("cart-{}", shop.cart().await);
    let at = shop.append_raw(&stream, 2, "cart.line_added", "{}").await;
    for name in ["carts", "orders"] {
        project(&db, name).await;
    }

    let (code, printed) = run(&db, &["parked", "carts"]).await;
    assert_eq!((code, printed.lines().count()), (0, 1), "{printed}");
    assert!(
        printed.starts_with(&format!("carts {stream} at {at} (version 2) since ")),
        "{printed}"
    );
    let (code, printed) = run(&db, &["retry", "carts", "--stream", "cart-typo"]).await;
    assert_eq!((code, printed.as_str()), (1, "cart-typo is not parked in carts\n"));
    let (code, printed) = run(&db, &["retry", "carts", "--stream", &stream]).await;
    assert_eq!(code, 1, "{printed}");
    assert!(printed.starts_with(&format!("still parked: {stream}: ")), "{printed}");

    // What is parked was not compared; the rest is as it should be.
    let (code, printed) = run(&db, &["verify", "carts"]).await;
    assert_eq!(code, 3, "{printed}");
    assert!(printed.contains("0 differences"), "{printed}");
    assert!(printed.contains("streams parked: 1"), "{printed}");
    assert_eq!(run(&db, &["verify", "orders"]).await.0, 0);

    let position = at.to_string();
    let skip =
        ["skip", "carts", "--stream", &stream, "--position", &position, "--reason", "a test"];
    let (code, printed) = run(&db, &skip).await;
    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains(&format!("released {stream}")), "{printed}");
    let (_, printed) = run(&db, &["parked"]).await;
    assert!(printed.contains("skipped since") && printed.contains("a test"), "{printed}");
    assert_eq!(run(&db, &["verify", "carts"]).await.0, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_being_rebuilt_is_left_out_of_a_verification(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    for projection in projector::projections::ALL {
        project(&db, projection.name).await;
    }
    let carts = projection("carts");
    builds::create_next(&db, carts, "somebody").await.unwrap().unwrap();
    let busy = verify(&db, carts, "test", &ProgressBar::hidden()).await;
    assert!(matches!(&busy, Err(RebuildError::Busy { maker: Some(maker) })
        if maker.owner == "somebody" && maker.build == 2));
    let (code, printed) = run(&db, &["verify"]).await;
    assert_eq!(code, 4, "{printed}");
    let others = projector::projections::ALL.len() - 1;
    assert_eq!(printed.matches("0 differences").count(), others, "the others were: {printed}");
    let last = printed.lines().last().unwrap();
    assert!(last.starts_with("carts: not verified") && last.contains("build 2 by somebody"));

    let (_, table) = run(&db, &["status"]).await;
    assert!(table.contains("carts: build 2 is being made by somebody"), "{table}");
    sqlx::query("UPDATE projection_slots SET lease_until = now() - interval '1 s'")
        .execute(&db)
        .await
        .unwrap();
    let (_, table) = run(&db, &["status"]).await;
    assert!(table.contains("carts: build 2 was abandoned"), "{table}");
}

#[sqlx::test(migrations = "../migrations")]
async fn it_says_where_things_stand_to_programs_too(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    for name in ["carts", "orders"] {
        project(&db, name).await;
    }
    let held = lease(&db, "carts", "first").await.unwrap();
    let (code, printed) = run(&db, &["status", "--json"]).await;
    let list: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!((code, list.as_array().unwrap().len()), (0, 2));
    assert_eq!(list[0]["projection"], "carts");
    assert_eq!((&list[0]["position"], &list[0]["owner"]), (&1.into(), &"first".into()));
    assert_eq!(list[0]["trouble"], Value::Null);
    assert_eq!(list[1]["trouble"], "nobody works on it");

    let (code, printed) = run(&db, &["release", "carts", "--for", "60"]).await;
    assert_eq!((code, printed.contains("released by first")), (0, true), "{printed}");
    assert!(held.renew(&db).await.unwrap().is_err());
    assert!(lease(&db, "carts", "first").await.is_none());
    assert_eq!(run(&db, &["release", "carts"]).await.0, 1, "nobody holds it");
    let (code, printed) = run(&db, &["--version"]).await;
    assert_eq!((code, printed.starts_with("projector ")), (0, true));
}

/// Whoever reads its output may go before it is all written.
#[sqlx::test(migrations = "../migrations")]
async fn a_closed_pipe_is_no_accident(db: PgPool) {
    let mut child =
        projector(&db, &["status"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !said.contains("panicked"), "{said}");
}

#[sqlx::test(migrations = "../migrations")]
async fn programs_are_told_what_is_parked_and_what_differs(db: PgPool) {
    let shop = Shop::open(&db);
    let stream = format!("cart-{}", shop.cart().await);
    let at = shop.append_raw(&stream, 2, "cart.line_added", "{}").await;
    project(&db, "carts").await;
    let (code, printed) = run(&db, &["parked", "carts", "--json"]).await;
    let parked: Value = serde_json::from_str(&printed).unwrap();
    let told = &parked["parked_streams"][0];
    assert_eq!((code, told["stream"].as_str()), (0, Some(&*stream)), "{printed}");
    assert_eq!((&told["position"], &told["version"]), (&at.into(), &2.into()), "{printed}");
    assert_eq!(parked["skipped_events"].as_array().map(Vec::len), Some(0), "{printed}");
    let (code, printed) = run(&db, &["verify", "carts", "--json"]).await;
    let verified: Value = serde_json::from_str(&printed).unwrap();
    let told = &verified[0];
    assert_eq!((code, &told["projection"], &told["verified"]), (3, &"carts".into(), &true.into()));
    assert_eq!(told["differences"].as_array().map(Vec::len), Some(0), "{printed}");
    assert_eq!(told["parked_streams"]["read"], 1, "{printed}");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_paused_stands_still_until_it_is_resumed(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let (working, stop) = worker_of(&db, "carts", "worker");
    eventually("the cart is seen", async || documents(&db, "carts").await.len() == 1).await;
    let (code, printed) = run(&db, &["pause", "carts", "--by", "ann"]).await;
    assert_eq!((code, printed.contains("carts: paused;")), (0, true), "{printed}");
    shop.cart().await;
    let statuses = async || status::statuses(&db, &[projection("carts")]).await.unwrap();
    eventually("nobody has it", async || statuses().await[0].owner.is_none()).await;
    // Once the worker has asked for it again.
    let asked = "SELECT count(*) FROM projection_members WHERE projection = 'carts'
                 AND seen_until > clock_timestamp()";
    let asked = async || sqlx::query_scalar::<_, i64>(asked).fetch_one(&db).await.unwrap() == 1;
    eventually("it stands by", asked).await;
    assert_eq!(documents(&db, "carts").await.len(), 1);
    let said = status::check(&db, projection("carts")).await.unwrap_err();
    assert!(said.contains("it is paused"), "{said}");
    // It is made anew all the same.
    let carts = projection("carts");
    rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
    assert_eq!(documents(&db, "carts").await.len(), 2);
    shop.cart().await;

    let (_, printed) = run(&db, &["resume", "carts", "--by", "ben"]).await;
    assert!(printed.contains("carts: goes on"), "{printed}");
    eventually("all are seen", async || documents(&db, "carts").await.len() == 3).await;
    stop.cancel();
    working.await.unwrap();
    let (_, printed) = run(&db, &["actions", "--json"]).await;
    let actions: Value = serde_json::from_str(&printed).unwrap();
    let told: Vec<_> =
        actions.as_array().unwrap().iter().map(|it| (&it["action"], &it["by"])).collect();
    assert_eq!(told, [(&"resume".into(), &"ben".into()), (&"pause".into(), &"ann".into())]);
}

/// Whoever is at a build that is called off writes nothing more, and the next one begins at once.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_being_made_can_be_called_off(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    let carts = projection("carts");
    project(&db, "carts").await;
    assert_eq!(run(&db, &["cancel", "carts"]).await.0, 1, "there is nothing");
    let build = builds::create_next(&db, carts, "somebody").await.unwrap().unwrap();
    let lease = checkpoint::acquire(&db, carts, build, None, "somebody", LEASE).await.unwrap();
    let mut lease = lease.unwrap();
    let (code, printed) = run(&db, &["cancel", "carts"]).await;
    assert_eq!((code, printed.contains("build 2 is called off")), (0, true), "{printed}");
    let late = fold(&db, &mut lease).await;
    assert!(matches!(late, Err(BatchError::Fenced(_))), "{late:?}");
    let (code, printed) = run(&db, &["verify", "carts"]).await;
    assert_eq!(code, 0, "{printed}");
    assert_eq!(documents(&db, "carts").await.len(), 1, "what is read is left alone");
}
