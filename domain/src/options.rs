//! What sets a variant of a product apart from the others: `Size: M`, `Colour: brown`, in the order
//! in which the shop names them.
//!
//! In JSON they are a list of names and values, everywhere: in commands, events and documents. An
//! object would not do. Its members have no order by the standard, and those who keep one do so by
//! luck: Postgres sorts those of a `jsonb` by length, JavaScript puts names that look like numbers
//! first.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{Invalid, Label};

/// Options of one variant, each name once, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<VariantOption>", into = "Vec<VariantOption>")]
#[schemars(extend("maxItems" = Options::COUNT_MAX))]
pub struct Options(Vec<VariantOption>);

/// One option of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantOption {
    /// What is chosen: `Size`.
    pub name: Label,
    /// Which: `M`.
    pub value: Label,
}

impl Options {
    /// Options a variant may have.
    pub const COUNT_MAX: usize = 100;

    /// All of them, in order.
    pub fn as_slice(&self) -> &[VariantOption] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<VariantOption>> for Options {
    type Error = Invalid;
    fn try_from(options: Vec<VariantOption>) -> Result<Self, Invalid> {
        let mut names: Vec<&Label> = options.iter().map(|option| &option.name).collect();
        names.sort_unstable();
        names.dedup();
        if options.len() > Self::COUNT_MAX || names.len() < options.len() {
            return Err(Invalid("a list of at most 100 names with values, each name once"));
        }
        Ok(Self(options))
    }
}

impl From<Options> for Vec<VariantOption> {
    fn from(options: Options) -> Self {
        options.0
    }
}
