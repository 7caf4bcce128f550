//! Streams: which one an event belongs to, what they are called, and which slot they share.

use std::str::FromStr;

use crate::ids::{CartId, FulfilmentId, OrderId, PaymentId, ProductId};
use crate::text::Sku;

/// Projections spread their work over this many slots. Part of every stored event and every NATS
/// subject: never change it on a live log.
pub const SLOTS: u16 = 256;

/// The kinds of stream. The name is the prefix of the stream's name: never rename one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// A catalogue product.
    Product,
    /// Which product a SKU belongs to.
    Sku,
    /// The stock of a SKU at every location.
    Stock,
    /// A cart.
    Cart,
    /// An order.
    Order,
    /// A payment of an order.
    Payment,
    /// A parcel of an order.
    Fulfilment,
}

impl Category {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Product,
        Self::Sku,
        Self::Stock,
        Self::Cart,
        Self::Order,
        Self::Payment,
        Self::Fulfilment,
    ];

    /// The stored name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Sku => "sku",
            Self::Stock => "stock",
            Self::Cart => "cart",
            Self::Order => "order",
            Self::Payment => "payment",
            Self::Fulfilment => "fulfilment",
        }
    }
}

/// The name of one stream: `cart-0192…`, `stock-TOTE-BRN`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// A catalogue product.
    Product(ProductId),
    /// Which product a SKU belongs to.
    Sku(Sku),
    /// The stock of a SKU at every location.
    Stock(Sku),
    /// A cart.
    Cart(CartId),
    /// An order.
    Order(OrderId),
    /// A payment of an order.
    Payment(PaymentId),
    /// A parcel of an order.
    Fulfilment(FulfilmentId),
}

impl StreamId {
    /// The kind of stream.
    pub fn category(&self) -> Category {
        match self {
            Self::Product(_) => Category::Product,
            Self::Sku(_) => Category::Sku,
            Self::Stock(_) => Category::Stock,
            Self::Cart(_) => Category::Cart,
            Self::Order(_) => Category::Order,
            Self::Payment(_) => Category::Payment,
            Self::Fulfilment(_) => Category::Fulfilment,
        }
    }

    /// The id within the category, as it stands in URLs.
    pub fn key(&self) -> String {
        match self {
            Self::Product(id) => id.to_string(),
            Self::Sku(sku) | Self::Stock(sku) => sku.to_string(),
            Self::Cart(id) => id.to_string(),
            Self::Order(id) => id.to_string(),
            Self::Payment(id) => id.to_string(),
            Self::Fulfilment(id) => id.to_string(),
        }
    }

    /// The stream of `category` whose id is `key`; `None` if `key` is no such id.
    pub fn of(category: Category, key: &str) -> Option<Self> {
        Some(match category {
            Category::Product => Self::Product(key.parse().ok()?),
            Category::Sku => Self::Sku(key.parse().ok()?),
            Category::Stock => Self::Stock(key.parse().ok()?),
            Category::Cart => Self::Cart(key.parse().ok()?),
            Category::Order => Self::Order(key.parse().ok()?),
            Category::Payment => Self::Payment(key.parse().ok()?),
            Category::Fulfilment => Self::Fulfilment(key.parse().ok()?),
        })
    }
}

impl std::fmt::Display for StreamId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let category = self.category().name();
        match self {
            Self::Product(id) => write!(f, "{category}-{id}"),
            Self::Sku(sku) | Self::Stock(sku) => write!(f, "{category}-{sku}"),
            Self::Cart(id) => write!(f, "{category}-{id}"),
            Self::Order(id) => write!(f, "{category}-{id}"),
            Self::Payment(id) => write!(f, "{category}-{id}"),
            Self::Fulfilment(id) => write!(f, "{category}-{id}"),
        }
    }
}

/// A name that is no stream's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the name of a stream")]
pub struct NotAStream(pub String);

impl FromStr for StreamId {
    type Err = NotAStream;
    fn from_str(name: &str) -> Result<Self, NotAStream> {
        let refuse = || NotAStream(name.chars().take(128).collect());
        let (prefix, key) = name.split_once('-').ok_or_else(refuse)?;
        let category = Category::ALL
            .into_iter()
            .find(|category| category.name() == prefix)
            .ok_or_else(refuse)?;
        Self::of(category, key).ok_or_else(refuse)
    }
}

/// The slot of a partition key. CRC-32, so that any language can compute it from the key.
pub fn slot_of(partition_key: &str) -> u16 {
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below SLOTS, a u16")]
    let slot = (crc32fast::hash(partition_key.as_bytes()) % u32::from(SLOTS)) as u16;
    slot
}
