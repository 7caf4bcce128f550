//! A thing to do, and what may come of it. What is to be done because of which event is
//! [`crate::reaction`]'s.

use std::time::Duration;

use event_store::SubmitError;
use trace::TraceParent;
use uuid::Uuid;
use vault::VaultError;

use crate::tokens::TokenError;

/// A thing to do that somebody has claimed.
#[derive(Clone, Debug)]
pub struct Task<S> {
    /// Whose it is.
    pub reaction: &'static str,
    /// What it is about.
    pub subject: S,
    /// The position of the event that asks for it.
    pub cause: i64,
    /// The log in which it stands there.
    pub log_id: Uuid,
    /// What that event belongs to.
    pub correlation_id: Option<Uuid>,
    /// Where what is done because of it belongs in a trace.
    pub trace: Option<TraceParent>,
    /// The number of this try, from 1.
    pub attempts: i32,
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is off the list, unless the log has asked for it anew meanwhile.
    Finished,
    /// The log says so: the keeper reads it there and takes it off the list.
    Recorded,
    /// It is to be tried again after this time.
    Later(Duration),
}

/// Why a thing could not be done now. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Retry {
    /// Postgres said no, or is away.
    #[error("the database is away")]
    Database(#[from] sqlx::Error),
    /// A stream that it is about holds what this program cannot read.
    #[error("a stream cannot be read")]
    Unreadable(#[from] event_store::Unreadable),
    /// The log did not take the command.
    #[error("the command was not taken")]
    Submit(#[from] SubmitError),
    /// What is known of somebody cannot be had now.
    #[error("the vault cannot be opened")]
    Vault(#[from] VaultError),
    /// What a payment is made with cannot be had now.
    #[error("a token cannot be opened")]
    Token(#[from] TokenError),
    /// The list says what the reaction cannot read; a newer program wrote it.
    #[error("the subject cannot be read")]
    Subject,
}
