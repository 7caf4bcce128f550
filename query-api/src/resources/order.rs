//! `/v1/orders`: orders with their payments and parcels.

use chrono::{DateTime, Utc};
use domain::page::order::{self, Document, FulfilmentStatus, PaymentStatus, Status};
use domain::{Currency, OrderId};
use uuid::Uuid;

use crate::cursor::{Kind, in_range};
use crate::list::{list, sorts};
use crate::listing::{CREATED, SortKeys, word};
use crate::one::resource;

resource! {
    /// An order.
    Order = "order", of Orders in "orders";
    stream Order(OrderId);
    document Document, by order::fold, parts order::part;
}

const TOTAL: SortKeys = &[("total", Kind::Amount), ("id", Kind::Id)];

sorts! {
    Oldest = "created_at", "orders", CREATED up;
    #[default]
    Newest = "-created_at", "orders -", CREATED down;
    Smallest = "total", "orders total", TOTAL up;
    Largest = "-total", "orders -total", TOTAL down;
}

list! {
    /// Which orders.
    Orders of Orders in "orders", sorted by Sorting;
    /// Where they stand.
    status: Status, "status =" => word;
    /// Where their payments stand.
    payment_status: PaymentStatus, "payment_status =" => word;
    /// Where their parcels stand.
    fulfilment_status: FulfilmentStatus, "fulfilment_status =" => word;
    /// Of this customer.
    customer_id: Uuid, "customer_id =";
    /// In this currency.
    currency: Currency, "currency =" => word;
    /// Placed then or later.
    created_from: DateTime<Utc>, "created_at >=" => in_range;
    /// Placed before.
    created_before: DateTime<Utc>, "created_at <" => in_range;
}
