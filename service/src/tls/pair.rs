//! A certificate and its key as they stand in two files, and what is wrong with them.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::{CERT, KEY};
use crate::wrong::Wrong;

/// Bytes of such a file: a chain has a few thousand.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// Where they are.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// What stands there.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Pem {
    cert: Vec<u8>,
    key: Vec<u8>,
}

/// A certificate, those above it, and its key.
pub(crate) struct Pair {
    pub shown: Arc<CertifiedKey>,
    /// Since 1970.
    expires: Duration,
}

impl Files {
    /// Both, as they are now.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn read(&self) -> Result<Pem, Wrong> {
        let read = |name, path: &Path| {
            let held = bytes(path);
            held.map_err(|error| Wrong::new(name, format!("cannot be read: {error}")))
        };
        Ok(Pem { cert: read(CERT, &self.cert)?, key: read(KEY, &self.key)? })
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut held = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX).read_to_end(&mut held)?;
    Ok(held)
}

impl Pem {
    /// What they hold.
    ///
    /// # Errors
    /// They hold something else, or do not go together.
    pub fn pair(&self) -> Result<Pair, Wrong> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.map_err(|_| Wrong::new(CERT, "is no whole PEM"))?;
        let none = || Wrong::new(CERT, "holds no certificate in PEM");
        let expires = expiry(chain.first().ok_or_else(none)?)?;
        let key = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| Wrong::new(KEY, "holds no private key in PEM that is not encrypted"))?;
        let shown =
            CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
                Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                    Wrong::new(KEY, "is not the key of the certificate in TLS_CERT")
                }
                other => Wrong::new(KEY, format!("cannot be used: {other}")),
            })?;
        Ok(Pair { shown: Arc::new(shown), expires })
    }
}

impl Pair {
    /// When the certificate ends, in seconds since 1970.
    pub fn expires(&self) -> f64 {
        self.expires.as_secs_f64()
    }

    /// For how many days it is good yet; none when it has ended.
    pub fn days_left(&self, now: SystemTime) -> Option<u64> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let left = self.expires.checked_sub(now)?;
        Some(left.as_secs() / Duration::from_hours(24).as_secs())
    }
}

/// By what keys sign and connections are encrypted: in every program already.
pub(crate) fn provider() -> CryptoProvider {
    ring::default_provider()
}

fn expiry(certificate: &CertificateDer<'_>) -> Result<Duration, Wrong> {
    let read = Certificate::from_der(certificate);
    let read = read.map_err(|error| Wrong::new(CERT, format!("holds no certificate: {error}")))?;
    Ok(read.tbs_certificate().validity().not_after.to_unix_duration())
}
