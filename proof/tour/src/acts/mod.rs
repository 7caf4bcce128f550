//! The acts of the season, one after the other. Each ends with what is true then, in the ledger.

mod paying;
mod people;
mod returning;
mod sending;
mod working;

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde_json::json;

use crate::gateway::Stripe;
use crate::ledger::Ledger;
use crate::say;
use crate::shop::Shop;

/// What the shop sells: a mug for 10.00, a bag for 40.00, a lamp for 25.50.
pub const MUG: &str = "MUG";
pub const BAG: &str = "BAG";
pub const LAMP: &str = "LAMP";
/// Units of each when the season begins.
const STOCK: u32 = 100;

/// Plays them all. The gateway's `outage` lasts so much longer than its act.
pub async fn all(
    shop: &Shop,
    stripe: &mut Stripe,
    ledger: &mut Ledger,
    outage: Duration,
) -> Result<()> {
    /// Plays one, and says how long it took.
    macro_rules! act {
        ($name:literal, $act:expr) => {
            let began = Instant::now();
            $act.await.context($name)?;
            say(&format!("{:>6} ms  {}", began.elapsed().as_millis(), $name));
        };
    }
    act!("the shop opens", open(shop, ledger));
    act!("guests pay by card and get their goods", paying::guests(shop, ledger));
    act!("a declined card is followed by another", paying::declined(shop, ledger));
    act!("a bank wants to be asked", paying::bank(shop, stripe, ledger));
    act!("a shopper leaves the bank for cash", paying::leaves_the_bank(shop, ledger));
    act!("a gateway stands still while people buy", paying::outage(shop, stripe, ledger, outage));
    act!("an order is made smaller before it is paid", sending::smaller(shop, ledger));
    act!("cash is refused at the door", sending::refused(shop, ledger));
    act!("cash for what was handed over, the rest is lost", sending::in_parts(shop, ledger));
    act!("one of two is taken at the door", sending::one_of_two(shop, ledger));
    act!("a unit turns out to be broken", sending::broken(shop, ledger));
    act!("a parcel is lost", sending::lost(shop, ledger));
    act!("a lost order turns up and is paid again", sending::found(shop, ledger));
    act!("goods come back", returning::goods(shop, ledger));
    act!("cash goes back by hand", returning::cash(shop, ledger));
    act!("goodwill in the gateway's own dashboard", returning::goodwill(shop, stripe, ledger));
    act!("a dispute is lost", returning::dispute(shop, stripe, ledger));
    act!("the wrong people ask", people::trespass(shop, ledger));
    act!("somebody is forgotten", people::forgotten(shop, ledger));
    act!("somebody works with a second factor", working::second_factor(shop));
    act!("a program has a key until it is revoked", working::key(shop, ledger));
    act!("those who should be told are told", working::told(shop, ledger));
    Ok(())
}

async fn open(shop: &Shop, ledger: &mut Ledger) -> Result<()> {
    for (sku, title, price) in
        [(MUG, "Mug", "10.00"), (BAG, "Bag", "40.00"), (LAMP, "Lamp", "25.50")]
    {
        let product = shop.ask("/v1/products", json!({"title": title})).await?;
        let price = json!({"prices": [{"amount": price, "currency": "EUR"}]});
        let path = format!("/v1/products/{product}/variants/{sku}");
        shop.ask_by(Method::PUT, &path, price).await?;
        shop.ask(&format!("/v1/products/{product}/publish"), json!({})).await?;
        let received = json!({"location": "main", "quantity": STOCK});
        shop.ask(&format!("/v1/stock/{sku}/receive"), received).await?;
        ledger.stock(sku, i64::from(STOCK));
    }
    Ok(())
}

/// Sends all of an order and hands it over.
async fn deliver_all(shop: &Shop, order: &str) -> Result<()> {
    shop.order_is(order, "confirmed").await?;
    let parcel = shop.send_parcel(order, &[]).await?;
    shop.parcel(&parcel, "deliver", json!({})).await?;
    shop.order_is(order, "completed").await.map(drop)
}
