//! Which passwords somebody may have: none that is short, and none that everybody tries first.
//!
//! These nobody may have (ASVS 5.0, 6.2.4): the
//! 3,000 most common ones of eight characters and more, in `common_passwords.txt`, one a line. They
//! are out of the list of zxcvbn 4.5.0, which was counted over leaked passwords (MIT, © 2012–2016
//! Dan Wheeler and Dropbox, Inc., © 2016 Daniel Wolf).

use schemars::JsonSchema;
use serde::Deserialize;

use super::password::Password;

const LIST: &str = include_str!("common_passwords.txt");

/// Characters of a password (ASVS 5.0, 6.2.1 and 6.2.9).
const CHARS_MIN: usize = 8;
const CHARS_MAX: usize = 128;

/// A password that somebody wants to have from now on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "Password")]
#[schemars(extend(
    "minLength" = CHARS_MIN,
    "maxLength" = CHARS_MAX,
    "format" = "password",
    "examples" = ["correct horse battery staple"],
))]
pub struct NewPassword(#[schemars(with = "String")] Password);

impl TryFrom<Password> for NewPassword {
    type Error = String;

    fn try_from(password: Password) -> Result<Self, String> {
        if !(CHARS_MIN..=CHARS_MAX).contains(&password.as_str().chars().count()) {
            return Err(format!("must have from {CHARS_MIN} to {CHARS_MAX} characters"));
        }
        if is_common(password.as_str()) {
            return Err("is one of those that are tried first".to_owned());
        }
        Ok(Self(password))
    }
}

impl From<NewPassword> for Password {
    fn from(new: NewPassword) -> Self {
        new.0
    }
}

/// Whether a password is one of those, in capitals or not.
fn is_common(password: &str) -> bool {
    let password = password.to_lowercase();
    // Looked through a line at a time, which takes less than hashing it does by far.
    LIST.lines().any(|common| common == password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long() {
        let new = |text: &str| NewPassword::try_from(Password::from(text.to_owned()));
        for text in ["", "1234567", &"x".repeat(129)] {
            assert!(new(text).is_err());
        }
        for text in ["correct8", "пароль 1", &"密".repeat(128)] {
            assert!(new(text).is_ok());
        }
    }

    #[test]
    fn what_everybody_tries_nobody_has() {
        assert_eq!(LIST.lines().count(), 3_000);
        for common in ["password", "12345678", "PassWord1", "qwertyuiop", "iloveyou"] {
            assert!(is_common(common), "{common}");
        }
        for rare in ["correct horse", "passwordpasswordpassword", "battery staple", ""] {
            assert!(!is_common(rare), "{rare}");
        }
    }
}
