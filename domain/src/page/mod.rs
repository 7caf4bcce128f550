//! Documents that are made of several kinds of stream: an order with its payments and parcels, a
//! cart with what its lines are today, a day's sales, what a shopper's search finds. What readers
//! see of one kind alone lies with it, in its `document.rs`.
//!
//! A document is the JSON that is served, whole; and it is all that the next fold needs, so that
//! it can be kept, taken up again and brought to any position. Each `fold` takes the document as
//! it was and one event, and gives the document as it is then; events that are not about it leave
//! it as it was. Where a document is made of several streams, their order against each other does
//! not matter, only the order within each. The cart alone has no fold: it is put together of other
//! documents, each time it is read.
//!
//! No tables and no queries here: who keeps the documents is the projector's business.

pub mod cart;
pub mod order;
pub mod order_keys;
pub mod sales;
pub mod search;
pub mod search_keys;
pub mod title_order;

#[cfg(test)]
mod corrected_tests;
pub(crate) mod example;
mod html;
mod order_status;
#[cfg(test)]
mod order_status_tests;
#[cfg(test)]
mod product_tests;
#[cfg(test)]
mod sales_tests;
#[cfg(test)]
mod tests;
