//! Why a batch did not get into the log, and whether that passes. What follows from it is for the
//! task to say.

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
pub(super) enum AppendError {
    #[error("Postgres failed or cannot be reached")]
    Database(#[from] sqlx::Error),
    #[error("an event could not be written as JSON")]
    Encoding(#[source] serde_json::Error),
    #[error("a decision asked for states without end")]
    Endless,
    #[error("the log moved while its head was held")]
    Moved,
    #[error("Postgres did not answer in time")]
    Silent,
    #[error("Postgres could not be connected to in time")]
    Away,
}

impl AppendError {
    /// Whether the connection or the server failed, rather than the batch.
    pub fn is_outage(&self) -> bool {
        let error = match self {
            Self::Database(error) => error,
            // With the connection the cache goes, and with it whatever belief was wrong.
            Self::Silent | Self::Away | Self::Moved => return true,
            Self::Encoding(_) | Self::Endless => return false,
        };
        match error {
            sqlx::Error::Database(error) => {
                // Shutdown and crash, cancelled or timed out, out of resources, not now: the
                // classes of errors that pass.
                let code = error.code().unwrap_or_default();
                ["57", "53", "55", "25", "40", "08"].iter().any(|class| code.starts_with(class))
            }
            // What is stored cannot be read by this program, now or later.
            sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::RowNotFound => false,
            _ => true,
        }
    }
}
