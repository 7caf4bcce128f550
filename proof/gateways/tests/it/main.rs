//! The stand-ins from outside, over HTTP, as a caller meets them.

#![allow(clippy::unwrap_used)]

mod caller;
mod paypal;
mod stripe;
