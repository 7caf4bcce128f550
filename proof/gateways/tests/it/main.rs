//! The stand-ins from outside, over HTTP, as callers meet them; the engine is one of these.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails here

mod engine;
mod paypal;
mod stripe;
