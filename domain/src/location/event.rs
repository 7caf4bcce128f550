//! What can happen to a location, as stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Label;

events! {
    /// It was said what it is: all of it, anew.
    Set = "location.set", schema 1;
}

/// `location.set`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Set {
    /// Whether what lies there is for sale.
    pub sellable: bool,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Label>,
    /// Where its address is found, as the caller refers to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_ref: Option<Label>,
}
