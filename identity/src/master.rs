//! The master key: what secrets in the database are sealed under, so that who has the database, or
//! a backup of it, has none of them. It comes from outside and is never stored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use service::config::{Secret, Wrong};

/// Bytes of a master key.
pub const KEY_BYTES: usize = 32;

/// What makes the key of digests another than that of seals.
const INDEX: &[u8] = b"commerce index\0";

/// A master key.
pub struct Master {
    seal: LessSafeKey,
    index: hmac::Key,
}

/// What was sealed under another key, for another purpose, or has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was not sealed under this master key, or not as this")]
pub struct NotSealed;

impl Master {
    /// Out of what a process was told: 32 bytes in base64.
    ///
    /// # Errors
    /// It is something else. What it is is not said.
    pub fn read(text: &Secret) -> Result<Self, Wrong> {
        let wrong = || Wrong::new("MASTER_KEY", "is not 32 bytes in base64");
        let bytes = STANDARD.decode(text.expose().trim()).map_err(|_| wrong())?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| wrong())?;
        // Keys for two uses are two keys.
        let of_index = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), INDEX);
        let index = hmac::Key::new(hmac::HMAC_SHA256, of_index.as_ref());
        Ok(Self { seal: LessSafeKey::new(key), index })
    }

    /// A new one, as a process is told it.
    ///
    /// # Panics
    /// Where the system has no randomness.
    pub fn generate() -> String {
        let mut key = [0; KEY_BYTES];
        SystemRandom::new().fill(&mut key).expect("the system has randomness");
        STANDARD.encode(key)
    }

    /// `plain`, for this purpose and no other. Sealed twice it is two things.
    ///
    /// # Panics
    /// Where the system has no randomness.
    pub fn seal(&self, purpose: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).expect("the system has randomness");
        let mut sealed = plain.to_vec();
        let (once, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(purpose));
        self.seal.seal_in_place_append_tag(once, aad, &mut sealed).expect("it is short");
        [&nonce[..], &sealed].concat()
    }

    /// A digest of `plain` for this purpose, by which it is found where it is sealed. Without the
    /// key nobody can make one, to try what it may be of.
    pub fn digest(&self, purpose: &[u8], plain: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.index);
        // A purpose ends where it says: no two run into each other.
        context.update(purpose);
        context.update(plain);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    /// What was sealed for this purpose.
    ///
    /// # Errors
    /// It was not.
    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(NotSealed)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut sealed = sealed.to_vec();
        let plain = self.seal.open_in_place(nonce, Aad::from(purpose), &mut sealed);
        plain.map(|plain| plain.to_vec()).map_err(|_| NotSealed)
    }
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Master(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> Master {
        Master::read(&Secret::from(Master::generate().as_str())).expect("a key")
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_same_key_for_the_same_purpose() {
        let (one, other) = (master(), master());
        let sealed = one.seal(b"letters", b"dear Ann");
        assert_eq!(one.open(b"letters", &sealed).as_deref(), Ok(&b"dear Ann"[..]));
        assert_ne!(one.seal(b"letters", b"dear Ann"), sealed);
        let digest = |master: &Master, purpose: &[u8]| master.digest(purpose, b"dear Ann");
        assert_eq!(digest(&one, b"letters\0"), digest(&one, b"letters\0"));
        assert_ne!(digest(&one, b"letters\0"), digest(&one, b"keys\0"));
        assert_ne!(digest(&one, b"letters\0"), digest(&other, b"letters\0"));
        assert_eq!(one.open(b"keys", &sealed), Err(NotSealed));
        assert_eq!(other.open(b"letters", &sealed), Err(NotSealed));
        for place in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[place] ^= 1;
            assert_eq!(one.open(b"letters", &bent), Err(NotSealed), "{place}");
            assert_eq!(one.open(b"letters", &sealed[..place]), Err(NotSealed), "{place}");
        }
    }

    #[test]
    fn a_key_that_cannot_be_meant_is_refused_and_not_printed() {
        for text in ["", "hunter2", "aHVudGVyMg==", &STANDARD.encode([7; 31])] {
            let wrong = Master::read(&Secret::from(text)).unwrap_err().to_string();
            assert!(wrong.starts_with("MASTER_KEY ") && !wrong.contains("hunter"), "{wrong}");
        }
        assert!(!format!("{:?}", master()).contains(char::is_numeric));
    }
}
