//! The reactor as a program of its own, beside a command-api that has none inside.

use chrono::Utc;
use domain::command::cart::Command::CheckOut;
use domain::{CartId, Command, OrderId};
use event_store::writer::{Outcome, Request, Settings, Writer};
use harness::Program;
use kit::http;
use kit_log::{history, until};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::stack::{database, service};

/// Nothing happens by itself as long as there is no reactor; with one, everything, once.
#[sqlx::test(migrations = "../../migrations")]
async fn a_reactor_alone_does_what_a_command_api_without_leaves(db: PgPool) {
    let environment = [("DATABASE_URL", database(&db))];
    let mut api = service("command-api", &["serve", "--reactor", "off"], &environment);
    api.start().await.unwrap();
    sell(&api).await;
    let (paid, late) = (order(&api).await, overdue(&api, &db).await);
    let pay = json!({"order_id": paid, "method": "card", "token": "tok_timeout"});
    let payment = post(&api, "/v1/payments", &pay).await;
    let health = reqwest::get(api.url("/health")).await.unwrap().text().await.unwrap();
    assert!(!health.contains("reactions"), "it does not answer for the reactor: {health}");
    // Nobody has read a word of it.
    let place = "SELECT max(position) FROM reactions";
    let position: i64 = sqlx::query_scalar(place).fetch_one(&db).await.unwrap();
    assert_eq!(position, 0);
    let unheard = ["payment.created", "payment.requested"];
    assert_eq!(history(&db, &format!("payment-{payment}")).await, unheard);

    let mut reactor = service("reactor", &["run"], &environment);
    reactor.start().await.unwrap();
    until(&db, &format!("order-{paid}"), "order.confirmed").await;
    let heard = history(&db, &format!("payment-{payment}")).await;
    let once = ["created", "requested", "outcome_unknown", "authorized"];
    assert_eq!(heard, once.map(|name| format!("payment.{name}")));
    let booked: Vec<String> =
        sqlx::query_scalar("SELECT key FROM sandbox_gateway").fetch_all(&db).await.unwrap();
    assert_eq!(booked, [format!("{payment}:1")]);
    until(&db, &format!("order-{late}"), "order.cancelled").await;

    let told = reqwest::get(reactor.url("/health")).await.unwrap().json::<Value>().await.unwrap();
    let checks = told["checks"].as_array().unwrap();
    assert!(
        checks.iter().any(|check| check["name"] == "reactions" && check["ok"] == true),
        "{told}"
    );
    let metrics = reqwest::get(reactor.url("/metrics")).await.unwrap().text().await.unwrap();
    for name in ["commerce_reaction_events_parked", "commerce_gateway_answers_total"] {
        assert!(metrics.contains(name), "{name} in {metrics}");
    }
    for mut program in [reactor, api] {
        program.signal("TERM");
        assert!(program.wait().unwrap().success());
    }
}

/// Puts totes up for sale.
async fn sell(api: &Program) {
    http::sell("TOTE", 10, async |(path, body)| post(api, &path, &body).await).await;
}

/// A cart with one of them.
async fn cart(api: &Program) -> String {
    http::fill("TOTE", 1, async |(path, body)| post(api, &path, &body).await).await
}

/// An order of one of them.
async fn order(api: &Program) -> String {
    let cart = cart(api).await;
    let (path, body) = http::check_out(&cart);
    post(api, &path, &body).await
}

/// An order that nobody paid in time: its units were held up to the moment it was placed. No caller
/// of the API may say how long, so it is asked of the log.
async fn overdue(api: &Program, db: &PgPool) -> String {
    let cart = cart(api).await;
    let (order_id, now) = (OrderId(Uuid::now_v7()), Utc::now());
    let command = CheckOut { order_id, reserved_until: now, address_id: None };
    let cart = CartId(cart.parse().unwrap());
    let (writer, _) = Writer::start(db, Settings::default());
    let answer = writer.submit(Request::new(Command::Cart(cart, command), now)).await.unwrap();
    assert!(matches!(answer.outcome, Outcome::Accepted { .. }), "{answer:?}");
    order_id.to_string()
}

/// The id of what a command made or changed.
pub async fn post(api: &Program, path: &str, body: &Value) -> String {
    let asked = reqwest::Client::new().post(api.url(path)).json(body);
    let answer = asked.header("Idempotency-Key", Uuid::now_v7().to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {answer:?}");
    let answer: Value = answer.json().await.unwrap();
    answer["id"].as_str().unwrap().to_owned()
}
