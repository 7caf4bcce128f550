//! TLS of the process itself: which files hold its certificate and key, and how a connection
//! becomes one that nobody else reads. Without the two settings nothing of this is there.
//!
//! * `pair`: a certificate and its key, as they stand in the files;
//! * `door`: the pair that callers are shown, and how another takes its place.

pub(crate) mod door;
pub(crate) mod pair;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::wrong::Wrong;
use door::Door;
use pair::Files;

/// The settings, as the environment calls them.
const CERT: &str = "TLS_CERT";
const KEY: &str = "TLS_KEY";

/// With what the process speaks TLS, if it does.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct Tls {
    /// A file of the certificate that callers are shown, in PEM, followed by those between it and
    /// one that they know: with it and its key the port speaks TLS. A file that changes is read
    /// again
    #[arg(id = "tls-cert", long = "tls-cert", global = true, env = "TLS_CERT")]
    pub cert: Option<String>,
    /// A file of the key that goes with the certificate, in PEM
    #[arg(id = "tls-key", long = "tls-key", global = true, env = "TLS_KEY")]
    pub key: Option<String>,
}

impl Tls {
    /// Whether the process speaks TLS.
    pub fn is_set(&self) -> bool {
        said(self.cert.as_ref()).is_some() && said(self.key.as_ref()).is_some()
    }

    /// Refuses what nobody can be shown.
    ///
    /// # Errors
    /// One setting without the other, or files that do not hold a certificate and its key.
    pub(crate) fn check(&self) -> Result<(), Wrong> {
        self.files()?.map_or(Ok(()), |files| files.read()?.pair().map(drop))
    }

    /// What connections come in by, if the process speaks TLS.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub(crate) fn open(&self) -> Result<Option<Arc<Door>>, Wrong> {
        self.files()?.map(|files| Door::open(files).map(Arc::new)).transpose()
    }

    fn files(&self) -> Result<Option<Files>, Wrong> {
        match (said(self.cert.as_ref()), said(self.key.as_ref())) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Ok(Some(Files { cert, key })),
            (Some(_), None) => Err(Wrong::new(KEY, "is needed beside TLS_CERT")),
            (None, Some(_)) => Err(Wrong::new(CERT, "is needed beside TLS_KEY")),
        }
    }
}

/// An empty path, as compose files pass it, is none.
fn said(path: Option<&String>) -> Option<PathBuf> {
    path.filter(|path| !path.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
pub(crate) mod tests;
