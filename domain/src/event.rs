//! Every event of the shop under its stored name, and the lifting of old ones to today's shape.
//!
//! A name that is not known here is an error, never skipped: somebody wrote it.

use serde_json::Value;

use crate::stream::{Category, StreamId};
use crate::{cart, fulfilment, order, payment, product, sku, stock};

/// Something that happened in the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// To a product.
    Product(product::Event),
    /// To a SKU.
    Sku(sku::Event),
    /// To stock.
    Stock(stock::Event),
    /// To a cart.
    Cart(cart::Event),
    /// To an order.
    Order(order::Event),
    /// To a payment.
    Payment(payment::Event),
    /// To a parcel.
    Fulfilment(fulfilment::Event),
}

/// Why a stored event cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No event has this name.
    #[error("unknown event type '{0}'")]
    UnknownType(String),
    /// It was written by a newer program.
    #[error("'{name}' has schema {found}; this program knows {known}")]
    NewerSchema {
        /// The event type.
        name: String,
        /// The schema found.
        found: u16,
        /// The newest schema known.
        known: u16,
    },
    /// The payload is not what its name promises.
    #[error("'{name}' has a payload of another shape")]
    Payload {
        /// The event type.
        name: String,
        /// What did not fit.
        #[source]
        source: serde_json::Error,
    },
}

impl Event {
    /// The stored type name and schema version.
    pub fn kind(&self) -> (&'static str, u16) {
        match self {
            Self::Product(event) => event.kind(),
            Self::Sku(event) => event.kind(),
            Self::Stock(event) => event.kind(),
            Self::Cart(event) => event.kind(),
            Self::Order(event) => event.kind(),
            Self::Payment(event) => event.kind(),
            Self::Fulfilment(event) => event.kind(),
        }
    }

    /// The kind of stream it belongs to.
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

    /// The payload as JSON.
    ///
    /// # Errors
    /// Never for events made by `decide`: their payloads have only text keys.
    pub fn encode(&self) -> serde_json::Result<String> {
        match self {
            Self::Product(event) => event.encode(),
            Self::Sku(event) => event.encode(),
            Self::Stock(event) => event.encode(),
            Self::Cart(event) => event.encode(),
            Self::Order(event) => event.encode(),
            Self::Payment(event) => event.encode(),
            Self::Fulfilment(event) => event.encode(),
        }
    }

    /// Reads a stored event, lifting an old schema to today's.
    pub fn decode(name: &str, schema: u16, payload: &str) -> Result<Self, DecodeError> {
        let known = schema_of(name).ok_or_else(|| DecodeError::UnknownType(name.to_owned()))?;
        if schema > known {
            return Err(DecodeError::NewerSchema { name: name.to_owned(), found: schema, known });
        }
        let shape = |source| DecodeError::Payload { name: name.to_owned(), source };
        if schema == known {
            return decode_current(name, payload).map_err(shape);
        }
        let old: Value = serde_json::from_str(payload).map_err(shape)?;
        let lifted = (schema..known).fold(old, |value, from| upcast(name, from, value));
        decode_current(name, &lifted.to_string()).map_err(shape)
    }

    /// What is read together shares a partition key, and with it a slot: an order, its payments
    /// and its parcels; a SKU and its stock; anything else by itself.
    pub fn partition_key(&self, stream: &StreamId) -> String {
        match self {
            Self::Payment(event) => event.order_id().to_string(),
            Self::Fulfilment(event) => event.order_id().to_string(),
            Self::Product(_) | Self::Sku(_) | Self::Stock(_) | Self::Cart(_) | Self::Order(_) => {
                stream.key()
            }
        }
    }
}

/// All event types with their current schema versions.
pub fn types() -> impl Iterator<Item = (&'static str, u16)> {
    [
        product::Event::TYPES,
        sku::Event::TYPES,
        stock::Event::TYPES,
        cart::Event::TYPES,
        order::Event::TYPES,
        payment::Event::TYPES,
        fulfilment::Event::TYPES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

fn schema_of(name: &str) -> Option<u16> {
    types().find(|(known, _)| *known == name).map(|(_, schema)| schema)
}

fn decode_current(name: &str, payload: &str) -> serde_json::Result<Event> {
    let prefix = name.split('.').next().unwrap_or_default();
    let decoded = match prefix {
        "product" => product::Event::decode(name, payload).map(|e| e.map(Event::Product)),
        "sku" => sku::Event::decode(name, payload).map(|e| e.map(Event::Sku)),
        "stock" => stock::Event::decode(name, payload).map(|e| e.map(Event::Stock)),
        "cart" => cart::Event::decode(name, payload).map(|e| e.map(Event::Cart)),
        "order" => order::Event::decode(name, payload).map(|e| e.map(Event::Order)),
        "payment" => payment::Event::decode(name, payload).map(|e| e.map(Event::Payment)),
        "fulfilment" => fulfilment::Event::decode(name, payload).map(|e| e.map(Event::Fulfilment)),
        _ => None,
    };
    // `schema_of` knew the name, so some aggregate does; the error keeps this total.
    decoded.unwrap_or_else(|| Err(serde::de::Error::custom("no aggregate has this event")))
}

/// Lifts a payload by one schema version. One arm a change, kept for ever.
fn upcast(name: &str, from: u16, mut payload: Value) -> Value {
    if (name, from) == ("product.created", 1) {
        // Schema 1 had the category as one text; schema 2 has the names of its path.
        if let Some(path) = payload["category"].as_str() {
            let names = path.split('>').map(str::trim).filter(|name| !name.is_empty());
            payload["category"] = names.map(Value::from).collect();
        }
    }
    payload
}

macro_rules! wraps {
    ($($variant:ident($module:ident)),+) => {
        $( impl From<$module::Event> for Event {
            fn from(event: $module::Event) -> Self { Self::$variant(event) }
        } )+
    };
}
wraps!(
    Product(product),
    Sku(sku),
    Stock(stock),
    Cart(cart),
    Order(order),
    Payment(payment),
    Fulfilment(fulfilment)
);
