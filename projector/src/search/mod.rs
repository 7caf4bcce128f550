//! What becomes of the searchable catalogue in Meilisearch.
//!
//! Meilisearch cannot join the transaction of a checkpoint. So the projection writes whole
//! documents to its table and marks them dirty, [`pusher`] sends the dirty ones and clears them
//! once Meilisearch has taken them, and [`sender`] is who may; [`audit`] sees to it that it still
//! has them, and no others; [`index`] is Meilisearch itself. Sending twice is harmless.

pub mod audit;
pub mod index;
pub mod leftovers;
pub mod pusher;
pub mod sender;
mod sent;

pub use index::{Index, IndexError, Meili};
