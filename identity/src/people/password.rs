//! What only somebody knows, and how it is kept: Argon2id with 19 MiB and two passes, as OWASP's
//! cheat sheet of password storage has it. It takes long on purpose, so few are looked at at once.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Passwords looked at at once, 19 MiB each; more wait.
const AT_ONCE: usize = 2;
/// How long they wait.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// Of no password: looked at where nobody has the address, so that this takes as long.
pub(super) const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$\
                       bm9ib2R5IGhhcyB0aGlz$9b1hkXKXpPDRUzXqaGU9sPGMBiHbFVjK0kPDUnuVJgs";

/// What somebody gives as their password, which may be any text: one that nobody can have is wrong
/// as any other is, and counts as a try. It is never printed.
#[derive(Clone, Deserialize, JsonSchema)]
#[schemars(extend("format" = "password", "examples" = ["correct horse battery staple"]))]
pub struct Password(String);

impl Password {
    /// As it was typed.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// As it is typed: nothing is cut, folded or forbidden (ASVS 5.0, 6.2.5 and 6.2.8).
impl From<String> for Password {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Why a password was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are.
    #[error("too many people sign in at once")]
    Busy,
    /// It cannot be hashed.
    #[error("a password cannot be hashed")]
    Broken,
}

/// Where passwords are looked at.
#[derive(Clone, Debug)]
pub struct Hashing(Arc<Semaphore>);

impl Default for Hashing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Hashing {
    /// What is kept of a password.
    ///
    /// # Errors
    /// Too many are being looked at.
    pub async fn hash(&self, password: Password) -> Result<String, PasswordError> {
        self.aside(move || {
            let hash = Argon2::default().hash_password(password.0.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|_| PasswordError::Broken)
        })
        .await?
    }

    /// Whether it is the one of which that was kept; never, where nothing was, which takes as long.
    ///
    /// # Errors
    /// Too many are being looked at.
    pub async fn is_right(
        &self,
        password: Password,
        kept: Option<String>,
    ) -> Result<bool, PasswordError> {
        self.aside(move || {
            let of = kept.as_deref().unwrap_or(NOBODYS);
            let is_right = Argon2::default().verify_password(password.0.as_bytes(), of).is_ok();
            is_right && kept.is_some()
        })
        .await
    }

    /// Beside the threads that answer requests.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let place = timeout(WAIT_MAX, self.0.clone().acquire_owned()).await;
        let place = place.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|_| PasswordError::Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::from(text.to_owned())
    }

    #[tokio::test]
    async fn what_is_kept_of_a_password_is_right_for_it_alone() {
        let hashing = Hashing::default();
        let kept = hashing.hash(password("correct horse")).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert_ne!(hashing.hash(password("correct horse")).await.unwrap(), kept);
        let is_right = async |text: &str, kept| hashing.is_right(password(text), kept).await;
        assert_eq!(is_right("correct horse", Some(kept.clone())).await, Ok(true));
        assert_eq!(is_right("correct horsf", Some(kept)).await, Ok(false));
        assert_eq!(is_right("correct horse", None).await, Ok(false));
        assert_eq!(is_right("correct horse", Some("no hash".to_owned())).await, Ok(false));
    }

    #[test]
    fn what_is_compared_where_nobody_is_known_is_a_hash() {
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODYS).is_ok());
    }

    #[test]
    fn a_password_is_not_printed() {
        for text in ["1234567", "12345678", "пароль 1", &"密".repeat(128)] {
            assert!(!format!("{:?}", password(text)).contains(text));
        }
    }
}
