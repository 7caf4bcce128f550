//! The certificate that callers are shown. When its files change, another takes its place for those
//! who come from then on, without a restart.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use metrics::{counter, describe_counter, describe_gauge, gauge};
use rustls::ServerConfig;
use rustls::crypto::ring::Ticketer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::CERT;
use super::pair::{Files, Pair, Pem, provider};
use crate::wrong::Wrong;

/// How often the files are looked at.
pub(crate) const LOOK_PERIOD: Duration = Duration::from_secs(10);
/// What is spoken inside, the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What connections come in by.
pub(crate) struct Door {
    files: Files,
    /// What stood in the files when it was opened.
    opened_with: Pem,
    shown: Arc<Shown>,
    acceptor: TlsAcceptor,
}

impl Door {
    /// With what stands in the files.
    ///
    /// # Errors
    /// They do not hold a certificate and its key.
    pub fn open(files: Files) -> Result<Self, Wrong> {
        describe_metrics();
        let opened_with = files.read()?;
        let pair = opened_with.pair()?;
        let shown = Arc::new(Shown(RwLock::new(pair.shown.clone())));
        tell(&pair);
        let cannot = |error| Wrong::new(CERT, format!("cannot be shown: {error}"));
        let config = ServerConfig::builder_with_provider(Arc::new(provider()));
        let config = config.with_protocol_versions(&[&TLS13, &TLS12]).map_err(cannot)?;
        let mut config = config.with_no_client_auth().with_cert_resolver(shown.clone());
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        // Who comes again proves nothing anew; what is kept for that, they keep.
        config.ticketer = Ticketer::new().map_err(cannot)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { files, opened_with, shown, acceptor })
    }

    /// Lets a connection in that shakes hands; `None` for one that does not. How long that may
    /// take, the caller says.
    pub async fn let_in(&self, connection: TcpStream) -> Option<TlsStream<TcpStream>> {
        match self.acceptor.accept(connection).await {
            Ok(stream) => Some(stream),
            Err(error) => {
                tracing::debug!(%error, "a connection that is no TLS, or none of ours, is ended");
                counter!("tls_handshakes_failed_total").increment(1);
                None
            }
        }
    }

    /// Looks at the files every `period`, for as long as it is polled.
    pub async fn watch(&self, period: Duration) {
        let mut looks = Looks::after(self.opened_with.clone());
        let mut tick = tokio::time::interval(period);
        loop {
            tick.tick().await;
            let files = self.files.clone();
            let reading = tokio::task::spawn_blocking(move || files.read());
            if let Ok(found) = reading.await {
                self.look(&mut looks, found);
            }
        }
    }

    /// Shows what was found, where it is another pair.
    fn look(&self, looks: &mut Looks, found: Result<Pem, Wrong>) {
        let settled = looks.settled(found.map_err(|wrong| wrong.to_string()));
        let Some(settled) = settled else { return };
        match settled.and_then(|pem| pem.pair().map_err(|wrong| wrong.to_string())) {
            Ok(pair) => {
                self.shown.put(pair.shown.clone());
                tell(&pair);
            }
            Err(cause) => {
                tracing::warn!(cause, "another certificate is not taken: the old one stays");
            }
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("files", &self.files).finish_non_exhaustive()
    }
}

/// What callers are shown at this moment, by whatever name they call.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn put(&self, other: Arc<CertifiedKey>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = other;
    }

    fn now(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

/// What was found at each look. Files are written one after the other, and each bit by bit: what
/// stands there counts once two looks have found the same.
struct Looks {
    last: Result<Pem, String>,
    /// What counted last: it is tried once, and told once where it is no good.
    tried: Result<Pem, String>,
}

impl Looks {
    fn after(taken: Pem) -> Self {
        Self { last: Ok(taken.clone()), tried: Ok(taken) }
    }

    /// What stands there, where that has just begun to count.
    fn settled(&mut self, found: Result<Pem, String>) -> Option<Result<Pem, String>> {
        let has_settled = found == self.last && found != self.tried;
        self.last = found;
        if !has_settled {
            return None;
        }
        self.tried = self.last.clone();
        Some(self.last.clone())
    }
}

fn describe_metrics() {
    describe_gauge!(
        "tls_certificate_expires_timestamp_seconds",
        "When the certificate that callers are shown ends, Unix time"
    );
    describe_counter!("tls_handshakes_failed_total", "Connections that did not come to TLS");
    counter!("tls_handshakes_failed_total").increment(0);
}

fn tell(pair: &Pair) {
    gauge!("tls_certificate_expires_timestamp_seconds").set(pair.expires());
    if let Some(days) = pair.days_left(SystemTime::now()) {
        tracing::info!(days, "callers are shown a certificate");
    } else {
        tracing::warn!("callers are shown a certificate that has ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::tests::{Kept, Made};

    #[test]
    fn only_a_whole_pair_takes_the_place_of_the_one_before() {
        let [old, new] = [(); 2].map(|()| Made::new("shop.example"));
        let kept = Kept::new();
        kept.write(&old);
        let files = kept.tls().files().unwrap().unwrap();
        let door = Door::open(files.clone()).unwrap();
        let mut looks = Looks::after(door.opened_with.clone());
        let mut shown_after = |looked: usize| {
            (0..looked).for_each(|_| door.look(&mut looks, files.read()));
            door.shown.now().cert.clone()
        };
        let first = shown_after(3);
        kept.put("cert", &new.cert);
        assert!(shown_after(3) == first, "its key is not there yet");
        kept.put("key", "");
        assert!(shown_after(3) == first);
        kept.put("key", &new.key);
        let second = shown_after(2);
        assert!(second != first, "the whole pair is taken");
        kept.put("key", &old.key);
        assert!(shown_after(3) == second, "a wrong one does not stick, nor does it undo");
    }

    #[test]
    fn what_stands_in_the_files_counts_when_it_has_settled() {
        let [old, new] = ["old.example", "new.example"].map(|name| Made::new(name).pem());
        let half = || Err("TLS_CERT cannot be read".to_owned());
        let mut looks = Looks::after(old.clone());
        let mut count = |found| looks.settled(found).is_some();
        assert!(!count(Ok(old.clone())));
        // While they are written.
        assert!(!count(half()) && !count(Ok(new.clone())));
        assert!(count(Ok(new.clone())), "twice the same");
        assert!(!count(Ok(new)), "and once is enough");
        // What stays bad is told once, and what comes back is taken.
        assert!(!count(half()) && count(half()) && !count(half()));
        assert!(!count(Ok(old.clone())) && count(Ok(old)));
    }
}
