//! Who asks, and what they may.
//!
//! * [`principal`]: who somebody is; [`access`]: who may call a route, said in the line that
//!   registers it;
//! * [`guard`]: from the headers of a request to a principal, once, in the shell;
//! * [`token`]: what the shop's own tokens say; `own`: how they are taken; [`oidc`]: tokens of
//!   other issuers; `mirror`: what is read elsewhere, aside, as keys are;
//! * [`api_keys`]: what programs send in place of a token;
//! * [`issuer`]: who gives them out; [`keys`]: what they are signed with, in Postgres, sealed under
//!   the vault's [`master`] key;
//! * [`people`]: who signs in; [`routes`]: where they do, where guests get their token, and where
//!   keys are published; [`config`]: settings;
//!   [`operations`]: what is done by hand.
//!
//! It knows no route of the shop and no rule of it: whose a cart is, the domain decides.

pub mod access;
pub mod api_keys;
pub mod config;
mod crypto;
pub mod guard;
pub mod issuer;
pub mod keys;
mod mirror;
pub mod oidc;
pub mod operations;
mod own;
pub mod people;
pub mod principal;
pub mod routes;
pub mod token;

pub use access::Access;
pub use guard::Guard;
pub use principal::{Principal, Role};
pub use vault::master;
