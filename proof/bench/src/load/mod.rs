//! What drives services, and counts: shared by the rows. How hard, and against what, is theirs.

pub mod carts;
pub mod catalogue;
pub mod client;
pub mod drive;
pub mod figures;
pub mod wire;
