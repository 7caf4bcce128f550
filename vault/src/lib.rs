//! What is known of people: sealed for each of them under a key of their own, outside the log. Who
//! is forgotten loses the key, and with it all that was sealed under it, wherever a copy lies.
//!
//! * [`master`]: the key that seals the keys; [`check`]: whether a process has the right one;
//!   [`keys`]: one for each person;
//! * [`records`]: what is kept under them; [`notes`]: of it, what was written;
//! * [`index`]: how it is found without being read;
//! * [`address`], [`email`], [`phone`]: what is kept of somebody, within its bounds;
//! * [`unused`]: what nobody needs any more;
//! * [`settings`]: what a process is told; [`operations`]: what is done by hand.
//!
//! It knows no route, nobody who signs in and no rule of the shop. Nothing here is ever printed.

pub mod address;
pub mod check;
mod digest;
pub mod email;
pub mod index;
pub mod keys;
pub mod master;
pub mod notes;
pub mod operations;
pub mod phone;
pub mod records;
pub mod settings;
pub mod unused;

use std::fmt;
use std::sync::Arc;

use domain::Owner;
use sqlx::PgPool;
use uuid::Uuid;

pub use email::Email;
pub use master::Master;
pub use phone::Phone;

use crate::master::NotSealed;

/// What the name of a record begins with, where an event has it in place of what lies here.
pub const NAMED: &str = "vault:";

/// Whom something is about: a customer, a guest, or nobody but the one in that very record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DataSubject(pub Uuid);

impl DataSubject {
    /// Whose an order or a cart is, if it is somebody's.
    pub fn of(owner: Owner) -> Option<Self> {
        let guest = owner.guest_id.map(|id| id.0);
        owner.customer_id.map(|id| id.0).or(guest).map(Self)
    }
}

impl fmt::Display for DataSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why something cannot be sealed, or read.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// They were forgotten, and so was this.
    #[error("who this is about was forgotten")]
    Erased,
    /// There is too much of it.
    #[error("there is too much of it")]
    TooMuch,
    /// It is somebody else's.
    #[error("it is somebody else's")]
    NotTheirs,
    /// It is sealed under another master key.
    #[error("what is known of {0} cannot be opened")]
    Sealed(Uuid, #[source] NotSealed),
    /// What was opened cannot be read.
    #[error("record {0} cannot be read")]
    Unreadable(Uuid, #[source] serde_json::Error),
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Where it is kept. Clones share it.
#[derive(Clone, Debug)]
pub struct Vault {
    db: PgPool,
    master: Arc<Master>,
}

impl Vault {
    /// The one in this database, sealed under `master`.
    pub fn new(db: PgPool, master: Arc<Master>) -> Self {
        Self { db, master }
    }

    /// What its keys are sealed under.
    pub fn master(&self) -> &Arc<Master> {
        &self.master
    }
}
