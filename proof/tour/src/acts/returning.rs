//! Acts about goods and money that come back after all was well.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{BAG, LAMP, MUG, deliver_all};
use crate::gateway::Stripe;
use crate::ledger::{Ledger, Truth};
use crate::shop::Shop;

/// A return of these units, expected.
async fn expect_back(shop: &Shop, order: &str, sku: &str, quantity: u32) -> Result<String> {
    let lines = json!([{"sku": sku, "quantity": quantity}]);
    let wanted = json!({"order_id": order, "lines": lines, "reason": "does not fit"});
    let back = shop.owner(order)?.ask("/v1/returns", wanted).await?;
    shop.ask(&format!("/v1/returns/{back}/approve"), json!({})).await?;
    Ok(back)
}

async fn arrives(shop: &Shop, back: &str, line: Value) -> Result<()> {
    shop.ask(&format!("/v1/returns/{back}/receive"), json!({"lines": [line]})).await.map(drop)
}

/// Two bags come back one after the other: one is put somewhere else than was told, the other is
/// worn, and for that one less is given back.
pub async fn goods(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(BAG, 2), (MUG, 1)]).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    deliver_all(shop, &order).await?;
    shop.payment_is(&payment, "captured").await?;
    let back = expect_back(shop, &order, BAG, 2).await?;
    arrives(shop, &back, json!({"sku": BAG, "quantity": 1, "location": "returns"})).await?;
    let really = json!({"lines": [{"sku": BAG, "quantity": 1, "location": "main"}],
                        "reason": "it was never worn"});
    shop.ask(&format!("/v1/returns/{back}/correct-receipt"), really).await?;
    let less = json!({"amount": {"amount": "15.00", "currency": "EUR"}, "reason": "worn"});
    let worn = json!({"lines": [{"sku": BAG, "quantity": 1, "written_off": true}],
                      "withheld": less});
    shop.ask(&format!("/v1/returns/{back}/receive"), worn).await?;
    let more = json!({"lines": [{"sku": BAG, "quantity": 1, "location": "main"}]});
    shop.refused(&format!("/v1/returns/{back}/receive"), more, "nothing_to_return").await?;
    shop.ask(&format!("/v1/returns/{back}/close"), json!({})).await?;
    let refunded = json!({"amount": "65.00", "currency": "EUR"});
    let path = format!("/v1/payments/{payment}");
    shop.owner(&payment)?.until(&path, "/refunded", &refunded).await?;
    let (gross, owed, paid) = (90_00, 25_00, 25_00);
    ledger.order(Truth { act: "goods", order, status: "completed", gross, owed, paid });
    ledger.stock(BAG, -1);
    ledger.stock(MUG, -1);
    Ok(())
}

/// What was paid in cash is paid out by hand, and until then it is a task.
pub async fn cash(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(LAMP, 1), (MUG, 1)]).await?;
    let payment = shop.pay_at_the_door(&order).await?;
    deliver_all(shop, &order).await?;
    shop.ask(&format!("/v1/payments/{payment}/collect"), json!({})).await?;
    let back = expect_back(shop, &order, LAMP, 1).await?;
    arrives(shop, &back, json!({"sku": LAMP, "quantity": 1, "location": "main"})).await?;
    let due = json!({"amount": "25.50", "currency": "EUR"});
    let shown = shop.clerk().until(&format!("/v1/orders/{order}"), "/to_refund", &due).await?;
    let refund = json!({"amount": shown["to_refund"], "reason": "does not fit"});
    shop.ask(&format!("/v1/payments/{payment}/refund"), refund).await?;
    let (gross, owed, paid) = (35_50, 10_00, 10_00);
    ledger.order(Truth { act: "cash", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -1);
    Ok(())
}

/// Somebody gives 3.00 back without telling the shop: the gateway does.
pub async fn goodwill(shop: &Shop, stripe: &Stripe, ledger: &mut Ledger) -> Result<()> {
    let (order, reference, payment) = paid_mug(shop).await?;
    stripe.refund_in_the_dashboard(&reference, 3_00).await?;
    shop.payment_is(&payment, "partially_refunded").await?;
    let (gross, owed, paid) = (10_00, 10_00, 7_00);
    ledger.order(Truth { act: "goodwill", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -1);
    Ok(())
}

/// The bank takes it all back.
pub async fn dispute(shop: &Shop, stripe: &Stripe, ledger: &mut Ledger) -> Result<()> {
    let (order, reference, payment) = paid_mug(shop).await?;
    stripe.dispute_and_lose(&reference).await?;
    shop.payment_is(&payment, "charged_back").await?;
    let (gross, owed, paid) = (10_00, 10_00, 0);
    ledger.order(Truth { act: "dispute", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -1);
    Ok(())
}

/// A mug, delivered and paid; its order, the gateway's name for the payment, and ours.
async fn paid_mug(shop: &Shop) -> Result<(String, String, String)> {
    let order = shop.buy(&[(MUG, 1)]).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    deliver_all(shop, &order).await?;
    let document = shop.payment_is(&payment, "captured").await?;
    let reference = document["reference"].as_str().context("it has no reference")?.to_owned();
    Ok((order, reference, payment))
}
