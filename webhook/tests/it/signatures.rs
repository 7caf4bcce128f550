//! What receivers verify, by the libraries that they have.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use chrono::DateTime;
use identity::master::Master;
use serde_json::{Value, json};
use service::config::Secret;
use sqlx::PgPool;
use standardwebhooks::Webhook;
use webhook::target::Reach;
use webhook::wire::Wire;

use crate::house::House;
use crate::receiver::{Heard, Receiver};

fn is_good(secret: &str, heard: &Heard) -> bool {
    let webhook = Webhook::new(secret).unwrap();
    webhook.verify(heard.body.as_bytes(), &heard.headers).is_ok()
}

#[sqlx::test(migrations = "../migrations")]
async fn two_secrets_are_good_for_a_day(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, first) = house.subscribe(&receiver.url, &["product.published"]).await;
    let sending = house.send();
    let told = async |count: usize| {
        house.product().await;
        let heard = receiver.hears(count).await;
        house.has(&path, "delivered", count).await;
        heard[count - 1].clone()
    };
    let heard = told(1).await;
    assert!(is_good(&first, &heard));
    let rotated = house.post(&format!("{path}/rotate-secret"), &Value::Null).await;
    let second = rotated.text("secret").to_owned();
    let until: DateTime<chrono::Utc> = rotated.text("previous_secret_until").parse().unwrap();
    let hours = (until - chrono::Utc::now()).num_minutes();
    assert!((23 * 60..=24 * 60).contains(&hours), "{hours}");
    let heard = told(2).await;
    assert!(is_good(&first, &heard) && is_good(&second, &heard));
    // Another one: only two are good.
    let rotated = house.post(&format!("{path}/rotate-secret"), &Value::Null).await;
    let third = rotated.text("secret").to_owned();
    let heard = told(3).await;
    assert_eq!(
        [&first, &second, &third].map(|secret| is_good(secret, &heard)),
        [false, true, true]
    );
    // A day later, as far as it is concerned.
    house.sql("UPDATE webhook_subscriptions SET previous_until = now()").await;
    let heard = told(4).await;
    assert_eq!([&second, &third].map(|secret| is_good(secret, &heard)), [false, true]);
    assert_eq!(house.get(&path).await["previous_secret_until"], Value::Null);
    sending.stop().await;
    // What is looked after forgets it for good.
    let sending = house.send();
    kit_log::eventually("it is forgotten", async || {
        let kept = "SELECT count(*) FROM webhook_subscriptions WHERE previous_secret IS NOT NULL";
        sqlx::query_scalar::<_, i64>(kept).fetch_one(&db).await.unwrap() == 0
    })
    .await;
    sending.stop().await;
}

/// Not in the database either: what lies there opens under the master key alone.
#[sqlx::test(migrations = "../migrations")]
async fn a_secret_is_told_once(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, secret) = house.subscribe(&receiver.url, &["product.published"]).await;
    assert!(secret.starts_with("whsec_"));
    let all = [house.get(&path).await, house.get("/v1/webhooks").await];
    assert!(!json!(all).to_string().contains("whsec_"));
    // Another process, with another master key, signs nothing with it.
    let stranger = House::open(&db);
    let tested = stranger.post(&format!("{path}/test"), &Value::Null).await;
    assert!(tested.text("error").contains("another master key"), "{tested:?}");
    assert_eq!(receiver.heard().len(), 0);
}

/// The official libraries for Python and JavaScript, and that of CloudEvents.
#[sqlx::test(migrations = "../migrations")]
async fn the_official_libraries_verify_and_read_what_is_sent(db: PgPool) {
    let (house, receiver) = (House::open(&db), Receiver::listen().await);
    let (path, first) = house.subscribe(&receiver.url, &["product.published"]).await;
    let rotated = house.post(&format!("{path}/rotate-secret"), &Value::Null).await;
    let second = rotated.text("secret").to_owned();
    let sending = house.send();
    house.product().await;
    let heard = receiver.hears(1).await.remove(0);
    sending.stop().await;
    let tested = house.post(&format!("{path}/test"), &Value::Null).await;
    assert_eq!(tested.body["delivered"], true, "{tested:?}");
    let ping = receiver.heard().remove(1);
    assert_eq!(ping.event()["type"], "webhook.ping");

    for heard in [&heard, &ping] {
        let event = heard.event();
        for secret in [&first, &second] {
            assert_eq!(javascript(secret, heard, &heard.body), event);
            let read = python(secret, heard, &heard.body);
            let time: DateTime<chrono::Utc> = event["time"].as_str().unwrap().parse().unwrap();
            let seconds = read["time"].as_f64().unwrap();
            assert!((seconds - time.timestamp_micros() as f64 / 1e6).abs() < 0.001);
            for name in ["specversion", "id", "source", "type", "subject", "sequence", "data"] {
                assert_eq!(read[name], event[name], "{name}");
            }
        }
        let bent = heard.body.replacen("1.0", "1.1", 1);
        let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        for verify in [javascript, python] {
            assert_eq!(verify(&first, heard, &bent), "refused");
            assert_eq!(verify(other, heard, &heard.body), "refused");
        }
    }
}

fn python(secret: &str, heard: &Heard, body: &str) -> Value {
    verify("python3", "verify.py", ("PYTHONPATH", "python"), secret, heard, body)
}

fn javascript(secret: &str, heard: &Heard, body: &str) -> Value {
    verify("node", "verify.cjs", ("NODE_PATH", "node_modules"), secret, heard, body)
}

/// What a receiver's program reads.
fn verify(
    program: &str,
    script: &str,
    (variable, folder): (&str, &str),
    secret: &str,
    heard: &Heard,
    body: &str,
) -> Value {
    let libraries = harness::required("WEBHOOK_VERIFIERS");
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/verifiers");
    let headers: Value = heard
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), Value::from(value.to_str().unwrap())))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let mut child = Command::new(program)
        .arg(scripts.join(script))
        .env(variable, Path::new(&libraries).join(folder))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let asked = json!({"secret": secret, "headers": headers, "body": body}).to_string();
    child.stdin.take().unwrap().write_all(asked.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{program} failed");
    serde_json::from_slice(&done.stdout).unwrap()
}

/// Another master key takes the place of one: what is sent is signed as before.
#[sqlx::test(migrations = "../migrations")]
async fn another_master_key_signs_with_the_same_secrets(db: PgPool) {
    let (old_key, new_key) = (Master::generate(), Master::generate());
    let ring = |text: &str| Arc::new(Master::read(&Secret::from(text)).unwrap());
    let wire = || Wire::new(Reach::Anywhere).unwrap();
    let receiver = Receiver::listen().await;
    let old = House::under(&db, wire(), ring(&old_key));
    let (path, secret) = old.subscribe(&receiver.url, &["product.published"]).await;
    let both = ring(&format!("{new_key},{old_key}"));
    webhook::subscriptions::reseal(&db, &both).await.unwrap();
    assert!(webhook::subscriptions::reseal(&db, &ring(&old_key)).await.is_err());
    let new = House::under(&db, wire(), ring(&new_key));
    let sending = new.send();
    new.product().await;
    let heard = receiver.hears(1).await;
    assert!(is_good(&secret, &heard[0]));
    new.has(&path, "delivered", 1).await;
    sending.stop().await;
}
