//! What can happen to a medlar, as stored.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::Label;

events! {
    /// It came into being.
    Created = "quince.created", schema 1;
    /// It is not used any more.
    Retired = "quince.retired", schema 1;
}

/// `quince.created`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Created {
    /// What people call it.
    pub title: Label,
}

/// `quince.retired`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retired {}
