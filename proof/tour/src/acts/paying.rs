//! Acts about paying.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{BAG, LAMP, MUG, deliver_all};
use crate::gateway::Stripe;
use crate::ledger::{Ledger, Truth};
use crate::shop::Shop;

/// Guests of the season, each with two mugs.
const GUESTS: usize = 5;

/// Cards that work; the money is taken when the goods leave.
pub async fn guests(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    for _ in 0..GUESTS {
        let order = shop.buy(&[(MUG, 2)]).await?;
        let payment = shop.pay(&order, "pm_card_visa").await?;
        shop.payment_is(&payment, "authorized").await?;
        deliver_all(shop, &order).await?;
        shop.payment_is(&payment, "captured").await?;
        let (gross, owed, paid) = (20_00, 20_00, 20_00);
        ledger.order(Truth { act: "guests", order, status: "completed", gross, owed, paid });
        ledger.stock(MUG, -2);
    }
    Ok(())
}

/// A decline costs the shopper nothing but another try.
pub async fn declined(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(BAG, 1)]).await?;
    for card in ["pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"] {
        let payment = shop.pay(&order, card).await?;
        shop.payment_is(&payment, "failed").await?;
        shop.order_is(&order, "pending").await?;
    }
    let payment = shop.pay(&order, "pm_card_visa").await?;
    deliver_all(shop, &order).await?;
    shop.payment_is(&payment, "captured").await?;
    let (gross, owed, paid) = (40_00, 40_00, 40_00);
    ledger.order(Truth { act: "declined", order, status: "completed", gross, owed, paid });
    ledger.stock(BAG, -1);
    Ok(())
}

/// The shopper confirms; nobody here is told but by the gateway.
pub async fn bank(shop: &Shop, stripe: &Stripe, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(LAMP, 2)]).await?;
    let payment = shop.pay(&order, "pm_card_authenticationRequired").await?;
    shop.payment_is(&payment, "requires_action").await?;
    // What lets them in there is for them alone, and stands in no document.
    let action = format!("/v1/payments/{payment}/action");
    let (_, action) = shop.owner(&payment)?.send(Method::GET, &action, &Value::Null).await?;
    let page = action["action_url"].as_str().context("the shopper is sent nowhere")?;
    stripe.confirm(page).await?;
    deliver_all(shop, &order).await?;
    shop.payment_is(&payment, "captured").await?;
    let (gross, owed, paid) = (51_00, 51_00, 51_00);
    ledger.order(Truth { act: "bank", order, status: "completed", gross, owed, paid });
    ledger.stock(LAMP, -2);
    Ok(())
}

/// The page of the bank is closed, and cash is paid.
pub async fn leaves_the_bank(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(MUG, 1)]).await?;
    let payment = shop.pay(&order, "pm_card_authenticationRequired").await?;
    shop.payment_is(&payment, "requires_action").await?;
    let other = json!({"order_id": order, "method": "cash_on_delivery"});
    shop.owner(&order)?.refused("/v1/payments", other, "payment_already_started").await?;
    shop.owner(&payment)?.ask(&format!("/v1/payments/{payment}/abort"), json!({})).await?;
    let cash = shop.pay_at_the_door(&order).await?;
    deliver_all(shop, &order).await?;
    shop.ask(&format!("/v1/payments/{cash}/collect"), json!({})).await?;
    shop.ask(&format!("/v1/payments/{cash}/remit"), json!({})).await?;
    shop.payment_is(&payment, "voided").await?;
    let (gross, owed, paid) = (10_00, 10_00, 10_00);
    ledger.order(Truth { act: "leaves", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -1);
    Ok(())
}

/// Three people pay by card meanwhile, one of whom changes their mind, and one pays cash.
pub async fn outage(
    shop: &Shop,
    stripe: &Stripe,
    ledger: &mut Ledger,
    lasts: Duration,
) -> Result<()> {
    stripe.stand_still();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let order = shop.buy(&[(BAG, 1)]).await?;
        let payment = shop.pay(&order, "pm_card_visa").await?;
        waiting.push((order, payment));
    }
    let cash = shop.buy(&[(MUG, 1)]).await?;
    let at_the_door = shop.pay_at_the_door(&cash).await?;
    deliver_all(shop, &cash).await?;
    shop.ask(&format!("/v1/payments/{at_the_door}/collect"), json!({})).await?;
    let (gross, owed, paid) = (10_00, 10_00, 10_00);
    ledger.order(Truth { act: "outage", order: cash, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -1);

    let (order, payment) = waiting.pop().context("three were begun")?;
    let shopper = shop.owner(&payment)?;
    let payment = format!("/v1/payments/{payment}");
    shopper.until(&payment, "/pending/unknown", &json!(true)).await?;
    shopper
        .ask(&format!("/v1/orders/{order}/cancel"), json!({"reason": "waited too long"}))
        .await?;
    sleep(lasts).await;
    stripe.go_on();
    // Whatever the gateway did for it is undone.
    shopper.until(&payment, "/stage", &json!("voided")).await?;
    let (gross, owed, paid) = (0, 0, 0);
    ledger.order(Truth { act: "outage", order, status: "cancelled", gross, owed, paid });
    for (order, payment) in waiting {
        deliver_all(shop, &order).await?;
        shop.payment_is(&payment, "captured").await?;
        let (gross, owed, paid) = (40_00, 40_00, 40_00);
        ledger.order(Truth { act: "outage", order, status: "completed", gross, owed, paid });
        ledger.stock(BAG, -1);
    }
    Ok(())
}
