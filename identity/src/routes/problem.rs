//! What goes wrong with people and their accounts, as problems.

use std::time::Duration;

use axum::http::StatusCode;
use service::Problem;
use vault::VaultError;

use super::broken;
use crate::people::{AccountError, PasswordError, SignInError};

/// What who finds no place to have a password looked at is told to wait.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// What could not be done with an account.
pub(super) fn failed(error: AccountError) -> Problem {
    let refuse = |status, code, detail: &str| Problem::new(status, code, detail.to_owned());
    match error {
        AccountError::NoCode => refuse(
            StatusCode::FORBIDDEN,
            "code_not_good",
            "this code is none, was used, or has run out: ask for another",
        ),
        AccountError::NoMail => refuse(
            StatusCode::SERVICE_UNAVAILABLE,
            "no_mail",
            "this service sends no mails: it was told no SMTP_URL",
        )
        .until_set_up(),
        AccountError::SignIn(error) => refused(error),
        AccountError::Vault(VaultError::Erased) => {
            refuse(StatusCode::GONE, "erased", "whom this is about was forgotten")
        }
        AccountError::Vault(VaultError::TooMuch) => {
            refuse(StatusCode::CONFLICT, "too_many_records", "there are too many already")
        }
        AccountError::Vault(VaultError::NotTheirs) => {
            refuse(StatusCode::CONFLICT, "already_exists", "there is another one with this id")
        }
        AccountError::Vault(VaultError::Database(error)) => error.into(),
        AccountError::Vault(error @ (VaultError::Sealed(..) | VaultError::Unreadable(..))) => {
            broken(error)
        }
    }
}

/// Why nobody is let in.
pub(super) fn refused(error: SignInError) -> Problem {
    let conflict = |code, detail| Problem::new(StatusCode::CONFLICT, code, detail);
    match error {
        SignInError::SecondFactorWanted => Problem::new(
            StatusCode::UNAUTHORIZED,
            "totp_required",
            "send a code of the second factor too, as totp",
        ),
        SignInError::SecondFactorWrong => Problem::new(
            StatusCode::UNAUTHORIZED,
            "wrong_totp",
            "the code is wrong, or was used before",
        ),
        SignInError::SecondFactorThere => {
            conflict("second_factor_there", "there is a second factor already: remove it first")
        }
        SignInError::NoSecondFactor => {
            conflict("no_second_factor", "there is no such second factor")
        }
        SignInError::Sealed(error) => broken(error),
        SignInError::Wrong => Problem::new(
            StatusCode::UNAUTHORIZED,
            "wrong_credentials",
            "nobody has this e-mail and this password",
        ),
        SignInError::TooOften(wait) => Problem::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_tries",
            "there were too many tries with this e-mail",
        )
        .retry_after(wait.to_std().unwrap_or_default()),
        SignInError::Password(PasswordError::Busy) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "too many people sign in at once",
        )
        .retry_after(BUSY_FOR),
        SignInError::Password(PasswordError::Broken) => broken(PasswordError::Broken),
        SignInError::Database(error) => error.into(),
    }
}
