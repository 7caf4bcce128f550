//! One-time codes by the time (RFC 6238): six digits each half minute, out of a secret that an app
//! on somebody's phone has too. SHA-1, for that is what all the apps do.

use chrono::{DateTime, Utc};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use subtle::ConstantTimeEq as _;

use crate::master::random;

/// Bytes of a secret: as many as a SHA-1 has.
pub(super) const SECRET_BYTES: usize = 20;
/// Seconds for which a code is shown.
const STEP_SECONDS: i64 = 30;
/// Digits of a code.
const DIGITS: usize = 6;
/// Codes that are taken before and after the one of the moment: clocks differ, people are slow.
const STEPS_APART: i64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A new secret.
///
/// # Panics
/// Where the system has no randomness.
pub(super) fn secret() -> [u8; SECRET_BYTES] {
    random()
}

/// The step whose code somebody gives, with the space that apps show in it or without, if it is one
/// of now and later than `last`, the one whose code was taken last.
pub(super) fn step_of(secret: &[u8], given: &str, now: DateTime<Utc>, last: i64) -> Option<i64> {
    let given: String = given.chars().filter(|letter| !letter.is_whitespace()).collect();
    let now = now.timestamp().div_euclid(STEP_SECONDS);
    (now - STEPS_APART..=now + STEPS_APART)
        .filter(|step| *step > last)
        .find(|step| code(secret, *step).as_bytes().ct_eq(given.as_bytes()).into())
}

/// The code of a step.
pub(super) fn code(secret: &[u8], step: i64) -> String {
    let number = truncated(secret, step) % 10_u32.pow(6);
    format!("{number:0DIGITS$}")
}

/// RFC 4226, 5.3.
fn truncated(secret: &[u8], step: i64) -> u32 {
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag[tag.len() - 1] & 0xf);
    let four: [u8; 4] = std::array::from_fn(|place| tag[offset + place]);
    u32::from_be_bytes(four) & 0x7fff_ffff
}

/// As people type it who cannot scan (RFC 4648, 6), without padding.
pub(super) fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for five in bytes.chunks(5) {
        let whole = five.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        let whole = whole << (8 * (5 - five.len()));
        let letters = (five.len() * 8).div_ceil(5);
        for place in 0..letters {
            let five_bits = (whole >> (35 - 5 * place)) & 31;
            text.push(BASE32[usize::try_from(five_bits).unwrap_or_default()].into());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, SHA-1: of eight digits, of which ours are the last six.
    #[test]
    fn codes_are_those_of_the_rfc() {
        let secret = b"12345678901234567890";
        for (seconds, eight) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let step = seconds / STEP_SECONDS;
            let eight_digits = truncated(secret, step) % 100_000_000;
            assert_eq!(format!("{eight_digits:08}"), eight);
            assert_eq!(code(secret, step), eight[2..]);
        }
    }

    /// RFC 4648, 10, without the padding.
    #[test]
    fn base32_is_that_of_the_rfc() {
        let all = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let wanted = ["", "MY", "MZXQ", "MZXW6", "MZXW6YQ", "MZXW6YTB", "MZXW6YTBOI"];
        assert_eq!(all.map(|text| base32(text.as_bytes())), wanted);
        assert_eq!(base32(&secret()).len(), 32);
    }

    #[test]
    fn a_code_is_of_about_now_and_good_once() {
        let (secret, now) = (secret(), DateTime::from_timestamp(1_000_000_020, 0).unwrap());
        let step = now.timestamp() / STEP_SECONDS;
        for (apart, wanted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let given = code(&secret, step + apart);
            let taken = step_of(&secret, &given, now, 0);
            // Another step may have the same code, once in a million.
            assert_eq!(taken.is_some(), wanted || taken == Some(step), "{apart}");
        }
        let given = code(&secret, step);
        let shown = format!(" {} {}\u{a0}", &given[..3], &given[3..]);
        assert_eq!(step_of(&secret, &shown, now, 0), Some(step));
        assert_eq!(step_of(&secret, &given, now, step - 1), Some(step));
        assert!(step_of(&secret, &given, now, step).is_none_or(|it| it > step));
        for none in ["", "12345", "1234567", "abcdef", " 12345"] {
            assert_eq!(step_of(&secret, none, now, 0), None);
        }
    }
}
