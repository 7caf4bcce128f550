//! People of a file, into the vault: an account for who has an e-mail, what is known of them, where
//! they live. No event and no report says any of it. What people have said here themselves stays,
//! who was forgotten here stays forgotten, and who registered with an e-mail and never showed that
//! it is theirs is given nothing. What the columns mean is in [`columns`].

pub mod columns;

use chrono::{DateTime, Utc};
use identity::people::{Email, People};
use uuid::Uuid;
use vault::address::{PostalAddress, Profile};
use vault::records::{Kind, Record};
use vault::{DataSubject, VaultError};

use crate::Error;

/// What a file tells of somebody.
#[derive(Clone, Debug, Default)]
pub struct FilePerson {
    /// Who they are in the file's shop.
    pub id: Option<Uuid>,
    /// Where they are written to.
    pub email: Option<Email>,
    /// What else is known of them.
    pub profile: Profile,
    /// Where they live, or where something went.
    pub address: Option<PostalAddress>,
}

impl FilePerson {
    /// What tells them from others in the file, if anything does.
    pub fn key(&self) -> Option<String> {
        let email = self.email.as_ref().map(Email::folded);
        email.or_else(|| self.id.map(|id| id.to_string()))
    }

    /// Whether anything is known of them.
    pub fn tells_anything(&self) -> bool {
        self.key().is_some() || self.address.is_some()
    }
}

/// Who somebody is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// A customer, of whom something was not known before.
    New(Uuid),
    /// A customer, whose account or profile stays as it is.
    Known(Uuid),
    /// They work for the shop: what they do elsewhere is not told of them here.
    Colleague,
    /// Somebody registered here with their e-mail, and never showed that it is theirs: nothing is
    /// given to whoever that is.
    Unproven,
    /// They were forgotten here.
    Forgotten,
    /// Nothing tells them from others.
    Nobody,
}

/// What is reported of who is [unproven](Acquaintance::Unproven).
pub const UNPROVEN: &str =
    "somebody registered with this e-mail and has not shown that it is theirs";

/// Keeps who somebody is: their account and their profile.
pub async fn keep(
    people: &People,
    person: &FilePerson,
    now: DateTime<Utc>,
) -> Result<Acquaintance, Error> {
    let account = match &person.email {
        Some(email) => people.with_email(email).await?,
        None => None,
    };
    if account.is_some_and(|account| account.person.role.is_some()) {
        return Ok(Acquaintance::Colleague);
    }
    if account.is_some_and(|account| !account.is_theirs) {
        return Ok(Acquaintance::Unproven);
    }
    let made = || person.email.as_ref().map(|_| Uuid::now_v7());
    let Some(id) = account.map(|account| account.person.id).or(person.id).or_else(made) else {
        return Ok(Acquaintance::Nobody);
    };
    let mut is_new = false;
    match people.vault().kept::<Profile>(Kind::Profile, id).await {
        Ok(Some(_)) => {}
        Ok(None) => {
            let profile = Profile { email: person.email.clone(), ..person.profile.clone() };
            if profile != Profile::default() {
                match people.say(id, &profile, now).await {
                    Err(VaultError::Erased) => return Ok(Acquaintance::Forgotten),
                    said => said?,
                }
                is_new = true;
            }
        }
        Err(VaultError::Erased) => return Ok(Acquaintance::Forgotten),
        Err(error) => return Err(error.into()),
    }
    // After the profile, which who was forgotten is refused: they get no account either.
    if let (None, Some(email)) = (account, &person.email) {
        is_new |= people.take_over(id, email).await?;
    }
    Ok(if is_new { Acquaintance::New(id) } else { Acquaintance::Known(id) })
}

/// Keeps an address under an id that the file gives rise to, unless there is one under it. Says
/// whether there is one now: who was forgotten has none.
pub async fn keep_address(
    people: &People,
    (id, of): (Uuid, DataSubject),
    address: &PostalAddress,
    lasting: bool,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let vault = people.vault();
    if vault.subject_of(Kind::Address, id).await?.is_some() {
        return Ok(true);
    }
    let record = Record { id, subject: of, kind: Kind::Address, lasting, plain: address };
    match vault.keep(record, &address.words(), now).await {
        Ok(()) => Ok(true),
        Err(VaultError::Erased) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
