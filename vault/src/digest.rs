//! Digests under a key.

use ring::hmac;

/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;

/// A purpose ends where it says: no two run into each other.
pub(crate) fn digest(key: &hmac::Key, purpose: &[u8], plain: &[u8]) -> [u8; 32] {
    let mut context = hmac::Context::with_key(key);
    context.update(purpose);
    context.update(plain);
    let mut digest = [0; 32];
    digest.copy_from_slice(context.sign().as_ref());
    digest
}
