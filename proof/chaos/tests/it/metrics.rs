//! What the programs measure, as Prometheus reads it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use harness::{Program, required};
use reqwest::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::reactor::post;
use crate::stack::{Stack, database, service};

/// What a program measured so far.
async fn measured(program: &Program) -> String {
    reqwest::get(program.url("/metrics")).await.unwrap().text().await.unwrap()
}

/// Prometheus' own opinion, which is to be none.
fn judge(metrics: &str) {
    let mut command = Command::new(required("PROMTOOL_BIN"));
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let told = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && text.is_empty(), "{text}");
}

/// Each has done what it is for, and has refused somebody who asked too often.
#[sqlx::test(migrations = "../../migrations")]
async fn what_programs_measure_is_as_prometheus_wants_it(db: PgPool) {
    let stack = Stack::start_told(&db, &[("STRICT_RATE_LIMIT", "4".to_owned())]).await;
    let mut reactor = service("reactor", &["run"], &[("DATABASE_URL", database(&db))]);
    reactor.start().await.unwrap();
    let api = &stack.commands[0];
    stack.sell("TOTE", "Tote", 3).await;
    let cart = post(api, "/v1/carts", &json!({"currency": "EUR"})).await;
    let line = json!({"sku": "TOTE", "quantity": 1});
    post(api, &format!("/v1/carts/{cart}/lines"), &line).await;
    let order = post(api, &format!("/v1/carts/{cart}/checkout"), &json!({})).await;
    let card = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let payment = post(api, "/v1/payments", &card).await;
    stack.until(&format!("/v1/payments/{payment}"), "it", "/status", "authorized").await;
    stack.text("/v1/search?q=tote").await;
    let client = reqwest::Client::new();
    let refused = async |url: String| {
        client.get(url).send().await.unwrap().status() == StatusCode::TOO_MANY_REQUESTS
    };
    while !refused(stack.query.url("/v1/search?q=tote")).await {}

    let programs = stack.commands.iter().chain(&stack.projectors).chain([&stack.query, &reactor]);
    for program in programs {
        judge(&measured(program).await);
    }
    let limited = r#"commerce_http_requests_limited_total{lane="strict"} "#;
    assert!(measured(&stack.query).await.contains(&format!("{limited}1")));
    assert!(measured(api).await.contains(&format!("{limited}0")), "it begins at nothing");
}
