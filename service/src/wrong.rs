//! A setting that cannot be meant, as the one who set it is told.

/// Why a process does not start: a setting that cannot be meant.
#[derive(Debug, thiserror::Error)]
#[error("{name} {reason}")]
pub struct Wrong {
    /// The setting, as the environment calls it.
    pub name: &'static str,
    /// What is wrong with it, without its value.
    pub reason: String,
}

impl Wrong {
    /// The setting and what is wrong with it.
    pub fn new(name: &'static str, reason: impl Into<String>) -> Self {
        Self { name, reason: reason.into() }
    }
}
