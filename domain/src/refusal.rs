//! Why a command was refused, under a code that never changes.
//!
//! Refusals are stored with the command's key, so that a retry gets the same answer. What they
//! mean in HTTP is command-api's business.

use serde::{Deserialize, Serialize};

use crate::text::Sku;
use crate::{cart, command, fulfilment, order, payment, product, sku, stock};

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// By a product.
    #[error(transparent)]
    Product(#[from] product::Error),
    /// By a SKU.
    #[error("SKU {sku}: {error}")]
    Sku {
        /// Which.
        sku: Sku,
        /// Why.
        error: sku::Error,
    },
    /// By the stock of a SKU.
    #[error("SKU {sku}: {error}")]
    Stock {
        /// Which.
        sku: Sku,
        /// Why.
        error: stock::Error,
    },
    /// By a cart.
    #[error(transparent)]
    Cart(#[from] cart::Error),
    /// By an order.
    #[error(transparent)]
    Order(#[from] order::Error),
    /// By a payment.
    #[error(transparent)]
    Payment(#[from] payment::Error),
    /// By a parcel.
    #[error(transparent)]
    Fulfilment(#[from] fulfilment::Error),
    /// By the catalogue: the SKU is not on offer.
    #[error("SKU {sku}: {error}")]
    Offer {
        /// Which.
        sku: Sku,
        /// Why.
        error: command::OfferError,
    },
    /// At checkout.
    #[error(transparent)]
    Checkout(#[from] command::CheckoutError),
    /// The stream has moved on since the caller read it.
    #[error("the version is {actual}, not {expected}")]
    VersionMismatch {
        /// The version the caller named.
        expected: i64,
        /// The version it has.
        actual: i64,
    },
}

/// What sort of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the command speaks of does not exist.
    NotFound,
    /// The state of things does not allow it now.
    Conflict,
    /// It would never be allowed.
    Invalid,
    /// The caller's precondition does not hold.
    Precondition,
}

impl Refusal {
    /// The stable code and the sort of refusal.
    pub fn code(&self) -> (&'static str, Kind) {
        match self {
            Self::Product(error) => product_code(error),
            Self::Sku { error: sku::Error::Taken, .. } => ("sku_taken", Kind::Conflict),
            Self::Stock { error, .. } => stock_code(error),
            Self::Cart(error) => cart_code(error),
            Self::Order(error) => order_code(error),
            Self::Payment(error) => payment_code(error),
            Self::Fulfilment(error) => fulfilment_code(error),
            Self::Offer { error, .. } => match error {
                command::OfferError::UnknownSku => ("unknown_sku", Kind::NotFound),
                command::OfferError::NotForSale => ("not_for_sale", Kind::Conflict),
                command::OfferError::NotPriced(_) => ("not_priced_in_currency", Kind::Conflict),
            },
            Self::Checkout(error) => match error {
                command::CheckoutError::OutOfStock(_) => ("out_of_stock", Kind::Conflict),
                command::CheckoutError::PriceChanged(_) => ("price_changed", Kind::Conflict),
            },
            Self::VersionMismatch { .. } => ("version_mismatch", Kind::Precondition),
        }
    }
}

fn product_code(error: &product::Error) -> (&'static str, Kind) {
    use product::Error as E;
    match error {
        E::AlreadyExists => ("product_already_exists", Kind::Conflict),
        E::NotFound => ("product_not_found", Kind::NotFound),
        E::Archived => ("product_archived", Kind::Conflict),
        E::NothingToSell => ("nothing_to_sell", Kind::Conflict),
        E::NoSuchVariant => ("variant_not_found", Kind::NotFound),
        E::TooMany(_) => ("too_many_items", Kind::Invalid),
        E::DuplicateSku(_) => ("duplicate_sku", Kind::Invalid),
        E::DuplicateCurrency(_) => ("duplicate_currency", Kind::Invalid),
        E::LastVariant => ("last_variant", Kind::Conflict),
    }
}

fn stock_code(error: &stock::Error) -> (&'static str, Kind) {
    use stock::Error as E;
    match error {
        E::OutOfStock { .. } => ("out_of_stock", Kind::Conflict),
        E::WouldGoNegative { .. } => ("stock_would_go_negative", Kind::Conflict),
        E::TooMany => ("stock_too_large", Kind::Invalid),
        E::TooManyLocations => ("too_many_locations", Kind::Invalid),
        E::NothingToAdjust => ("nothing_to_adjust", Kind::Invalid),
        E::AlreadyReserved => ("stock_already_reserved", Kind::Conflict),
        E::NotHeld => ("stock_not_held", Kind::Conflict),
    }
}

fn cart_code(error: &cart::Error) -> (&'static str, Kind) {
    use cart::Error as E;
    match error {
        E::AlreadyExists => ("cart_already_exists", Kind::Conflict),
        E::NotFound => ("cart_not_found", Kind::NotFound),
        E::CheckedOut => ("cart_checked_out", Kind::Conflict),
        E::Abandoned => ("cart_abandoned", Kind::Conflict),
        E::Empty => ("cart_empty", Kind::Conflict),
        E::NoSuchLine => ("cart_line_not_found", Kind::NotFound),
        E::TooManyLines => ("too_many_cart_lines", Kind::Conflict),
        E::TooManyUnits => ("too_many_units", Kind::Invalid),
    }
}

fn order_code(error: &order::Error) -> (&'static str, Kind) {
    use order::Error as E;
    match error {
        E::AlreadyExists => ("order_already_exists", Kind::Conflict),
        E::NotFound => ("order_not_found", Kind::NotFound),
        E::TotalOutOfBounds => ("total_out_of_bounds", Kind::Invalid),
        E::NotPending => ("order_not_pending", Kind::Conflict),
        E::NotConfirmed => ("order_not_confirmed", Kind::Conflict),
        E::PaymentOpen => ("payment_already_started", Kind::Conflict),
        E::Completed => ("order_completed", Kind::Conflict),
        E::Cancelled => ("order_cancelled", Kind::Conflict),
        E::AlreadyShipped => ("order_already_shipped", Kind::Conflict),
        E::NotDelivered => ("order_not_delivered", Kind::Conflict),
        E::NothingLeft { .. } => ("nothing_left_to_send", Kind::Conflict),
        E::AllPlanned => ("order_fully_planned", Kind::Conflict),
        E::FulfilmentExists => ("fulfilment_already_exists", Kind::Conflict),
        E::NoSuchFulfilment => ("fulfilment_not_found", Kind::NotFound),
        E::TooManyFulfilments => ("too_many_fulfilments", Kind::Conflict),
    }
}

fn payment_code(error: &payment::Error) -> (&'static str, Kind) {
    use payment::Error as E;
    match error {
        E::AlreadyExists => ("payment_already_exists", Kind::Conflict),
        E::NotFound => ("payment_not_found", Kind::NotFound),
        E::RequestInFlight => ("payment_request_in_flight", Kind::Conflict),
        E::NoSuchRequest => ("payment_request_not_found", Kind::NotFound),
        E::WrongState { .. } => ("payment_wrong_state", Kind::Conflict),
        E::TooMuch { .. } => ("amount_too_large", Kind::Conflict),
        E::BadAmount => ("invalid_amount", Kind::Invalid),
    }
}

fn fulfilment_code(error: &fulfilment::Error) -> (&'static str, Kind) {
    use fulfilment::Error as E;
    match error {
        E::AlreadyExists => ("fulfilment_already_exists", Kind::Conflict),
        E::NotFound => ("fulfilment_not_found", Kind::NotFound),
        E::WrongState { .. } => ("fulfilment_wrong_state", Kind::Conflict),
    }
}
