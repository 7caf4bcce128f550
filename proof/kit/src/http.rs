//! The same asked over HTTP: which path with which body, a step each, from goods on sale to an
//! order. Whoever sends a step, by which client and under which key, knows that alone.

use serde_json::{Value, json};

/// What is posted where.
pub type Step = (String, Value);

/// A product with one variant at 19.99 EUR.
pub fn product(sku: &str) -> Step {
    let variant = json!({"sku": sku, "prices": [{"amount": "19.99", "currency": "EUR"}]});
    ("/v1/products".to_owned(), json!({"title": "Tote", "variants": [variant]}))
}
pub fn publish(product: &str) -> Step {
    (format!("/v1/products/{product}/publish"), json!({}))
}
pub fn receive(sku: &str, units: u32) -> Step {
    (format!("/v1/stock/{sku}/receive"), json!({"location": "main", "quantity": units}))
}
pub fn open_cart() -> Step {
    ("/v1/carts".to_owned(), json!({"currency": "EUR"}))
}
pub fn put_in(cart: &str, sku: &str, units: u32) -> Step {
    (format!("/v1/carts/{cart}/lines"), json!({"sku": sku, "quantity": units}))
}
pub fn check_out(cart: &str) -> Step {
    (format!("/v1/carts/{cart}/checkout"), json!({}))
}

/// Puts a SKU on sale, of which there are so many. Returns its product; `send` returns the id that
/// an answer has.
pub async fn sell(sku: &str, units: u32, mut send: impl AsyncFnMut(Step) -> String) -> String {
    let product = send(product(sku)).await;
    send(publish(&product)).await;
    if units > 0 {
        send(receive(sku, units)).await;
    }
    product
}

/// Opens a cart with so many of a SKU in it, and returns it.
pub async fn fill(sku: &str, units: u32, mut send: impl AsyncFnMut(Step) -> String) -> String {
    let cart = send(open_cart()).await;
    send(put_in(&cart, sku, units)).await;
    cart
}
