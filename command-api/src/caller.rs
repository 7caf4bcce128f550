//! Who sends a command, as far as the log may know it. Until there are logins that is whoever has
//! the token: callers with another one, before or after it was changed, are others.

use std::fmt;

use service::config::Secret;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::fingerprint::short;

/// Set before a token, so that its digest here is not its digest anywhere else.
const PURPOSE: &[u8] = b"commerce caller\0";

/// One who sends commands. Written as 32 hexadecimal digits, or as `anyone`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller(Option<Uuid>);

impl Caller {
    /// Everybody, where nobody is asked for a token.
    pub const ANYONE: Self = Self(None);

    /// Who has `token`. A digest stands for it: it is written into the log, the token never is.
    pub fn with(token: Option<&Secret>) -> Self {
        let Some(token) = token else { return Self::ANYONE };
        Self(Some(short(Sha256::new().chain_update(PURPOSE).chain_update(token.expose()))))
    }

    /// The name under which their idempotency key stands in the log: each caller has keys of their
    /// own, and none is one of the engine's.
    pub fn key(self, key: &str) -> String {
        format!("c:{self}:{key}")
    }

    /// Who asked, as it stands in events.
    pub fn actor(self) -> String {
        format!("client:{self}")
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("anyone"),
            Some(digest) => digest.simple().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use event_store::writer::KEY_BYTES_MAX;

    use super::*;
    use crate::headers::KEY_CHARS_MAX;

    #[test]
    fn keys_of_callers_are_apart_and_fit() {
        let of = |token: &str| Caller::with(Some(&Secret::from(token)));
        assert_eq!(of("one"), of("one"));
        let longest = "k".repeat(KEY_CHARS_MAX);
        let keys = [of("one"), of("two"), Caller::ANYONE].map(|caller| caller.key(&longest));
        assert!(keys[0] != keys[1] && keys[0] != keys[2] && keys[1] != keys[2]);
        assert!(keys.iter().all(|key| key.len() <= KEY_BYTES_MAX), "{keys:?}");
        assert!(!of("one").key("k").contains("one"));
        // What one caller's key may be called, another's cannot.
        assert_ne!(Caller::ANYONE.key("k"), of("one").key("k"));
    }
}
