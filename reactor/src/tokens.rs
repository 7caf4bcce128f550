//! What a payment is made with, where it lies sealed outside the log: an event names it.

use domain::text::Token;
use uuid::Uuid;
use vault::Vault;
use vault::VaultError;
use vault::records::Kind;

/// What such a name begins with. No caller may send one: routes refuse it.
pub use vault::NAMED as PREFIX;

/// The name of a token that was sealed under this id.
///
/// # Panics
/// Never: a prefix and an id are a token.
pub fn name(id: Uuid) -> Token {
    format!("{PREFIX}{id}").parse().expect("a prefix and an id are a token")
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// This process cannot open it.
    #[error("a payment's token is sealed, and this process was told no MASTER_KEY")]
    NoVault,
    /// It cannot be opened now.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

/// The token that stands in an event, or that it names; none of who was forgotten.
///
/// # Errors
/// It cannot be opened now.
pub(crate) async fn open(
    vault: Option<&Vault>,
    token: &Token,
) -> Result<Option<Token>, TokenError> {
    let Some(id) = token.as_str().strip_prefix(PREFIX) else { return Ok(Some(token.clone())) };
    let Ok(id) = id.parse() else { return Ok(None) };
    let vault = vault.ok_or(TokenError::NoVault)?;
    match vault.kept::<Token>(Kind::PaymentToken, id).await {
        Ok(kept) => Ok(kept.map(|kept| kept.plain)),
        Err(VaultError::Erased) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
