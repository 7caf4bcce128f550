//! How an API key is written: `ck_`, forty letters and digits that nobody can guess, and six more
//! that follow from those before them, so that who looks for keys that leaked knows one when they
//! see it, and a key that was cut or mistyped is refused without a look into the database.

use crate::master::random;

/// How every key begins.
pub const PREFIX: &str = "ck_";
/// Characters that nobody can guess: 238 bits.
const RANDOM_CHARS: usize = 40;
/// Characters of the checksum.
const CHECK_CHARS: usize = 6;
/// Characters by which people tell keys apart, the prefix included.
const HINT_CHARS: usize = 7;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The largest multiple of 62 in a byte: what is beyond would favour some letters.
const FAIR: u8 = 248;

/// A new one.
///
/// # Panics
/// Where the system has no randomness.
pub(super) fn new() -> String {
    let mut key = PREFIX.to_owned();
    while key.len() < PREFIX.len() + RANDOM_CHARS {
        let [byte] = random();
        if byte < FAIR {
            key.push(letter(u32::from(byte)));
        }
    }
    let check = checksum(&key);
    key + &check
}

/// How it begins, which tells nothing of the rest.
pub(super) fn hint(key: &str) -> String {
    key.chars().take(HINT_CHARS).collect()
}

/// Whether it is one, whosever.
pub(super) fn is_whole(key: &str) -> bool {
    let is_long = key.len() == PREFIX.len() + RANDOM_CHARS + CHECK_CHARS;
    let is_plain = key.starts_with(PREFIX) && key.is_ascii();
    is_long && is_plain && {
        let (before, check) = key.split_at(PREFIX.len() + RANDOM_CHARS);
        checksum(before) == check
    }
}

fn checksum(before: &str) -> String {
    let mut left = crc32fast::hash(before.as_bytes());
    let mut letters = ['0'; CHECK_CHARS];
    for place in letters.iter_mut().rev() {
        *place = letter(left);
        left /= 62;
    }
    letters.iter().collect()
}

fn letter(number: u32) -> char {
    ALPHABET[(number % 62) as usize].into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_looks() {
        let key = new();
        assert!(is_whole(&key) && key.starts_with(&hint(&key)), "{key}");
        assert_ne!(new(), key);
        assert!(key[3..].bytes().all(|letter| letter.is_ascii_alphanumeric()));
        // Written down: who scans for them counts on it.
        assert!(is_whole("ck_00000000000000000000000000000000000000001zn7iO"));
        for place in 0..key.len() {
            let mut other = key.clone().into_bytes();
            other[place] = if other[place] == b'x' { b'y' } else { b'x' };
            assert!(!is_whole(std::str::from_utf8(&other).unwrap()), "{place}");
        }
        for text in ["", "ck_", &key[1..], &format!("{key}0"), &"é".repeat(24)] {
            assert!(!is_whole(text), "{text}");
        }
    }
}
