//! Who buys, and whose something is: as it stands in events. As whom a command is decided is
//! [`crate::by`]'s.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, GuestId};

/// Somebody who buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shopper {
    /// Who has not signed in.
    Guest(GuestId),
    /// Who has.
    Customer(CustomerId),
}

/// Whose something is: a customer's, or a guest's who has not signed in; the shop's own, where it
/// is nobody's. Its fields stand among the members of events and documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<CustomerId>,
    /// The guest who began it; they have it no more once it is a customer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
}

impl Owner {
    /// A customer.
    pub fn customer(id: CustomerId) -> Self {
        Self { customer_id: Some(id), guest_id: None }
    }

    /// Whether it is theirs.
    pub fn is(&self, shopper: Shopper) -> bool {
        match shopper {
            Shopper::Customer(id) => self.customer_id == Some(id),
            Shopper::Guest(id) => self.customer_id.is_none() && self.guest_id == Some(id),
        }
    }
}

impl From<Shopper> for Owner {
    fn from(shopper: Shopper) -> Self {
        match shopper {
            Shopper::Customer(id) => Self::customer(id),
            Shopper::Guest(id) => Self { customer_id: None, guest_id: Some(id) },
        }
    }
}
