//! Acts about who may what: the wrong people ask, and somebody wants to be forgotten.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::{BAG, MUG, deliver_all};
use crate::caller::Caller;
use crate::ledger::{Ledger, Truth};
use crate::shop::{Shop, give};

/// What is somebody's, by its path.
struct Theirs {
    order: String,
    cart: String,
    payment: String,
    back: String,
}

impl Theirs {
    /// What is read of it.
    fn documents(&self) -> [String; 4] {
        let Self { order, cart, payment, back } = self;
        [
            format!("/v1/orders/{order}"),
            format!("/v1/carts/{cart}"),
            format!("/v1/payments/{payment}"),
            format!("/v1/returns/{back}"),
        ]
    }

    /// What shoppers do to what is theirs.
    fn for_its_owner(&self) -> Vec<(Method, String, Value)> {
        let Self { order, cart, payment, .. } = self;
        let line = json!({"sku": MUG, "quantity": 1});
        let back = json!({"order_id": order, "lines": [line], "reason": "not mine"});
        let pay = json!({"order_id": order, "method": "cash_on_delivery"});
        let post = |path: String, body: &Value| (Method::POST, path, body.clone());
        vec![
            post(format!("/v1/carts/{cart}/lines"), &line),
            post(format!("/v1/carts/{cart}/checkout"), &json!({})),
            post(format!("/v1/carts/{cart}/abandon"), &json!({})),
            post(format!("/v1/orders/{order}/cancel"), &json!({"reason": "not mine"})),
            (Method::DELETE, format!("/v1/orders/{order}/lines/{MUG}"), json!({})),
            post("/v1/payments".to_owned(), &pay),
            post(format!("/v1/payments/{payment}/abort"), &json!({})),
            post("/v1/returns".to_owned(), &back),
        ]
    }

    /// What the shop alone does.
    fn for_the_shop(&self) -> Vec<(Method, String, Value)> {
        let Self { order, payment, back, .. } = self;
        let units = json!({"location": "main", "quantity": 1});
        let post = |path: String, body: &Value| (Method::POST, path, body.clone());
        vec![
            post(format!("/v1/stock/{MUG}/receive"), &units),
            post("/v1/products".to_owned(), &json!({"title": "Hat"})),
            post("/v1/fulfilments".to_owned(), &json!({"order_id": order})),
            post(format!("/v1/payments/{payment}/refund"), &json!({"reason": "why not"})),
            post(format!("/v1/returns/{back}/approve"), &json!({})),
        ]
    }
}

/// What those read who look after the shop.
const OF_THE_SHOP: [&str; 3] = ["/v1/sales?currency=EUR", "/v1/events?after=0", "/v1/projections"];

/// Everybody asks for what is not theirs, and nothing comes of it.
pub async fn trespass(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let (owner, other) = (shop.welcome(true).await?, shop.welcome(true).await?);
    let guest = shop.welcome(false).await?;
    let order = shop.buy_as(&owner, &[(MUG, 1)]).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    deliver_all(shop, &order).await?;
    shop.payment_is(&payment, "captured").await?;
    let cart = shop.fill_cart(&owner, &[(BAG, 1)]).await?;
    let lines = json!([{"sku": MUG, "quantity": 1}]);
    let back = json!({"order_id": order, "lines": lines, "reason": "does not fit"});
    let back = shop.person(&owner).ask("/v1/returns", back).await?;
    let theirs = Theirs { order, cart, payment, back };
    let before = as_they_are(shop, &theirs).await?;
    for shopper in [shop.person(&other), shop.person(&guest)] {
        for path in theirs.documents() {
            answered(404, shopper.look(&path).await?, &path)?;
        }
        all_answered(404, &shopper, theirs.for_its_owner()).await?;
        all_answered(403, &shopper, theirs.for_the_shop()).await?;
        for path in OF_THE_SHOP {
            answered(403, shopper.look(path).await?, path)?;
        }
    }
    for path in theirs.documents().iter().map(String::as_str).chain(OF_THE_SHOP) {
        answered(401, shop.stranger().look(path).await?, path)?;
    }
    all_answered(401, &shop.stranger(), theirs.for_its_owner()).await?;
    all_answered(401, &shop.stranger(), theirs.for_the_shop()).await?;
    for member in [shop.analyst(), shop.ops()] {
        all_answered(403, &member, theirs.for_the_shop()).await?;
    }
    answered(403, shop.clerk().look("/v1/projections").await?, "/v1/projections")?;
    let after = as_they_are(shop, &theirs).await?;
    ensure!(before == after, "something changed: {before:?} became {after:?}");
    let Theirs { order, cart, back, .. } = theirs;
    shop.person(&owner).ask(&format!("/v1/carts/{cart}/abandon"), json!({})).await?;
    let no = json!({"reason": "used"});
    shop.ask(&format!("/v1/returns/{back}/reject"), no).await?;
    let (gross, owed, paid) = (10_00, 10_00, 10_00);
    ledger.order(Truth { act: "trespass", order, status: "completed", gross, owed, paid });
    ledger.stock(MUG, -1);
    Ok(())
}

async fn as_they_are(shop: &Shop, theirs: &Theirs) -> Result<Vec<Value>> {
    let mut all = vec![shop.read(&format!("/v1/stock/{MUG}")).await?];
    for path in theirs.documents() {
        all.push(shop.read(&path).await?);
    }
    Ok(all)
}

async fn all_answered(
    status: u16,
    caller: &Caller<'_>,
    asked: Vec<(Method, String, Value)>,
) -> Result<()> {
    for (method, path, body) in asked {
        answered(status, caller.send(method, &path, &body).await?, &path)?;
    }
    Ok(())
}

/// That is what is answered.
pub fn answered(wanted: u16, (status, answer): (u16, Value), path: &str) -> Result<()> {
    ensure!(status == wanted, "{path} is answered {status}, not {wanted}: {answer}");
    Ok(())
}

/// A customer wants to be forgotten: nobody knows where their order went, and it stays in the
/// books.
pub async fn forgotten(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    let person = shop.welcome(true).await?;
    let order = shop.buy_as(&person, &[(BAG, 1)]).await?;
    let payment = shop.pay(&order, "pm_card_visa").await?;
    deliver_all(shop, &order).await?;
    shop.payment_is(&payment, "captured").await?;
    let address = format!("/v1/addresses/{}", person.address);
    let clerk = shop.clerk();
    answered(200, clerk.send(Method::GET, &address, &json!({})).await?, &address)?;
    let credentials = person.credentials.clone().unwrap_or_default();
    let farewell = json!({"password": credentials["password"]});
    give(&shop.person(&person), "/v1/people/me/forget", &farewell).await?;
    answered(410, clerk.send(Method::GET, &address, &json!({})).await?, &address)?;
    let sign_in = "/v1/sessions";
    let again = shop.stranger().send(Method::POST, sign_in, &credentials).await?;
    answered(401, again, sign_in)?;
    let (gross, owed, paid) = (40_00, 40_00, 40_00);
    ledger.order(Truth { act: "forgotten", order, status: "completed", gross, owed, paid });
    ledger.stock(BAG, -1);
    Ok(())
}
