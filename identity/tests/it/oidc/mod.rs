//! Tokens of another issuer, which is a real one that nobody here wrote.

mod flows;
mod forged;
mod provider;
mod unruly;
