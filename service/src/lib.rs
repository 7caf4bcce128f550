//! What every process of the engine shares: configuration, telemetry, the HTTP shell, problem
//! details, health, the database pool and an orderly end.
//!
//! It knows neither the domain nor the log: nothing here may depend on what a shop is.

pub mod accept;
mod access;
mod answers;
pub mod arguments;
pub mod auth;
pub mod build;
pub mod bus;
pub mod config;
mod connections;
pub mod cors;
mod counts;
pub mod database;
mod descriptors;
mod encoding;
pub mod etag;
pub mod exposed;
pub mod extract;
pub mod finish;
mod guarded;
pub mod health;
pub mod http;
pub mod json;
mod ledger;
mod logging;
pub mod metrics;
pub mod openapi;
pub mod outage;
pub mod packing;
pub mod paging;
pub mod parts;
pub mod pooler;
pub mod problem;
pub mod rates;
pub mod request_id;
mod say;
mod secret;
mod serve;
pub mod session;
pub mod shutdown;
mod spans;
pub mod stay;
pub mod telemetry;
pub mod throttle;
pub mod tls;
pub mod traced;
pub mod unheeded;
pub mod unread;
mod wrong;

pub use problem::Problem;
pub use say::say;
pub use serve::{DRAIN_TIME, ServeError, serve, serve_on};

/// Of every service: a tenth less processor time per command than with the system's allocator
/// (the append row of `cargo xtask bench`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
