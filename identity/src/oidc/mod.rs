//! Tokens of other issuers: whoever speaks `OpenID` Connect and signs its access tokens (RFC 9068)
//! may say who somebody is. Which of them, and what their words mean here, is told by settings.
//!
//! * `settings`: whom to trust with what; `provider`: one of them, and where its keys come from;
//! * `jwk`: a key as it is published; `claims`: what a token of theirs says.

mod claims;
mod jwk;
mod provider;
mod settings;

pub use provider::Provider;
pub use settings::{Trusted, read};
