//! Payments, where they touch the outside: the gateway, and the process that asks it, follows its
//! answers and lets go what falls due.
//!
//! * [`gateway`]: what a gateway has to do; [`sandbox`]: the built-in one;
//! * [`process`]: reads the log from its own checkpoint and keeps the list of things to do;
//! * `tasks`: that list; `act`: doing one of them;
//! * [`parked`]: what it could not understand.
//!
//! What an answer means for a payment and its order is the domain's.

mod act;
pub mod gateway;
pub mod parked;
pub mod process;
pub mod sandbox;
mod tasks;
