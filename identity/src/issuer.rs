//! Who gives tokens out.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::GuestId;
use serde::Serialize;
use sqlx::PgPool;
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

use crate::keys::{self, KNOWN_FOR, KeyError, SignatureAlgorithm, Signing};
use crate::master::Master;
use crate::token::{self, Subject};

/// How long a guest stays one: as long as a cart is worth coming back to.
pub const GUEST_LIFE: TimeDelta = TimeDelta::days(30);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// There is no key to sign with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key does not sign.
    #[error(transparent)]
    Signing(#[from] jsonwebtoken::errors::Error),
}

/// A token that was given out.
#[derive(Clone, Debug, Serialize)]
pub struct Issued {
    /// What to send as `Authorization: Bearer …`.
    pub token: String,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// Signs tokens with the newest key in the database. Clones share what they know of it.
#[derive(Clone)]
pub struct Issuer(Arc<Shared>);

struct Shared {
    db: PgPool,
    master: Arc<Master>,
    name: String,
    algorithm: SignatureAlgorithm,
    signing: Mutex<Option<(Arc<Signing>, Instant)>>,
}

impl Issuer {
    /// Seals the signing keys under the first master key of the ring.
    ///
    /// # Errors
    /// One is sealed under a key that is not in it, or the database does not answer.
    pub async fn reseal(&self) -> Result<(), KeyError> {
        keys::reseal(&self.0.db, &self.0.master).await
    }

    /// Of this name, whose keys are sealed under `master`.
    pub fn new(db: PgPool, master: Arc<Master>, name: &str) -> Self {
        Self::with_algorithm(db, master, name, SignatureAlgorithm::default())
    }

    /// The same, which signs with this.
    pub fn with_algorithm(
        db: PgPool,
        master: Arc<Master>,
        name: &str,
        algorithm: SignatureAlgorithm,
    ) -> Self {
        let name = name.to_owned();
        Self(Arc::new(Shared { db, master, name, algorithm, signing: Mutex::default() }))
    }

    /// What it calls itself.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// A token that names `subject` from `now` on, for so long, but no longer than
    /// [`token::LIFE_MAX`].
    ///
    /// # Errors
    /// There is no key to sign with.
    pub async fn issue(
        &self,
        subject: Subject,
        now: DateTime<Utc>,
        life: TimeDelta,
    ) -> Result<Issued, IssueError> {
        let signing = self.signing().await?;
        let expires_at = now + life.min(token::LIFE_MAX);
        let token = token::sign(&signing, &self.0.name, subject, now, expires_at)?;
        Ok(Issued { token, expires_at })
    }

    /// A token of a guest who is new.
    ///
    /// # Errors
    /// There is no key to sign with.
    pub async fn guest(&self, now: DateTime<Utc>) -> Result<(GuestId, Issued), IssueError> {
        // It need not be hard to guess: it is worth nothing without a token that names it.
        let id = GuestId(Uuid::now_v7());
        Ok((id, self.issue(Subject::Guest(id), now, GUEST_LIFE).await?))
    }

    /// Takes an RSA key, in PKCS #8, which signs from now on where RS256 does.
    ///
    /// # Errors
    /// It is none, or the database does not answer.
    pub async fn import(&self, pkcs8: &[u8]) -> Result<Uuid, KeyError> {
        let id = keys::import(&self.0.db, &self.0.master, pkcs8).await?;
        *self.0.signing.lock().await = None;
        Ok(id)
    }

    /// Makes a key that signs from now on, and retires those before it.
    ///
    /// # Errors
    /// The database does not answer, or no key of the sort that signs can be made here.
    pub async fn rotate(&self) -> Result<Uuid, KeyError> {
        if self.0.algorithm == SignatureAlgorithm::Rs256 {
            return Err(KeyError::NoRsaKey);
        }
        let id = keys::rotate(&self.0.db, &self.0.master).await?;
        *self.0.signing.lock().await = None;
        Ok(id)
    }

    /// Lets go of the keys that retired before this one came: what they signed is good no more.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke_retired(&self, by: Uuid) -> Result<(), KeyError> {
        Ok(keys::revoke_retired(&self.0.db, by).await?)
    }

    async fn signing(&self) -> Result<Arc<Signing>, KeyError> {
        let mut known = self.0.signing.lock().await;
        if let Some((signing, at)) = &*known
            && at.elapsed() < KNOWN_FOR
        {
            return Ok(signing.clone());
        }
        let signing = Arc::new(keys::signing(&self.0.db, &self.0.master, self.0.algorithm).await?);
        *known = Some((signing.clone(), Instant::now()));
        Ok(signing)
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("name", &self.0.name).finish_non_exhaustive()
    }
}
