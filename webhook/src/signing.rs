//! Secrets between the shop and a receiver, and what is signed with them, as Standard Webhooks has
//! it: HMAC-SHA256 over `id.timestamp.body`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use identity::master::{Master, NotSealed, random};
use ring::hmac;
use uuid::Uuid;

/// Bytes of a secret: Standard Webhooks has from 24 to 64.
const SECRET_BYTES: usize = 32;
/// What secrets are sealed as, each together with whose it is.
const PURPOSE: &[u8] = b"commerce webhook secret\0";

/// A secret that signs.
pub(crate) struct SigningSecret(Vec<u8>);

impl SigningSecret {
    /// A new one.
    ///
    /// # Panics
    /// Where the system has no randomness.
    pub fn generate() -> Self {
        Self(random::<SECRET_BYTES>().to_vec())
    }

    /// As its receiver is told it, once.
    pub fn told(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// As it is kept, for this subscription alone.
    pub fn seal(&self, master: &Master, of: Uuid) -> Vec<u8> {
        master.seal(&purpose(of), &self.0)
    }

    /// What was kept of a subscription's.
    ///
    /// # Errors
    /// It is sealed under another master key, or is another subscription's.
    pub fn open(master: &Master, of: Uuid, sealed: &[u8]) -> Result<Self, NotSealed> {
        master.open(&purpose(of), sealed).map(Self)
    }

    /// What was kept of a subscription's, under the first master key of the ring; nothing where it
    /// already is.
    ///
    /// # Errors
    /// It is sealed under a key that is not in it.
    pub fn reseal(master: &Master, of: Uuid, sealed: &[u8]) -> Result<Option<Vec<u8>>, NotSealed> {
        master.reseal(&purpose(of), sealed)
    }

    fn sign(&self, content: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        format!("v1,{}", STANDARD.encode(hmac::sign(&key, content)))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(…)")
    }
}

fn purpose(of: Uuid) -> Vec<u8> {
    [PURPOSE, of.as_bytes()].concat()
}

/// `webhook-signature`: one signature for each secret that is good.
pub(crate) fn signature(
    secrets: &[SigningSecret],
    id: &str,
    at: DateTime<Utc>,
    body: &[u8],
) -> String {
    let content = [format!("{id}.{}.", at.timestamp()).as_bytes(), body].concat();
    let signatures: Vec<String> = secrets.iter().map(|secret| secret.sign(&content)).collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use service::config::Secret;

    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn it_signs_as_the_specification_has_it() {
        let secret = SigningSecret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        let at = DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            signature(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_is_of_one_subscription_and_not_printed() {
        let master = Master::read(&Secret::from(Master::generate().as_str())).unwrap();
        let (one, other) = (Uuid::now_v7(), Uuid::now_v7());
        let secret = SigningSecret::generate();
        let sealed = secret.seal(&master, one);
        assert_eq!(SigningSecret::open(&master, one, &sealed).unwrap().told(), secret.told());
        assert!(SigningSecret::open(&master, other, &sealed).is_err());
        assert!(!format!("{secret:?}").contains(char::is_numeric));
    }
}
