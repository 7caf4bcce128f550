//! Tokens from signing to asking, over signing keys in a database of its own per test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod api_keys;
mod forged;
mod hang_ups;
mod hanging;
mod keys;
mod oidc;
mod people;
mod second_factor;
mod sign_ins;
mod squatters;
mod staff;
mod tokens;
