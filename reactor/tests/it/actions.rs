//! Where a shopper confirms at their bank lies sealed, and no event has what lets them in there.

use chrono::Utc;
use domain::PaymentId;
use reactor::{Correspondence, actions};
use sqlx::PgPool;
use uuid::Uuid;
use vault::{DataSubject, VaultError};

use crate::shop::{Shop, react, react_with, vault};

const REQUIRED: &str = "payment.action_required";

/// Every event that says where a payment is confirmed has no query.
async fn what_events_say(shop: &Shop) -> Vec<String> {
    let whole = shop.texts("SELECT data::text || metadata::text FROM events").await;
    let secret = whole.into_iter().filter(|event| event.contains("client_secret"));
    secret.collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn no_event_says_what_lets_a_shopper_in_at_their_bank(db: PgPool) {
    let (shop, vault) = (Shop::open(&db).await, vault(&db));
    let reacting = react_with(&db, Correspondence::new(Some(vault.clone()), None));
    let (_, payment) = shop.card("tok_action").await;
    shop.until(&format!("payment-{payment}"), REQUIRED).await;
    assert_eq!(what_events_say(&shop).await, [""; 0]);
    let said = format!("SELECT data->>'url' FROM events WHERE type = '{REQUIRED}'");
    assert_eq!(shop.texts(&said).await, [format!("https://sandbox.invalid/confirm/{payment}")]);

    let kept = actions::open(&vault, payment).await.unwrap().unwrap();
    let begins = format!("https://sandbox.invalid/confirm/{payment}?client_secret=");
    assert!(kept.plain.as_str().starts_with(&begins), "{:?}", kept.plain);
    let other = actions::open(&vault, PaymentId(Uuid::now_v7())).await.unwrap();
    assert!(other.is_none());
    // It is swept, or goes with whose it is.
    vault.erase(kept.subject, Utc::now()).await.unwrap();
    let gone = actions::open(&vault, payment).await;
    assert!(matches!(gone, Err(VaultError::Erased)), "{gone:?}");
    assert_ne!(kept.subject, DataSubject(payment.0));
    reacting.stop().await;
}

/// Who seals nothing has nowhere else to keep it.
#[sqlx::test(migrations = "../migrations")]
async fn without_a_vault_the_event_says_where(db: PgPool) {
    let shop = Shop::open(&db).await;
    let reacting = react(&db);
    let (_, payment) = shop.card("tok_action").await;
    shop.until(&format!("payment-{payment}"), REQUIRED).await;
    assert_eq!(what_events_say(&shop).await.len(), 1);
    reacting.stop().await;
}
