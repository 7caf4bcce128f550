//! Nobody asks a SKU: whose it is follows from what is asked of products.

use super::{Events, Stop};
use crate::state::Streams;
use crate::text::Sku;

/// There is nothing to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {}

impl Command {
    /// Whether the subject is new.
    pub fn creates(&self) -> bool {
        match *self {}
    }
}

pub(crate) fn decide(_: Sku, command: Command, _: Streams) -> Result<Events, Stop> {
    match command {}
}
