//! The documents of the APIs, judged.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "whoever waits for hours wants to know what was asked")]

mod asked;
mod client;
mod documents;
mod python_client;
