//! The tour's own books: what each act knows to be true of orders, stock and sales, by reckoning
//! and not by asking; and whether the engine agrees.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::shop::Shop;

/// The largest page of days that is asked for.
const DAYS_MAX: usize = 100;

/// What is true of an order at the end of the season.
pub struct Truth {
    /// In which act it came about.
    pub act: &'static str,
    /// Which.
    pub order: String,
    /// How it ended.
    pub status: &'static str,
    /// What it cost when it became certain, in cents.
    pub gross: i64,
    /// What is owed for it, in cents.
    pub owed: i64,
    /// What was kept of its money, in cents.
    pub paid: i64,
}

/// The books.
#[derive(Default)]
pub struct Ledger {
    truths: Vec<Truth>,
    on_hand: BTreeMap<&'static str, i64>,
}

impl Ledger {
    /// Units come (or go) by themselves.
    pub fn stock(&mut self, sku: &'static str, units: i64) {
        *self.on_hand.entry(sku).or_default() += units;
    }

    /// An order has come to its end.
    pub fn order(&mut self, truth: Truth) {
        self.truths.push(truth);
    }

    /// Compares every figure; how many they were.
    pub async fn check(&self, shop: &Shop) -> Result<usize> {
        let mut figures = 0;
        for truth in &self.truths {
            figures += check_order(shop, truth).await?;
        }
        for (sku, on_hand) in &self.on_hand {
            figures += check_stock(shop, sku, *on_hand).await?;
        }
        Ok(figures + self.check_sales(shop).await? + check_projections(shop).await?)
    }

    /// Sales of all days: what was certain, less what is off or went back, whichever is more.
    async fn check_sales(&self, shop: &Shop) -> Result<usize> {
        let page = shop.analyst().read(&format!("/v1/sales?currency=EUR&limit={DAYS_MAX}")).await?;
        let days = page["items"].as_array().cloned().unwrap_or_default();
        let sum = |pointer: &str| -> Decimal {
            days.iter().filter_map(|day| day.pointer(pointer).and_then(decimal)).sum()
        };
        let certain = self.truths.iter().filter(|truth| truth.gross > 0);
        let gross: i64 = certain.clone().map(|truth| truth.gross).sum();
        let net: i64 = certain.clone().map(|truth| truth.owed.min(truth.paid)).sum();
        ensure!(sum("/gross/amount") == cents(gross), "gross is not {}: {page}", cents(gross));
        ensure!(sum("/net/amount") == cents(net), "net is not {}: {page}", cents(net));
        let orders: u64 = days.iter().filter_map(|day| day["orders"].as_u64()).sum();
        ensure!(orders == certain.count() as u64, "so many orders were not sold: {page}");
        Ok(3)
    }
}

/// Who looks after the engine sees nothing that was set aside.
async fn check_projections(shop: &Shop) -> Result<usize> {
    let page = shop.ops().read_now("/v1/projections").await?;
    let all = page["items"].as_array().cloned().unwrap_or_default();
    let parked = all.iter().filter(|it| it["parked_streams"] != 0).count();
    ensure!(!all.is_empty() && parked == 0, "something was set aside: {page}");
    Ok(all.len())
}

async fn check_order(shop: &Shop, truth: &Truth) -> Result<usize> {
    let Truth { act, order, status, owed, paid, .. } = truth;
    let document = shop.read(&format!("/v1/orders/{order}")).await?;
    ensure!(document["status"] == *status, "{act}: the order is not {status}: {document}");
    for (name, wanted) in [("owed", *owed), ("paid", *paid), ("to_refund", 0)] {
        let amount = document.pointer(&format!("/{name}/amount")).and_then(decimal);
        let wanted = cents(wanted);
        ensure!(amount == Some(wanted), "{act}: {name} is not {wanted}: {document}");
    }
    for payment in document["payments"].as_array().into_iter().flatten() {
        ensure!(payment["pending"].is_null(), "{act}: a gateway is being asked: {document}");
    }
    Ok(4)
}

async fn check_stock(shop: &Shop, sku: &str, on_hand: i64) -> Result<usize> {
    let stock = shop.read(&format!("/v1/stock/{sku}")).await?;
    ensure!(stock["on_hand"] == on_hand, "{sku}: {on_hand} are there, not {stock}");
    for held in ["reserved", "committed"] {
        ensure!(stock[held] == 0, "{sku}: units are held for nobody: {stock}");
    }
    Ok(3)
}

fn decimal(value: &Value) -> Option<Decimal> {
    value.as_str()?.parse().ok()
}

fn cents(amount: i64) -> Decimal {
    Decimal::new(amount, 2)
}
