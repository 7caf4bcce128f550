//! What is done by hand about who may ask: a token made, a key of a program, a master key, another
//! signing key. Each prints what it came to on standard output, and nothing else, so that a shell
//! can take it.

use std::io::{self, Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use clap::Args;
use domain::CustomerId;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::api_keys::{self, ApiKeys, why_of_nothing};
use crate::issuer::{IssueError, Issuer};
use crate::keys::KeyError;
use crate::master::Master;
use crate::people::{Email, NewPassword, Password, SignInError};
use crate::principal::Role;
use crate::routes::Desk;
use crate::token::{LIFE_MAX, Subject};

/// Whom a token is for.
#[derive(Clone, Debug, Args)]
pub struct Wanted {
    /// What they do for the shop
    #[arg(long, value_enum, required_unless_present = "customer", conflicts_with = "customer")]
    pub role: Option<Role>,
    /// The customer they are
    #[arg(long)]
    pub customer: Option<Uuid>,
    /// Which of those who work here they are; one who is new without it
    #[arg(long, conflicts_with = "customer")]
    pub person: Option<Uuid>,
    /// How long it is good, hours
    #[arg(long, default_value_t = 24,
          value_parser = clap::value_parser!(i64).range(1..=LIFE_MAX.num_hours()))]
    pub hours: i64,
}

/// Why it could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no master key.
    #[error("MASTER_KEY is not set: `command-api master-key` prints one")]
    NoMasterKey,
    /// There is no token.
    #[error("no token can be signed")]
    Issue(#[from] IssueError),
    /// There is no key.
    #[error("no signing key can be made")]
    Key(#[from] KeyError),
    /// Nobody can be registered.
    #[error("nobody could be registered")]
    Register(#[from] SignInError),
    /// Something cannot be sealed anew.
    #[error("not all could be sealed under the first master key")]
    Vault(#[from] vault::operations::Error),
    /// What was given is none.
    #[error("the {0} {1}")]
    NotThat(&'static str, String),
    /// The database does not answer.
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
    /// Nobody reads what is said.
    #[error("the output could not be written")]
    Output(#[from] io::Error),
}

/// Prints a token.
///
/// # Errors
/// There is no key to sign with.
pub async fn token(desk: Option<Desk>, wanted: Wanted) -> Result<(), Error> {
    let issuer = desk.ok_or(Error::NoMasterKey)?.issuer;
    let Wanted { role, customer, person, hours } = wanted;
    let subject = match (customer, role) {
        (Some(id), _) => Subject::Customer(CustomerId(id)),
        (None, role) => {
            // The parser wants one of the two.
            Subject::Member(person.unwrap_or_else(Uuid::now_v7), role.unwrap_or(Role::Analyst))
        }
    };
    let given = issuer.issue(subject, Utc::now(), TimeDelta::hours(hours)).await?;
    Ok(writeln!(io::stdout(), "{}", given.token)?)
}

/// Whom to register.
#[derive(Clone, Debug, Args)]
pub struct Newcomer {
    /// Their e-mail address
    #[arg(long)]
    pub email: String,
    /// What they do for the shop
    #[arg(long, value_enum)]
    pub role: Role,
}

/// Registers somebody of the shop, whose password is the first line of standard input, and prints
/// their id.
///
/// # Errors
/// The address or the password is none, or somebody has the address.
pub async fn register(desk: Option<Desk>, newcomer: Newcomer) -> Result<(), Error> {
    let desk = desk.ok_or(Error::NoMasterKey)?;
    let email = Email::try_from(newcomer.email);
    let email = email.map_err(|why| Error::NotThat("address", why.to_owned()))?;
    let mut password = String::new();
    io::stdin().read_line(&mut password)?;
    let password = Password::from(password.trim_end_matches(['\r', '\n']).to_owned());
    let password = NewPassword::try_from(password);
    let password = password.map_err(|why| Error::NotThat("password", why))?;
    let id = desk.people.register(&email, password.into(), Some(newcomer.role)).await?;
    let id = id.ok_or_else(|| Error::NotThat("address", "is somebody's already".to_owned()))?;
    Ok(writeln!(io::stdout(), "{id}")?)
}

/// Prints a new master key.
///
/// # Errors
/// Nobody reads it.
pub fn master_key() -> Result<(), Error> {
    Ok(writeln!(io::stdout(), "{}", Master::generate())?)
}

/// Seals all secrets under the first master key of the ring.
///
/// # Errors
/// Something is sealed under a key that is not in the ring, or the database does not answer.
pub async fn reseal(desk: Option<Desk>) -> Result<(), Error> {
    let desk = desk.ok_or(Error::NoMasterKey)?;
    vault::operations::reseal(desk.people.vault()).await?;
    desk.people.reseal().await.map_err(vault::operations::Error::from)?;
    desk.issuer.reseal().await?;
    Ok(())
}

/// What becomes of the keys before a new one.
#[derive(Clone, Copy, Debug, Args)]
pub struct Before {
    /// What they signed is worth nothing from now on, as where one has leaked: whoever has a token
    /// gets another by signing in
    #[arg(long)]
    pub revoke_old: bool,
}

/// Signs with another key from now on, and prints its name.
///
/// # Errors
/// The database does not answer.
pub async fn rotate(desk: Option<Desk>, before: Before) -> Result<(), Error> {
    let issuer = desk.ok_or(Error::NoMasterKey)?.issuer;
    let id = issuer.rotate().await?;
    succeed(&issuer, id, before).await
}

async fn succeed(issuer: &Issuer, id: Uuid, before: Before) -> Result<(), Error> {
    if before.revoke_old {
        issuer.revoke_retired(id).await?;
    }
    Ok(writeln!(io::stdout(), "{id}")?)
}

/// Bytes of a key that is imported: one of 4096 bits has 3,300 as text.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Takes an RSA key from standard input, PKCS #8 in PEM, and prints its name. It signs from now on
/// where RS256 does.
///
/// # Errors
/// It is none, or the database does not answer.
pub async fn import(desk: Option<Desk>, before: Before) -> Result<(), Error> {
    let desk = desk.ok_or(Error::NoMasterKey)?;
    let mut pem = String::new();
    io::stdin().take(KEY_BYTES_MAX).read_to_string(&mut pem)?;
    let pkcs8 = of_pem(&pem).ok_or(KeyError::NotRsa)?;
    let id = desk.issuer.import(&pkcs8).await?;
    succeed(&desk.issuer, id, before).await
}

fn of_pem(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

/// A key for a program.
#[derive(Clone, Debug, Args)]
pub struct Program {
    /// What the key is called
    #[arg(long)]
    pub name: String,
    /// What the program may do; a program owns nothing
    #[arg(long, value_enum)]
    pub role: Role,
    /// Where the key may be used, the beginning of a path, as `/v1/stock` or `GET /v1/orders`;
    /// several times for several, and everywhere without it
    #[arg(long)]
    pub scope: Vec<String>,
    /// How long it is good, days; until it is revoked without it
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=3_650))]
    pub days: Option<i64>,
}

/// Prints an API key. `resources` are the first words of paths, of which its scopes may be.
///
/// # Errors
/// What was given is none, or there are too many.
pub async fn api_key(db: PgPool, program: Program, resources: &[&str]) -> Result<(), Error> {
    let Program { name, role, scope, days } = program;
    let now = Utc::now();
    let expires_at = days.map(|days| now + TimeDelta::days(days));
    // As one of those who ask for it over HTTP would say it.
    let wanted = json!({"name": name, "role": role, "scopes": scope, "expires_at": expires_at});
    let wanted = serde_json::from_value::<api_keys::Wanted>(wanted);
    let wanted = wanted.map_err(|why| Error::NotThat("key", why.to_string()))?;
    if wanted.scopes.of_nothing(resources).is_some() {
        return Err(Error::NotThat("scope", why_of_nothing(resources)));
    }
    let made = ApiKeys::new(db).make(wanted, now).await?;
    let full = || Error::NotThat("key", "would be one too many".to_owned());
    Ok(writeln!(io::stdout(), "{}", made.ok_or_else(full)?.key)?)
}
