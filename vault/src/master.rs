//! The master key: what secrets in the database are sealed under, so that who has the database, or
//! a backup of it, has none of them. It comes from outside and is never stored.
//!
//! It is a ring: the first of its keys seals, and all of them open, so that another may take its
//! place while everything runs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use service::config::{Secret, Wrong};

use crate::digest::{KEY_BYTES, digest};
use crate::index::WordIndex;

/// Keys of a ring: the one that seals, and those whose seals are being replaced.
const KEYS_MAX: usize = 4;
/// Bytes by which a sealed thing names its key.
const NAME_BYTES: usize = 4;

/// What makes the keys of other uses than sealing: keys for two uses are two keys.
const DIGESTS: &[u8] = b"commerce index\0";
const FINDING: &[u8] = b"commerce find\0";
const NAMES: &[u8] = b"commerce key name\0";

/// A ring of master keys.
pub struct Master {
    /// The first seals.
    keys: Vec<MasterKey>,
    index: WordIndex,
}

struct MasterKey {
    name: [u8; NAME_BYTES],
    seal: Seal,
    digests: hmac::Key,
}

/// What was sealed under another key, for another purpose, or has changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it was not sealed under this master key, or not as this")]
pub struct NotSealed;

impl Master {
    /// Out of what a process was told: 32 bytes in base64; or several such, with commas between
    /// them, of which the first seals and the others still open.
    ///
    /// # Errors
    /// It is something else. What it is is not said.
    pub fn read(text: &Secret) -> Result<Self, Wrong> {
        let wrong =
            || Wrong::new("MASTER_KEY", "is not 32 bytes in base64, or several with commas");
        let raw: Vec<Vec<u8>> = text
            .expose()
            .split(',')
            .map(|one| STANDARD.decode(one.trim()))
            .collect::<Result<_, _>>()
            .map_err(|_| wrong())?;
        let fits = |key: &Vec<u8>| key.len() == KEY_BYTES;
        if raw.is_empty() || raw.len() > KEYS_MAX || !raw.iter().all(fits) {
            return Err(wrong());
        }
        let keys = raw.iter().map(|bytes| MasterKey::new(bytes)).collect();
        let index = WordIndex::new(raw.iter().map(|bytes| derive(bytes, FINDING)).collect());
        Ok(Self { keys, index })
    }

    /// A new one, as a process is told it.
    ///
    /// # Panics
    /// Where the system has no randomness.
    pub fn generate() -> String {
        STANDARD.encode(random::<KEY_BYTES>())
    }

    /// `plain`, for this purpose and no other. Sealed twice it is two things.
    ///
    /// # Panics
    /// Where the system has no randomness.
    pub fn seal(&self, purpose: &[u8], plain: &[u8]) -> Vec<u8> {
        let key = self.first();
        [&key.name[..], &key.seal.seal(purpose, plain)].concat()
    }

    /// What was sealed for this purpose.
    ///
    /// # Errors
    /// It was not.
    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let (name, sealed) = sealed.split_first_chunk::<NAME_BYTES>().ok_or(NotSealed)?;
        let key = self.keys.iter().find(|key| key.name == *name).ok_or(NotSealed)?;
        key.seal.open(purpose, sealed)
    }

    /// What was sealed under a key that seals no more, under the one that does; nothing of what
    /// already is.
    ///
    /// # Errors
    /// It was not sealed for this purpose.
    pub fn reseal(&self, purpose: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, NotSealed> {
        if sealed.starts_with(&self.first().name) {
            return Ok(None);
        }
        let plain = self.open(purpose, sealed)?;
        Ok(Some(self.seal(purpose, &plain)))
    }

    /// A digest of `plain` for this purpose, by which it is found where it is sealed. Without the
    /// key nobody can make one, to try what it may be of.
    pub fn digest(&self, purpose: &[u8], plain: &[u8]) -> [u8; 32] {
        digest(&self.first().digests, purpose, plain)
    }

    /// The digest under each key of the ring, the first one first: what was written under an older
    /// one is found too.
    pub fn digests(&self, purpose: &[u8], plain: &[u8]) -> Vec<Vec<u8>> {
        let each = self.keys.iter().map(|key| digest(&key.digests, purpose, plain).to_vec());
        each.collect()
    }

    /// By which words are found in what is sealed under a person's key. It is a key of its own: who
    /// has it finds, and opens nothing.
    pub fn index(&self) -> &WordIndex {
        &self.index
    }

    fn first(&self) -> &MasterKey {
        // Reading refuses an empty ring.
        &self.keys[0]
    }
}

impl MasterKey {
    fn new(bytes: &[u8]) -> Self {
        let name = derive(bytes, NAMES);
        Self {
            name: std::array::from_fn(|place| name[place]),
            seal: Seal::new(bytes).expect("reading refuses a key of another length"),
            digests: hmac::Key::new(hmac::HMAC_SHA256, &derive(bytes, DIGESTS)),
        }
    }
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Master(…)")
    }
}

/// One key that seals: `ChaCha20-Poly1305` under a random nonce, good for some billions of things.
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    pub fn new(bytes: &[u8]) -> Result<Self, NotSealed> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, bytes).map_err(|_| NotSealed)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    pub fn seal(&self, purpose: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        let (once, aad) = (Nonce::assume_unique_for_key(nonce), Aad::from(purpose));
        self.0.seal_in_place_append_tag(once, aad, &mut sealed).expect("it is short");
        [&nonce[..], &sealed].concat()
    }

    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(NotSealed)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let mut sealed = sealed.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(purpose), &mut sealed);
        plain.map(|plain| plain.to_vec()).map_err(|_| NotSealed)
    }
}

/// Bytes that nobody can guess.
///
/// # Panics
/// Where the system has no randomness.
pub fn random<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    bytes
}

fn derive(key: &[u8], of: &[u8]) -> [u8; 32] {
    digest(&hmac::Key::new(hmac::HMAC_SHA256, key), of, b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> Master {
        Master::read(&Secret::from(text)).expect("a ring")
    }

    fn master() -> Master {
        ring(&Master::generate())
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
    fn another_key_takes_the_place_of_one() {
        let (old_text, new_text) = (Master::generate(), Master::generate());
        let (old, new) = (ring(&old_text), ring(&new_text));
        let both = ring(&format!("{new_text}, {old_text}"));
        let (by_old, by_new) = (old.seal(b"letters", b"Ann"), both.seal(b"letters", b"Ann"));
        assert_eq!(both.open(b"letters", &by_old).as_deref(), Ok(&b"Ann"[..]));
        assert_eq!(new.open(b"letters", &by_new).as_deref(), Ok(&b"Ann"[..]));
        assert_eq!(both.reseal(b"letters", &by_new), Ok(None));
        let resealed = both.reseal(b"letters", &by_old).unwrap().expect("it was the old one's");
        assert_eq!(new.open(b"letters", &resealed).as_deref(), Ok(&b"Ann"[..]));
        let wanted = [&new, &old].map(|one| one.digest(b"letters\0", b"Ann").to_vec());
        assert_eq!(both.digests(b"letters\0", b"Ann"), wanted);
    }

    #[test]
    fn a_key_that_cannot_be_meant_is_refused_and_not_printed() {
        let good = Master::generate();
        let many = [good.as_str(); 5].join(",");
        let half = format!("{good},hunter2");
        for text in ["", "hunter2", "aHVudGVyMg==", &STANDARD.encode([7; 31]), &many, &half] {
            let wrong = Master::read(&Secret::from(text)).map(drop).unwrap_err().to_string();
            assert!(wrong.starts_with("MASTER_KEY ") && !wrong.contains("hunter"), "{wrong}");
        }
        assert!(!format!("{:?}", master()).contains(char::is_numeric));
    }
}
