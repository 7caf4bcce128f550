//! The keys that tokens are signed with. One signs, those that were retired still verify what they
//! signed until that has run out. A new one may be made at any time, by any command-api: the others
//! sign with it within [`KNOWN_FOR`], and who verifies looks an unknown one up at once.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::master::{Master, NotSealed};
use crate::token::LIFE_MAX;

/// How long a key that was read is taken for the one that signs.
pub const KNOWN_FOR: Duration = Duration::from_mins(1);
/// What signing keys are sealed as.
const PURPOSE: &[u8] = b"commerce signing key\0";
/// The one algorithm that the shop signs with, as JWTs call it.
const ED_DSA: &str = "EdDSA";

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// It is sealed under another master key.
    #[error("signing key {id}: {reason}")]
    Sealed {
        /// Which.
        id: Uuid,
        /// What is wrong with it.
        reason: NotSealed,
    },
    /// What was opened is no key.
    #[error("signing key {0} cannot be read")]
    Unreadable(Uuid),
}

/// What signs.
pub struct Signing {
    /// Its name, which stands in each token.
    pub id: Uuid,
    /// The key.
    pub key: EncodingKey,
}

/// What verifies.
#[derive(Debug)]
pub struct Public {
    /// The name of the key.
    pub id: String,
    /// The one algorithm it is for, whatever a token says.
    pub algorithm: Algorithm,
    /// The key.
    pub key: DecodingKey,
    /// As it is published.
    pub jwk: Value,
    /// A digest of that: another key of the same name is another key.
    pub mark: [u8; 32],
}

impl Public {
    /// The key that is published as `jwk`.
    pub fn new(id: String, algorithm: Algorithm, key: DecodingKey, jwk: Value) -> Self {
        let mark = Sha256::digest(jwk.to_string()).into();
        Self { id, algorithm, key, jwk, mark }
    }
}

/// The key that signs, made now if there is none.
///
/// # Errors
/// The database does not answer, or the master key is another.
pub async fn signing(db: &PgPool, master: &Master) -> Result<Signing, KeyError> {
    loop {
        let newest = sqlx::query!(
            "SELECT id, sealed FROM signing_keys WHERE retired_at IS NULL
             ORDER BY created_at DESC, id DESC LIMIT 1"
        );
        if let Some(row) = newest.fetch_optional(db).await? {
            let id = row.id;
            let pkcs8 = master.open(PURPOSE, &row.sealed);
            let pkcs8 = pkcs8.map_err(|reason| KeyError::Sealed { id, reason })?;
            Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| KeyError::Unreadable(id))?;
            return Ok(Signing { id, key: EncodingKey::from_ed_der(&pkcs8) });
        }
        // Two that begin at once make one each, of which the newer signs: both verify.
        make(db, master).await?;
    }
}

/// Makes a key that signs from now on, and retires those before it.
///
/// # Errors
/// The database does not answer.
pub async fn rotate(db: &PgPool, master: &Master) -> Result<Uuid, KeyError> {
    let id = make(db, master).await?;
    sqlx::query!(
        "UPDATE signing_keys SET retired_at = now() WHERE retired_at IS NULL AND id <> $1",
        id
    )
    .execute(db)
    .await?;
    Ok(id)
}

async fn make(db: &PgPool, master: &Master) -> Result<Uuid, KeyError> {
    let id = Uuid::now_v7();
    let unreadable = |_| KeyError::Unreadable(id);
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(unreadable)?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref());
    let pair = pair.map_err(|_| KeyError::Unreadable(id))?;
    sqlx::query!(
        "INSERT INTO signing_keys (id, algorithm, public, sealed) VALUES ($1, $2, $3, $4)",
        id,
        ED_DSA,
        pair.public_key().as_ref(),
        master.seal(PURPOSE, pkcs8.as_ref()),
    )
    .execute(db)
    .await?;
    Ok(id)
}

/// All that verify at `now`: those of which a token may still be good.
///
/// # Errors
/// The database does not answer.
pub async fn public(db: &PgPool, now: DateTime<Utc>) -> sqlx::Result<Vec<Public>> {
    let rows = sqlx::query!(
        "SELECT id, algorithm, public FROM signing_keys
         WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at, id",
        now - LIFE_MAX
    );
    let rows = rows.fetch_all(db).await?;
    // Those of a newer build, of another algorithm, are for newer programs.
    let known = rows.into_iter().filter(|row| row.algorithm == ED_DSA);
    Ok(known.map(|row| of_ed25519(row.id, &row.public)).collect())
}

fn of_ed25519(id: Uuid, public: &[u8]) -> Public {
    let x = URL_SAFE_NO_PAD.encode(public);
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": x, "kid": id, "alg": ED_DSA, "use": "sig",
    });
    Public::new(id.to_string(), Algorithm::EdDSA, DecodingKey::from_ed_der(public), jwk)
}
