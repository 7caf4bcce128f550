//! The documents of the APIs, judged.

mod asked;
mod client;
mod documents;
