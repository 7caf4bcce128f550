//! Reading the names of streams, and the slots that streams share.

use std::str::FromStr;

use crate::{Category, StreamId};

/// Projections spread their work over this many slots. Part of every stored event and every NATS
/// subject: never change it on a live log.
pub const SLOTS: u16 = 256;

/// A name that is no stream's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the name of a stream")]
pub struct NotAStream(pub String);

impl FromStr for StreamId {
    type Err = NotAStream;
    fn from_str(name: &str) -> Result<Self, NotAStream> {
        let refuse = || NotAStream(name.chars().take(128).collect());
        let (prefix, key) = name.split_once('-').ok_or_else(refuse)?;
        let category = Category::ALL.iter().find(|category| category.name() == prefix);
        Self::of(*category.ok_or_else(refuse)?, key).ok_or_else(refuse)
    }
}

/// The slot of a partition key. CRC-32, so that any language can compute it from the key.
pub fn slot_of(partition_key: &str) -> u16 {
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below SLOTS, a u16")]
    let slot = (crc32fast::hash(partition_key.as_bytes()) % u32::from(SLOTS)) as u16;
    slot
}
