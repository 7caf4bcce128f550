//! Ids, keys and fingerprints, derived from what the file says, so that the same file gives the
//! same ones for ever. The names that go into them must never change.

use domain::{CustomerId, FulfilmentId, OrderId, PaymentId, ProductId};
use uuid::Uuid;

/// The id of `name` among the things called `kind`.
fn derive(kind: &str, name: &str) -> Uuid {
    let kind = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("urn:commerce:import:{kind}").as_bytes());
    Uuid::new_v5(&kind, name.as_bytes())
}

/// The product with this handle in a product file.
pub fn product_of_handle(handle: &str) -> ProductId {
    ProductId(derive("handle", handle))
}

/// The product with this id in an order file.
pub fn product_of_history(id: &str) -> ProductId {
    ProductId(derive("product", id))
}

/// A customer of an order file.
pub fn customer(id: &str) -> CustomerId {
    CustomerId(derive("customer", id))
}

/// Where a customer of a file lives. Made of who they are, and not of where: an id is no secret.
pub fn address_of_customer(customer: Uuid) -> Uuid {
    derive("address of customer", &customer.to_string())
}

/// Where an order of a file went.
pub fn address_of_order(order: OrderId) -> Uuid {
    derive("address of order", &order.to_string())
}

/// An order of an order file.
pub fn order(id: &str) -> OrderId {
    OrderId(derive("order", id))
}

/// The payment of the order.
pub fn payment(order: OrderId) -> PaymentId {
    PaymentId(derive("payment", &order.to_string()))
}

/// The order's parcel of that number, from 0.
pub fn fulfilment(order: OrderId, number: usize) -> FulfilmentId {
    FulfilmentId(derive("fulfilment", &format!("{order} {number}")))
}

/// The digest of a content.
pub fn fingerprint(content: &str) -> Uuid {
    derive("content", content)
}

/// Eight letters that stand for `text`, for names that had to be changed.
pub fn short(text: &str) -> String {
    let mut digest = derive("short", text).simple().to_string();
    digest.truncate(8);
    digest
}
