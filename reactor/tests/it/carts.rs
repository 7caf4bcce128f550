//! Carts that nobody touches are given up by themselves.

use chrono::TimeDelta;
use domain::command::{cart, order};
use domain::{CartId, Command, Owner};
use kit_log::eventually;
use reactor::Correspondence;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::shop::{Running, Shop, react_to_carts};

async fn react(shop: &Shop, term: Option<TimeDelta>) -> Running {
    let running = react_to_carts(&shop.db, term, Correspondence::default());
    let begun = "SELECT name FROM reactions WHERE name = 'expire_cart'";
    eventually("it has begun", async || shop.texts(begun).await.len() == 1).await;
    running
}

/// A cart with something in it.
async fn filled(shop: &Shop) -> CartId {
    let (id, currency) = (CartId(Uuid::now_v7()), "EUR".parse().unwrap());
    let create = cart::Command::Create { currency, owner: Owner::default() };
    shop.ask(Command::Cart(id, create)).await;
    fill(shop, id).await;
    id
}

async fn fill(shop: &Shop, id: CartId) {
    let (sku, quantity) = ("TOTE".parse().unwrap(), 1.try_into().unwrap());
    shop.ask(Command::Cart(id, cart::Command::AddLine { sku, quantity })).await;
}

/// What is listed of a cart: because of which event of it, and when it is due after that.
async fn listed(shop: &Shop, id: CartId) -> Vec<String> {
    let select = format!(
        "SELECT version || ' ' || extract(epoch FROM due_at - recorded_at)::bigint / 3600
         FROM reaction_tasks JOIN events ON position = cause
         WHERE reaction = 'expire_cart' AND subject = '{id}'"
    );
    shop.texts(&select).await
}

/// The time has come to look at all carts.
async fn let_time_pass(shop: &Shop) {
    let due = "UPDATE reaction_tasks SET due_at = now() WHERE reaction = 'expire_cart'";
    sqlx::query(due).execute(&shop.db).await.unwrap();
}

/// All carts were looked at, and are to be again after so many hours.
async fn put_off(shop: &Shop, hours: i64) {
    let soon = format!(
        "SELECT subject FROM reaction_tasks WHERE reaction = 'expire_cart'
         AND due_at < now() + interval '{hours} hours' - interval '10 minutes'"
    );
    eventually("all are put off", async || shop.texts(&soon).await.is_empty()).await;
}

async fn is_open(shop: &Shop, id: CartId) -> bool {
    !shop.history(&format!("cart-{id}")).await.contains(&"cart.abandoned".to_owned())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_cart_is_listed_once_while_it_is_open(db: PgPool) {
    let shop = Shop::open(&db).await;
    let running = react(&shop, Some(TimeDelta::days(90))).await;
    let open = filled(&shop).await;
    eventually("it is listed", async || listed(&shop, open).await == ["1 24"]).await;
    fill(&shop, open).await;
    let order = shop.order(15).await;
    shop.until_read().await;
    assert_eq!(listed(&shop, open).await, ["1 24"], "a line makes no other thing to do");
    let bought = "SELECT replace(stream, 'cart-', '') FROM events
                  WHERE type = 'cart.checked_out' ORDER BY position LIMIT 1";
    let bought: CartId = shop.texts(bought).await.remove(0).parse().unwrap();
    assert_eq!(listed(&shop, bought).await, [""; 0], "what was bought is no cart any more");
    let cancel = order::Command::Cancel { reason: "no more".parse().unwrap(), lines: vec![] };
    shop.ask(Command::Order(order, cancel)).await;
    shop.ask(Command::Cart(bought, cart::Command::Reopen)).await;
    eventually("it is again", async || listed(&shop, bought).await == ["4 24"]).await;
    running.stop().await;
}

#[sqlx::test(migrations = "../migrations")]
async fn one_is_given_up_when_nobody_touched_it_for_its_term(db: PgPool) {
    let shop = Shop::open(&db).await;
    let running = react(&shop, Some(TimeDelta::hours(2))).await;
    let carts = [filled(&shop).await, filled(&shop).await];
    for id in carts {
        eventually("it is listed", async || !listed(&shop, id).await.is_empty()).await;
    }
    let_time_pass(&shop).await;
    put_off(&shop, 2).await;
    for id in carts {
        assert!(is_open(&shop, id).await, "it was touched within the term");
    }
    running.stop().await;

    // Never is to be looked at now and then, for it may be another day.
    let running = react(&shop, None).await;
    let_time_pass(&shop).await;
    put_off(&shop, 24 * 30).await;
    assert!(is_open(&shop, carts[0]).await);
    running.stop().await;

    let running = react(&shop, Some(TimeDelta::zero())).await;
    let_time_pass(&shop).await;
    for id in carts {
        shop.until(&format!("cart-{id}"), "cart.abandoned").await;
        eventually("it is settled", async || listed(&shop, id).await.is_empty()).await;
        let told = format!(
            "SELECT data->>'expired' FROM events WHERE stream = 'cart-{id}'
             AND type = 'cart.abandoned'"
        );
        let told: Vec<String> =
            sqlx::query_scalar(AssertSqlSafe(told)).fetch_all(&db).await.unwrap();
        assert_eq!(told, ["true"]);
    }
    running.stop().await;
}
