//! What gateways tell without being asked: believed by its signature and not by a token, told to
//! the log once, and nothing of who paid is kept.

use axum::http::{Method, StatusCode};
use chrono::{TimeDelta, Utc};
use command_api::App;
use command_api::webhooks::Webhooks;
use event_store::{Writer, writer};
use hmac::{Hmac, Mac as _};
use reactor::gateway::Gateways;
use reactor::gateway::settings::Settings;
use serde_json::{Value, json};
use service::database::MIGRATOR;
use sha2::Sha256;
use sqlx::PgPool;
use sqlx::migrate::Migrator;

use super::people::everything;
use super::shop::{Ask, Shop, ask, guarded, keyed, post};

const SECRET: &str = "whsec_test";
const TOKEN: &str = "a-token-of-the-shop";

/// Who takes webhooks of Stripe.
pub fn of_stripe(db: &PgPool) -> Webhooks {
    let settings = Settings {
        stripe_secret_key: Some("sk_test".into()),
        stripe_webhook_secret: Some(SECRET.into()),
        // Nobody is there: all that these webhooks say stands in them.
        stripe_api_base: Some("http://127.0.0.1:9".to_owned()),
        ..Settings::default()
    };
    Webhooks::new(Gateways::new(db, &settings).unwrap(), db.clone())
}

/// A shop that knows Stripe, whose own routes ask for a token.
fn with_stripe(db: &PgPool) -> Shop {
    let (writer, _) = Writer::start(db, writer::Settings::default());
    let app = App::new(writer.clone(), TimeDelta::minutes(15)).with_webhooks(of_stripe(db));
    Shop { router: guarded(&app, TOKEN), writer, db: db.clone() }
}

/// Signed as Stripe signs, at this time.
fn signed(body: &[u8], secret: &str, at: i64) -> Ask {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    let digits = format!("{:x}", mac.finalize().into_bytes());
    let ask = ask(Method::POST, "/v1/gateways/stripe/events", body);
    ask.with("stripe-signature", format!("t={at},v1={digits}"))
}

fn sent(event: &Value) -> Ask {
    signed(event.to_string().as_bytes(), SECRET, Utc::now().timestamp())
}

/// What Stripe says when the money of a payment is set aside.
fn authorized(event_id: &str, payment: &str) -> Value {
    json!({
        "id": event_id, "type": "payment_intent.amount_capturable_updated",
        "data": { "object": {
            "id": "pi_1", "status": "requires_capture", "created": Utc::now().timestamp(),
            "metadata": { "payment_id": payment },
        } },
    })
}

impl Shop {
    async fn webhooks_kept(&self) -> Vec<(String, String, i32)> {
        sqlx::query_as("SELECT event_id, outcome, times FROM gateway_events ORDER BY event_id")
            .fetch_all(&self.db)
            .await
            .unwrap()
    }
}

/// A card payment that Stripe has not answered yet.
async fn paying(db: &PgPool) -> String {
    let shop = Shop::open(db);
    let order = shop.order("TOTE", 1).await;
    let card = json!({"order_id": order, "method": "card", "token": "pm_1", "gateway": "stripe"});
    shop.done(keyed("/v1/payments", &card)).await.id()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_gateway_tells_is_told_once(db: PgPool) {
    let (payment, shop) = (paying(&db).await, with_stripe(&db));
    for _ in 0..2 {
        let answer = shop.send(sent(&authorized("evt_1", &payment))).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{answer:?}");
    }
    // Told again under another name, as after a change of the endpoint, it says nothing new.
    shop.done(sent(&authorized("evt_2", &payment))).await;
    assert_eq!(
        shop.history(&format!("payment-{payment}")).await,
        ["payment.created", "payment.requested", "payment.authorized"]
    );
    let kept = shop.webhooks_kept().await;
    let told = |id: &str, times| (id.to_owned(), "told".to_owned(), times);
    assert_eq!(kept, [told("evt_1", 2), told("evt_2", 1)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_else_is_believed(db: PgPool) {
    let (payment, shop) = (paying(&db).await, with_stripe(&db));
    let head = shop.head().await;
    let (event, now) = (authorized("evt_1", &payment).to_string(), Utc::now().timestamp());
    for ask in [
        signed(event.as_bytes(), "whsec_other", now),
        signed(event.as_bytes(), SECRET, now - 301),
        sent(&authorized("evt_1", &payment)).with("stripe-signature", "t=1"),
        // The shop's own token is no signature.
        post("/v1/gateways/stripe/events", &authorized("evt_1", &payment))
            .with("authorization", format!("Bearer {TOKEN}")),
    ] {
        let answer = shop.send(ask).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "invalid_signature"));
    }
    assert_eq!((shop.head().await, shop.webhooks_kept().await), (head, vec![]));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_none_of_ours_is_taken_and_changes_nothing(db: PgPool) {
    let shop = with_stripe(&db);
    let nobodys = uuid::Uuid::now_v7().to_string();
    let other = json!({"id": "evt_2", "type": "customer.created", "data": {"object": {}}});
    for event in [authorized("evt_1", &nobodys), other] {
        assert_eq!(shop.send(sent(&event)).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(shop.head().await, 0);
    let kept = shop.webhooks_kept().await;
    let of = |id: &str, outcome: &str| (id.to_owned(), outcome.to_owned(), 1);
    assert_eq!(kept, [of("evt_1", "payment_not_found"), of("evt_2", "nothing")]);

    let no_event = signed(b"[1]", SECRET, Utc::now().timestamp());
    assert_eq!(shop.send(no_event).await.status, StatusCode::BAD_REQUEST);
    for name in ["nobody", "paypal", "No%20Name"] {
        let path = format!("/v1/gateways/{name}/events");
        let answer = shop.send(post(path, &json!({}))).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::NOT_FOUND, "gateway_not_found"));
    }
}

/// Who paid, as a gateway says it.
const PAYER: &str = "Xanthippe";

/// Whether it stands in any table, as text or as bytes.
async fn stands(db: &PgPool) -> bool {
    let hex = PAYER.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let all = everything(db).await;
    all.contains(PAYER) || all.contains(&hex)
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_kept_of_who_paid(db: PgPool) {
    let (payment, shop) = (paying(&db).await, with_stripe(&db));
    let mut event = authorized("evt_1", &payment);
    event["data"]["object"]["shipping"] = json!({ "name": PAYER });
    event["data"]["object"]["receipt_email"] = json!(format!("{PAYER}@mail.example"));
    shop.done(sent(&event)).await;
    let told = ("evt_1".to_owned(), "told".to_owned(), 1);
    assert_eq!(shop.webhooks_kept().await, [told]);
    assert!(!stands(&db).await);
}

/// What earlier releases kept goes with the migration.
#[sqlx::test(migrations = false)]
async fn what_was_kept_of_who_paid_goes(db: PgPool) {
    const WITHOUT_BODIES: i64 = 140;
    let before = MIGRATOR.iter().filter(|migration| migration.version < WITHOUT_BODIES).cloned();
    let mut before = Migrator::with_migrations(before.collect());
    before.set_ignore_missing(true).run(&db).await.unwrap();
    let kept = "INSERT INTO gateway_events (gateway, event_id, kind, outcome, body)
                VALUES ('stripe', 'evt_1', 'charge.succeeded', 'told', $1)";
    sqlx::query(kept).bind(PAYER.as_bytes()).execute(&db).await.unwrap();
    assert!(stands(&db).await);
    MIGRATOR.run(&db).await.unwrap();
    assert!(!stands(&db).await);
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM gateway_events").fetch_one(&db).await.unwrap();
    assert_eq!(left, 1);
}
