//! Which build this is.

/// The version of all crates of the engine.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit it was built from, as `COMMIT` said when it was; else `dev`.
pub const COMMIT: &str = env!("COMMERCE_COMMIT");
/// Both, as `--version` prints them.
pub const TEXT: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("COMMERCE_COMMIT"), ")");
