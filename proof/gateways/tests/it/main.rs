//! The stand-ins from outside, over HTTP, as a caller meets them.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails here

mod paypal;
mod stripe;
