//! Certificates made on the spot, and what is refused of them.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use uuid::Uuid;

use super::*;
use crate::tls::pair::Pem;

/// A certificate that its own key has signed, in PEM.
pub(crate) struct Made {
    pub cert: String,
    pub key: String,
}

impl Made {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(2100, 1, 1);
        let key = KeyPair::generate().unwrap();
        let cert = params.self_signed(&key).unwrap();
        Self { cert: cert.pem(), key: key.serialize_pem() }
    }

    pub fn pem(&self) -> Pem {
        let kept = Kept::new();
        kept.write(self);
        kept.tls().files().unwrap().unwrap().read().unwrap()
    }
}

/// A folder for the two files, gone in the end.
pub(crate) struct Kept(PathBuf);

impl Kept {
    pub fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("commerce-tls-{}", Uuid::now_v7()));
        fs::create_dir(&folder).unwrap();
        Self(folder)
    }

    pub fn write(&self, made: &Made) {
        self.put("cert", &made.cert);
        self.put("key", &made.key);
    }

    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// As a process is told of them.
    pub fn tls(&self) -> Tls {
        let path = |name| Some(self.0.join(name).to_str().unwrap().to_owned());
        Tls { cert: path("cert"), key: path("key") }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_certificate_and_its_key_are_taken_and_nothing_else() {
    let (made, other, kept) = (Made::new("shop.example"), Made::new("shop.example"), Kept::new());
    kept.write(&made);
    assert!(kept.tls().check().is_ok() && kept.tls().open().unwrap().is_some());
    let none = Tls { cert: Some(String::new()), key: Some(String::new()) };
    assert!(none.check().is_ok() && none.open().unwrap().is_none(), "as compose passes them");

    let half = Tls { key: None, ..kept.tls() };
    assert_eq!(half.check().unwrap_err().to_string(), "TLS_KEY is needed beside TLS_CERT");
    let half = Tls { cert: Some(String::new()), ..kept.tls() };
    assert_eq!(half.check().unwrap_err().to_string(), "TLS_CERT is needed beside TLS_KEY");

    let cut = &made.cert[..made.cert.len() / 2];
    let cases = [
        (&*made.cert, &*other.key, "TLS_KEY is not the key of the certificate in TLS_CERT"),
        (&*made.key, &*made.key, "TLS_CERT holds no certificate in PEM"),
        (&*made.cert, &*made.cert, "TLS_KEY holds no private key in PEM that is not encrypted"),
        (cut, &*made.key, "TLS_CERT is no whole PEM"),
        ("", &*made.key, "TLS_CERT holds no certificate in PEM"),
    ];
    for (cert, key, reason) in cases {
        kept.put("cert", cert);
        kept.put("key", key);
        assert_eq!(kept.tls().check().unwrap_err().to_string(), reason);
    }
    let away = Tls { cert: Some("/nowhere/cert.pem".to_owned()), ..kept.tls() };
    let wrong = away.check().unwrap_err().to_string();
    assert!(wrong.starts_with("TLS_CERT cannot be read: "), "{wrong}");
}

#[test]
fn it_is_known_when_a_certificate_ends() {
    let pair = Made::new("shop.example").pem().pair().unwrap();
    // The first of January 2100.
    let end = Duration::from_hours(1_139_568);
    assert_eq!(Duration::from_secs_f64(pair.expires()), end);
    let days = |before| pair.days_left(UNIX_EPOCH + end - before);
    assert_eq!(days(Duration::from_hours(36)), Some(1));
    assert_eq!(pair.days_left(UNIX_EPOCH + end + Duration::from_secs(1)), None);
}
