//! The engine's own gateways, asked as the reactor asks them, against the stand-ins over HTTP.

mod paypal;
mod reacting;
mod stripe;
