//! What takes its time, over HTTP: begun, looked after, ended; and where there is nothing of that.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use indicatif::ProgressBar;
use kit_log::eventually;
use projector::building::rebuild::rebuild;
use projector::{builds, kept};
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, PgPool};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::admin::Told;
use crate::rebuild::{block_whom, number};
use crate::shop::{Shop, documents, project, projection};

#[sqlx::test(migrations = "../migrations")]
async fn what_takes_its_time_is_begun_and_looked_after(db: PgPool) {
    let (shop, office) = (Shop::open(&db), Told::open(&db).await);
    shop.cart().await;
    project(&db, "carts").await;
    let rebuilt = office.carried_out("rebuild", None).await;
    assert_eq!((&rebuilt["build"], &rebuilt["kept"]), (&json!(2), &json!(1)), "{rebuilt}");
    sqlx::query("UPDATE carts_rows SET document = '{}' WHERE build = 2")
        .execute(&db)
        .await
        .unwrap();
    let verified = office.carried_out("verify", None).await;
    let differences = verified["differences"].as_array().unwrap();
    assert_eq!((differences.len(), &differences[0]["kind"]), (1, &json!("different")));
    let went_back = office.carried_out("rollback", None).await;
    assert_eq!((&went_back["build"], &went_back["kept"]), (&json!(1), &json!(2)), "{went_back}");
    assert_eq!(documents(&db, "carts").await[0]["status"], "open");
    let seen = office.get("/admin/projections/carts").await;
    assert_eq!((&seen["ranges"][0]["kept"]["build"], &seen["making"]), (&json!(2), &Value::Null));
    assert_eq!(office.carried_out("drop", None).await, json!({ "deleted": 2 }));
    for what in ["drop", "rollback"] {
        assert_eq!(office.refused(what, None).await, (409, "nothing_kept".to_owned()));
    }
    for unmeant in [None, Some(json!({})), Some(json!({ "yes": false }))] {
        assert_eq!(office.refused("reset", unmeant).await, (400, "invalid_body".to_owned()));
    }
    assert_eq!(documents(&db, "carts").await.len(), 1);
    let reset = office.carried_out("reset", Some(json!({ "yes": true }))).await;
    assert_eq!(reset, json!({ "build": 3 }));
    assert!(documents(&db, "carts").await.is_empty());

    // Of another program's nothing is begun.
    let version = "UPDATE projection_builds SET version = 99";
    sqlx::query(version).execute(&db).await.unwrap();
    for what in ["rebuild", "verify"] {
        assert_eq!(office.refused(what, None).await, (409, "another_version".to_owned()));
    }
    let unknown = "/admin/projections/nonsense/rebuild";
    let unknown = office.ask((Method::POST, unknown), &office.ops.1, None).await;
    assert_eq!(
        (unknown.status, &unknown.body["code"]),
        (StatusCode::NOT_FOUND, &json!("no_such_projection"))
    );
    let strange = office.refused("rebuild", Some(json!({ "fast": true }))).await;
    assert_eq!(strange, (400, "invalid_body".to_owned()));
}

/// One at a time; while it goes on, it is seen how far it is, and with the process it ends.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_under_way_is_seen_and_ends_with_the_process(db: PgPool) {
    let (shop, office) = (Shop::open(&db), Arc::new(Told::open(&db).await));
    shop.cart().await;
    for name in ["carts", "orders"] {
        project(&db, name).await;
    }
    let carts = projection("carts");
    rebuild(&db, carts, None, "test", &ProgressBar::hidden()).await.unwrap();
    // Folded, it waits for the live build.
    let lock = "SELECT FROM projection_slots WHERE build = 2 FOR UPDATE";
    let asked = Arc::clone(&office);
    let (held, begun) = block_whom(&db, lock, || {
        tokio::spawn(async move { asked.post("rollback", None).await.status })
    })
    .await;
    assert_eq!(begun.await.unwrap(), StatusCode::ACCEPTED);
    let seen = office.get("/admin/projections/carts").await;
    assert_eq!(
        (&seen["under_way"]["action"], &seen["making"]["build"]),
        (&json!("rollback"), &json!(1))
    );
    assert_eq!((&seen["making"]["position"], &seen["making"]["head"]), (&json!(1), &json!(1)));
    assert_eq!(
        (&seen["last"]["action"], &seen["last"]["ended_at"]),
        (&json!("rollback"), &Value::Null)
    );
    for what in ["rollback", "rebuild", "verify", "drop"] {
        assert_eq!(office.refused(what, None).await, (409, "build_under_way".to_owned()), "{what}");
    }
    // What waits for its turn is never begun.
    let waits = office.ask((Method::POST, "/admin/projections/orders/verify"), &office.ops.1, None);
    assert_eq!(waits.await.status, StatusCode::ACCEPTED);
    office.stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), office.jobs.ended()).await.expect("they end");
    held.rollback().await.unwrap();
    let seen = office.get("/admin/projections/carts").await;
    assert_eq!((&seen["under_way"], &seen["making"]), (&Value::Null, &Value::Null), "{seen}");
    let said = seen["last"]["outcome"]["error"].as_str().unwrap();
    assert!(said.contains("has ended"), "{said}");
    let of_orders = "SELECT count(*) FROM projection_actions WHERE projection = 'orders'";
    assert_eq!(number(&db, of_orders).await, 0);
    assert_eq!(builds::active(&db, carts).await.unwrap().build, 2);
    assert_eq!(kept::find(&db, carts).await.unwrap().unwrap().build, 1);
    // The next has nothing to wait for.
    let next = Told::open(&db).await;
    assert_eq!(next.carried_out("rollback", None).await["build"], 1);
}

/// What is asked of several is done one after the other.
#[sqlx::test(migrations = "../migrations")]
async fn one_takes_its_time_after_the_other(db: PgPool) {
    let (shop, office) = (Shop::open(&db), Arc::new(Told::open(&db).await));
    shop.busy_day().await;
    for name in ["carts", "orders"] {
        project(&db, name).await;
    }
    // Who looks reads no rows, and nobody writes them for a while.
    let lock = "LOCK TABLE carts_rows IN SHARE MODE";
    let asked = Arc::clone(&office);
    let (held, begun) = block_whom(&db, lock, || {
        tokio::spawn(async move { asked.post("verify", None).await.status })
    })
    .await;
    assert_eq!(begun.await.unwrap(), StatusCode::ACCEPTED);
    let orders = "/admin/projections/orders";
    let second = format!("{orders}/verify");
    let second = office.ask((Method::POST, &second), &office.ops.1, None).await;
    assert_eq!(second.status, StatusCode::ACCEPTED);
    let seen = office.get(orders).await;
    assert_eq!(seen["under_way"]["waits_for_its_turn"], true, "{seen}");
    assert_eq!((&seen["making"], &seen["last"]), (&Value::Null, &Value::Null), "{seen}");
    held.rollback().await.unwrap();
    eventually("both are done", async || {
        let last = office.get(orders).await["last"]["outcome"].clone();
        last["verified"] == true && last["differences"] == json!([])
    })
    .await;
    office.stop.cancel();
    office.jobs.ended().await;
    assert_eq!(office.refused("verify", None).await, (503, "draining".to_owned()));
}

/// What the process answers, with this token or none.
async fn answered(port: u16, path: &str, token: Option<&str>) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n"));
    let token = token.unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nhost: here\r\n{token}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer.split(' ').nth(1)?.to_owned())
}

/// Where nobody is asked who they are there is nothing of it, and the first line says so.
#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_there_where_nobody_is_asked(db: PgPool) {
    const TOKEN: &str = "of-the-owner-in-a-test";
    for (told, wanted) in [
        (None, ["404", "404"]),
        (Some(("ACCESS", "open")), ["404", "404"]),
        (Some(("ACCESS", "asked")), ["401", "401"]),
        (Some(("API_TOKEN", TOKEN)), ["401", "200"]),
    ] {
        let port = harness::free_port().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_projector"));
        command.args(["run", "--projection", "carts"]).kill_on_drop(true);
        command.env("DATABASE_URL", db.connect_options().to_url_lossy().as_str());
        command.env("LISTEN", format!("127.0.0.1:{port}")).env("LOG_FORMAT", "json");
        command.env_remove("NATS_URL").env_remove("API_TOKEN").env_remove("ACCESS").envs(told);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = said.next_line().await.unwrap().unwrap();
        let says_so = first.contains("nothing under /admin");
        assert_eq!(says_so, wanted[0] == "404", "{first}");
        eventually("it answers", async || answered(port, "/live", None).await.is_some()).await;
        for (token, wanted) in [None, Some(TOKEN)].into_iter().zip(wanted) {
            let status = answered(port, "/admin/projections", token).await;
            assert_eq!(status.as_deref(), Some(wanted), "{told:?} {token:?}");
        }
    }
}
