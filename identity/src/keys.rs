//! The keys that tokens are signed with. One signs, those that were retired still verify what they
//! signed until that has run out. A new one may be made at any time, by any command-api: the others
//! sign with it within [`KNOWN_FOR`], and who verifies looks an unknown one up at once.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use clap::ValueEnum;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _, RsaKeyPair, RsaPublicKeyComponents};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::PgPool;
use uuid::Uuid;

use crate::master::{Master, NotSealed};

/// The longest life of a token: no longer does anybody need the key that verifies it.
pub const LIFE_MAX: TimeDelta = TimeDelta::days(30);

/// How long a key that was read is taken for the one that signs.
pub const KNOWN_FOR: Duration = Duration::from_mins(1);
/// What signing keys are sealed as.
const PURPOSE: &[u8] = b"commerce signing key\0";
/// What the shop signs with, as JWTs call it.
const ED_DSA: &str = "EdDSA";
const RS256: &str = "RS256";

/// What tokens are signed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SignatureAlgorithm {
    /// Ed25519, with keys that are made when they are needed
    #[default]
    #[value(name = "EdDSA")]
    EdDsa,
    /// RSA, for those who read nothing else, with a key that was imported
    #[value(name = "RS256")]
    Rs256,
}

impl SignatureAlgorithm {
    fn name(self) -> &'static str {
        match self {
            Self::EdDsa => ED_DSA,
            Self::Rs256 => RS256,
        }
    }
}

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
    /// Nobody imported one.
    #[error("there is no RSA key to sign with: `command-api import-signing-key` takes one")]
    NoRsaKey,
    /// What was to be imported is no key that signs.
    #[error("that is no RSA key of 3072 to 4096 bits in PKCS #8")]
    NotRsa,
    /// What was opened is no key.
    #[error("signing key {0} cannot be read")]
    Unreadable(Uuid),
}

/// What signs.
pub struct Signing {
    /// Its name, which stands in each token.
    pub id: Uuid,
    /// What it signs with.
    pub algorithm: Algorithm,
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

/// The key that signs, made now if there is none and one can be made.
///
/// # Errors
/// The database does not answer, or the master key is another.
pub async fn signing(
    db: &PgPool,
    master: &Master,
    algorithm: SignatureAlgorithm,
) -> Result<Signing, KeyError> {
    loop {
        let newest = sqlx::query!(
            "SELECT id, sealed FROM signing_keys WHERE retired_at IS NULL AND algorithm = $1
             ORDER BY created_at DESC, id DESC LIMIT 1",
            algorithm.name()
        );
        if let Some(row) = newest.fetch_optional(db).await? {
            let id = row.id;
            let pkcs8 = master.open(PURPOSE, &row.sealed);
            let pkcs8 = pkcs8.map_err(|reason| KeyError::Sealed { id, reason })?;
            return read(id, &pkcs8, algorithm);
        }
        if algorithm == SignatureAlgorithm::Rs256 {
            return Err(KeyError::NoRsaKey);
        }
        // Two that begin at once make one each, of which the newer signs: both verify.
        make(db, master).await?;
    }
}

fn read(id: Uuid, pkcs8: &[u8], algorithm: SignatureAlgorithm) -> Result<Signing, KeyError> {
    let (is_one, algorithm, key) = match algorithm {
        SignatureAlgorithm::EdDsa => (
            Ed25519KeyPair::from_pkcs8(pkcs8).is_ok(),
            Algorithm::EdDSA,
            EncodingKey::from_ed_der(pkcs8),
        ),
        SignatureAlgorithm::Rs256 => (
            RsaKeyPair::from_pkcs8(pkcs8).is_ok(),
            Algorithm::RS256,
            EncodingKey::from_rsa_der(pkcs8),
        ),
    };
    if is_one { Ok(Signing { id, algorithm, key }) } else { Err(KeyError::Unreadable(id)) }
}

/// Makes an Ed25519 key that signs from now on, and retires those before it.
///
/// # Errors
/// The database does not answer.
pub async fn rotate(db: &PgPool, master: &Master) -> Result<Uuid, KeyError> {
    let id = make(db, master).await?;
    retire_before(db, id, ED_DSA).await?;
    Ok(id)
}

/// Bytes of an RSA key that is as hard to find as 128 bits are (ASVS 5.0, 11.2.3).
const RSA_BYTES_MIN: usize = 3_072 / 8;

/// Takes an RSA key that was made elsewhere, which signs from now on where RS256 does, and retires
/// those before it.
///
/// # Errors
/// It is none, or the database does not answer.
pub async fn import(db: &PgPool, master: &Master, pkcs8: &[u8]) -> Result<Uuid, KeyError> {
    let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError::NotRsa)?;
    if pair.public().modulus_len() < RSA_BYTES_MIN {
        return Err(KeyError::NotRsa);
    }
    let RsaPublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
    let public = RsaPublic { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) };
    let public = serde_json::to_vec(&public).map_err(|_| KeyError::NotRsa)?;
    let id = Uuid::now_v7();
    insert(db, id, RS256, &public, master.seal(PURPOSE, pkcs8)).await?;
    retire_before(db, id, RS256).await?;
    Ok(id)
}

async fn retire_before(db: &PgPool, id: Uuid, algorithm: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE signing_keys SET retired_at = now()
         WHERE retired_at IS NULL AND id <> $1 AND algorithm = $2",
        id,
        algorithm
    )
    .execute(db)
    .await
    .map(drop)
}

/// Lets go of every key that retired of the algorithm that `id` is for: what they signed is worth
/// nothing within seconds, as where one of them has leaked.
///
/// # Errors
/// The database does not answer.
pub async fn revoke_retired(db: &PgPool, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "DELETE FROM signing_keys USING signing_keys newer
         WHERE newer.id = $1 AND signing_keys.algorithm = newer.algorithm
           AND signing_keys.retired_at IS NOT NULL",
        id
    )
    .execute(db)
    .await
    .map(drop)
}

async fn insert(
    db: &PgPool,
    id: Uuid,
    algorithm: &str,
    public: &[u8],
    sealed: Vec<u8>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO signing_keys (id, algorithm, public, sealed) VALUES ($1, $2, $3, $4)",
        id,
        algorithm,
        public,
        sealed,
    )
    .execute(db)
    .await
    .map(drop)
}

/// Seals all of them under the first master key of the ring.
///
/// # Errors
/// One is sealed under a key that is not in it, or the database does not answer.
pub async fn reseal(db: &PgPool, master: &Master) -> Result<(), KeyError> {
    let keys = sqlx::query!("SELECT id, sealed FROM signing_keys").fetch_all(db).await?;
    for key in keys {
        let id = key.id;
        let anew = master.reseal(PURPOSE, &key.sealed);
        let Some(anew) = anew.map_err(|reason| KeyError::Sealed { id, reason })? else { continue };
        sqlx::query!("UPDATE signing_keys SET sealed = $2 WHERE id = $1", id, anew)
            .execute(db)
            .await?;
    }
    Ok(())
}

async fn make(db: &PgPool, master: &Master) -> Result<Uuid, KeyError> {
    let id = Uuid::now_v7();
    let unreadable = |_| KeyError::Unreadable(id);
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(unreadable)?;
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref());
    let pair = pair.map_err(|_| KeyError::Unreadable(id))?;
    let sealed = master.seal(PURPOSE, pkcs8.as_ref());
    insert(db, id, ED_DSA, pair.public_key().as_ref(), sealed).await?;
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
    let known = rows.into_iter().filter_map(|row| match row.algorithm.as_str() {
        ED_DSA => Some(of_ed25519(row.id, &row.public)),
        RS256 => of_rsa(row.id, &row.public),
        // Those of a newer build are for newer programs.
        _ => None,
    });
    Ok(known.collect())
}

/// An RSA key as it is kept.
#[derive(Serialize, Deserialize)]
struct RsaPublic {
    n: String,
    e: String,
}

fn of_rsa(id: Uuid, public: &[u8]) -> Option<Public> {
    let RsaPublic { n, e } = serde_json::from_slice(public).ok()?;
    let key = DecodingKey::from_rsa_components(&n, &e).ok()?;
    let jwk = json!({"kty": "RSA", "n": n, "e": e, "kid": id, "alg": RS256, "use": "sig"});
    Some(Public::new(id.to_string(), Algorithm::RS256, key, jwk))
}

fn of_ed25519(id: Uuid, public: &[u8]) -> Public {
    let x = URL_SAFE_NO_PAD.encode(public);
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "x": x, "kid": id, "alg": ED_DSA, "use": "sig",
    });
    Public::new(id.to_string(), Algorithm::EdDSA, DecodingKey::from_ed_der(public), jwk)
}
