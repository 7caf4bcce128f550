//! Acts about orders that shrink before or on their way.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use super::{BAG, LAMP, MUG, deliver_all};
use crate::ledger::{Ledger, Truth};
use crate::shop::Shop;

/// Five mugs become two.
pub async fn smaller(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(MUG, 5), (LAMP, 1)]).await?;
    let line = |sku| format!("/v1/orders/{order}/lines/{sku}");
    let shopper = shop.owner(&order)?;
    shopper.ask_by(Method::PUT, &line(MUG), json!({"quantity": 2})).await?;
    shopper.ask_by(Method::DELETE, &line(LAMP), json!({})).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    deliver_all(shop, &order).await?;
    shop.payment_is(&payment, "captured").await?;
    let (gross, owed, paid) = (20_00, 20_00, 20_00);
    ledger.order(Truth { act: "smaller", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -2);
    Ok(())
}

/// Twice nobody opens; the goods are back and nobody owes anything.
pub async fn refused(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(LAMP, 1)]).await?;
    let payment = shop.pay_at_the_door(&order).await?;
    let parcel = shop.send_parcel(&order, &[]).await?;
    for _ in 0..2 {
        shop.parcel(&parcel, "fail", json!({"reason": "nobody at home"})).await?;
    }
    let collect = format!("/v1/payments/{payment}/collect");
    shop.refused(&collect, json!({}), "order_not_delivered").await?;
    shop.parcel(&parcel, "return", json!({})).await?;
    shop.order_is(&order, "cancelled").await?;
    shop.payment_is(&payment, "uncollected").await?;
    let (gross, owed, paid) = (25_50, 0, 0);
    ledger.order(Truth { act: "refused", order, status: "cancelled", gross, owed, paid });
    Ok(())
}

/// One of two parcels arrives, at the second attempt.
pub async fn in_parts(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(MUG, 3), (LAMP, 1)]).await?;
    let payment = shop.pay_at_the_door(&order).await?;
    let mugs = shop.send_parcel(&order, &[(MUG, 3)]).await?;
    let lamp = shop.send_parcel(&order, &[]).await?;
    shop.parcel(&mugs, "fail", json!({"reason": "nobody at home"})).await?;
    shop.parcel(&mugs, "deliver", json!({})).await?;
    let collect = format!("/v1/payments/{payment}/collect");
    let amount = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    shop.ask(&collect, json!({"amount": amount("30.01")})).await?;
    let right = json!({"amount": amount("30.00"), "reason": "the desk typed another"});
    shop.ask(&format!("/v1/payments/{payment}/correct-collection"), right).await?;
    shop.parcel(&lamp, "lose", json!({"reason": "the van burnt out"})).await?;
    shop.order_is(&order, "completed").await?;
    shop.ask(&format!("/v1/payments/{payment}/remit"), json!({})).await?;
    shop.payment_is(&payment, "remitted").await?;
    let (gross, owed, paid) = (55_50, 30_00, 30_00);
    ledger.order(Truth { act: "in parts", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -3);
    ledger.stock(LAMP, -1);
    Ok(())
}

/// The courier is paid for what was taken; the rest comes back.
pub async fn one_of_two(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(MUG, 2), (LAMP, 1)]).await?;
    let payment = shop.pay_at_the_door(&order).await?;
    let parcel = shop.send_parcel(&order, &[]).await?;
    let mug = json!({"lines": [{"sku": MUG, "quantity": 1}]});
    shop.parcel(&parcel, "deliver", mug).await?;
    shop.ask(&format!("/v1/payments/{payment}/collect"), json!({})).await?;
    shop.parcel(&parcel, "return", json!({})).await?;
    shop.order_is(&order, "completed").await?;
    shop.payment_is(&payment, "collected").await?;
    let (gross, owed, paid) = (45_50, 10_00, 10_00);
    ledger.order(Truth { act: "one of two", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -1);
    Ok(())
}

/// One of two bags has left when the other is found broken: it is called off and paid back.
pub async fn broken(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(BAG, 2), (MUG, 1)]).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    shop.order_is(&order, "confirmed").await?;
    let parcel = shop.send_parcel(&order, &[(BAG, 1), (MUG, 1)]).await?;
    shop.payment_is(&payment, "captured").await?;
    let broken = json!({"location": "main", "delta": -1, "reason": "broken zip"});
    shop.ask(&format!("/v1/stock/{BAG}/adjust"), broken).await?;
    let off = json!({"reason": "broken zip", "lines": [{"sku": BAG, "quantity": 1}]});
    shop.ask(&format!("/v1/orders/{order}/cancel"), off).await?;
    shop.payment_is(&payment, "partially_refunded").await?;
    shop.parcel(&parcel, "deliver", json!({})).await?;
    shop.order_is(&order, "completed").await?;
    let (gross, owed, paid) = (90_00, 50_00, 50_00);
    ledger.order(Truth { act: "broken", order, status: "completed", gross, owed, paid });
    ledger.stock(BAG, -2);
    ledger.stock(MUG, -1);
    Ok(())
}

/// All of an order is lost: it ends, and its money goes back.
pub async fn lost(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(BAG, 1)]).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    shop.order_is(&order, "confirmed").await?;
    let parcel = shop.send_parcel(&order, &[]).await?;
    shop.payment_is(&payment, "captured").await?;
    shop.parcel(&parcel, "lose", json!({"reason": "the van burnt out"})).await?;
    shop.order_is(&order, "cancelled").await?;
    shop.payment_is(&payment, "refunded").await?;
    let (gross, owed, paid) = (40_00, 0, 0);
    ledger.order(Truth { act: "lost", order, status: "cancelled", gross, owed, paid });
    ledger.stock(BAG, -1);
    Ok(())
}

/// All of an order is lost, its money goes back, the customer finds it after all and pays again.
pub async fn found(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let order = shop.buy(&[(LAMP, 2)]).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    shop.order_is(&order, "confirmed").await?;
    let parcel = shop.send_parcel(&order, &[]).await?;
    shop.payment_is(&payment, "captured").await?;
    shop.parcel(&parcel, "lose", json!({"reason": "not at the depot"})).await?;
    shop.order_is(&order, "cancelled").await?;
    shop.payment_is(&payment, "refunded").await?;
    shop.parcel(&parcel, "deliver", json!({})).await?;
    shop.order_is(&order, "completed").await?;
    let again = shop.pay(&order, "pm_card_visa").await?;
    shop.payment_is(&again, "captured").await?;
    let (gross, owed, paid) = (51_00, 51_00, 51_00);
    ledger.order(Truth { act: "found", order, status: "completed", gross, owed, paid });
    ledger.stock(LAMP, -2);
    Ok(())
}
