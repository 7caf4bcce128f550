//! Carts created and filled, one command a request, each under its own idempotency key.

use std::sync::Arc;

use anyhow::Result;
use uuid::Uuid;

use super::catalogue;
use super::client::Connection;
use super::drive::{Caller, Pace, closed_loop};
use super::figures::Figures;
use super::wire::Request;

/// Lines put into each cart after it is created.
pub const LINES_PER_CART: usize = 4;
/// Products on sale, so that carts differ.
pub const PRODUCTS: usize = 50;

/// Drives carts and returns the figures.
pub async fn drive(pace: &Pace) -> Result<Figures> {
    drive_as(pace, &[]).await
}

/// The same, each connection as a guest who sends one of these tokens, where there are any.
pub async fn drive_as(pace: &Pace, guests: &[String]) -> Result<Figures> {
    let mut connection = Connection::open(&pace.addresses[0]).await?;
    let skus = Arc::new(catalogue::offer(&mut connection, PRODUCTS).await?);
    closed_loop(pace, |number| {
        let guest = guests.get(number).map(|token| format!("Bearer {token}"));
        Shopper { guest, ..Shopper::new(number, skus.clone()) }
    })
    .await
}

/// One shopper after the other, on one connection.
pub struct Shopper {
    skus: Arc<Vec<String>>,
    run: String,
    number: usize,
    commands: usize,
    cart: Uuid,
    lines: usize,
    guest: Option<String>,
}

impl Shopper {
    /// Of several shoppers, `number` makes their carts differ.
    pub fn new(number: usize, skus: Arc<Vec<String>>) -> Self {
        let run = Uuid::now_v7().simple().to_string();
        let (cart, lines) = (Uuid::nil(), LINES_PER_CART);
        Self { skus, run, number, commands: 0, cart, lines, guest: None }
    }

    /// The cart that the last command was about.
    pub fn cart(&self) -> Uuid {
        self.cart
    }
}

impl Caller for Shopper {
    fn next(&mut self) -> Request {
        self.commands += 1;
        let request = if self.lines == LINES_PER_CART {
            self.lines = 0;
            self.cart = Uuid::now_v7();
            let body = format!(r#"{{"id":"{}","currency":"EUR"}}"#, self.cart);
            Request::post("/v1/carts".to_owned(), body)
        } else {
            let choice = self.number + self.lines * 7 + self.commands;
            let sku = &self.skus[choice % self.skus.len()];
            self.lines += 1;
            let body = format!(r#"{{"sku":"{sku}","quantity":1}}"#);
            Request::post(format!("/v1/carts/{}/lines", self.cart), body)
        };
        let request = request.with("idempotency-key", format!("{}-{}", self.run, self.commands));
        match &self.guest {
            Some(token) => request.with("authorization", token.clone()),
            None => request,
        }
    }
}
