//! People who sign in: customers, and those who work for the shop. Who they are is found by their
//! e-mail, which is sealed; no answer tells whether somebody has an address.
//!
//! * `account`: what they do with it beyond signing in; `codes`: what is mailed to them for that;
//! * `password`: what only they know, and how it is kept; `common`: passwords that nobody may have;
//! * `failures`: how guessing is made slow; `sessions`: who is signed in; [`sign_ins`]: who
//!   was, or tried; `elsewhere`: customers of another shop's books;
//! * `registering`: how they come to have an account; `verifying`: how they show that an address is
//!   theirs;
//! * `second_factor`: what some show besides, `totp`: how codes are made; `staff`: those who work
//!   here, as the owner sees to them; `inviting`: how they come.

mod account;
mod codes;
mod common;
mod elsewhere;
mod failures;
mod inviting;
mod password;
mod registering;
mod second_factor;
mod sessions;
pub mod sign_ins;
mod staff;
mod totp;
mod verifying;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::CustomerId;
use failures::Counters;
use mail::Post;
use sign_ins::Network;
use sqlx::PgPool;
use uuid::Uuid;

pub use account::{Account, AccountError};
pub use common::NewPassword;
pub use elsewhere::EmailHolder;
pub use inviting::Invitation;
pub use password::{Hashing, Password, PasswordError};
pub use registering::Hashed;
pub use second_factor::Enrolment;
pub use sessions::{Grant, Lives, Session};
pub use staff::{Colleague, StaffChange};
pub use vault::{Email, Vault};

use crate::master::{Master, NotSealed};
use crate::principal::Role;
use crate::token::Subject;

/// What addresses are sealed as.
const PURPOSE: &[u8] = b"commerce e-mail\0";

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// Nobody has this address and this password.
    #[error("nobody has this e-mail and this password")]
    Wrong,
    /// It was tried too often.
    #[error("too many tries: come back later")]
    TooOften(TimeDelta),
    /// The password is right, and a code is asked for too.
    #[error("a code of the second factor is asked for")]
    SecondFactorWanted,
    /// The password is right, and the code is not.
    #[error("the code of the second factor is wrong, or was used")]
    SecondFactorWrong,
    /// There is one already.
    #[error("there is a second factor already")]
    SecondFactorThere,
    /// There is none.
    #[error("there is no such second factor")]
    NoSecondFactor,
    /// It was sealed under another master key.
    #[error(transparent)]
    Sealed(#[from] NotSealed),
    /// Too many passwords are being looked at.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The database does not answer.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Everybody who can sign in. Clones share it.
#[derive(Clone, Debug)]
pub struct People {
    db: PgPool,
    master: Arc<Master>,
    vault: Vault,
    post: Option<Post>,
    hashing: Hashing,
    lives: Lives,
    staff_need_second_factor: bool,
}

/// What the tries of who has a token are counted under.
const SIGNED_IN: &[u8] = b"commerce signed in\0";

/// What is known of somebody who has proved who they are.
pub(crate) struct Proved {
    tries: Counters,
    email_sealed: Vec<u8>,
    /// What is kept of the password they know.
    password: String,
}

/// Somebody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// Which of them.
    pub id: Uuid,
    /// What they do for the shop, unless they are a customer.
    pub role: Option<Role>,
}

impl Person {
    /// As tokens name them.
    pub fn subject(self) -> Subject {
        match self.role {
            None => Subject::Customer(CustomerId(self.id)),
            Some(role) => Subject::Member(self.id, role),
        }
    }

    fn of(id: Uuid, role: Option<String>) -> Option<Self> {
        let Some(role) = role else { return Some(Self { id, role: None }) };
        let role = serde_json::from_value(role.into()).ok()?;
        Some(Self { id, role: Some(role) })
    }
}

impl People {
    /// Those in the database, sealed under `master`.
    pub fn new(db: PgPool, master: Arc<Master>) -> Self {
        let (vault, hashing) = (Vault::new(db.clone(), master.clone()), Hashing::default());
        let lives = Lives::default();
        Self { db, master, vault, post: None, hashing, lives, staff_need_second_factor: false }
    }

    /// With sessions and tokens that live so long.
    #[must_use]
    pub fn with_lives(self, lives: Lives) -> Self {
        Self { lives, ..self }
    }

    /// How long they do.
    pub fn lives(&self) -> Lives {
        self.lives
    }

    /// With staff who have to have a second factor, or not.
    #[must_use]
    pub fn with_second_factor_of_staff(self, needed: bool) -> Self {
        Self { staff_need_second_factor: needed, ..self }
    }

    /// Whether somebody has to enrol a second factor before they may do anything else.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn must_enrol(&self, person: Person) -> sqlx::Result<bool> {
        let is_asked = self.staff_need_second_factor && person.role.is_some();
        Ok(is_asked && !self.has_second_factor(person.id).await?)
    }

    /// The same people, who are written to.
    #[must_use]
    pub fn with_post(self, post: Option<Post>) -> Self {
        Self { post, ..self }
    }

    /// Where mails to them are written down, if they are written to.
    pub fn post(&self) -> Option<&Post> {
        self.post.as_ref()
    }

    /// Where what is known of them is kept.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Adds a customer, or, with a role, somebody of the shop, who can sign in from now on. An
    /// address that somebody has is left as it is; whether it was is for nobody to know but who
    /// runs the shop.
    ///
    /// # Errors
    /// Too many passwords are being looked at, or the database does not answer.
    pub async fn register(
        &self,
        email: &Email,
        password: Password,
        role: Option<Role>,
    ) -> Result<Option<Uuid>, SignInError> {
        // Hashed whether the address is free or not: it takes as long.
        let password = self.hash(password).await?;
        Ok(self.add(email, password, role).await?)
    }

    async fn add(
        &self,
        email: &Email,
        password: Hashed,
        role: Option<Role>,
    ) -> sqlx::Result<Option<Uuid>> {
        let id = Uuid::now_v7();
        let sealed = self.master.seal(PURPOSE, email.as_str().as_bytes());
        let made = sqlx::query!(
            "INSERT INTO people (id, role, email_digest, email_sealed, password)
             SELECT $1, $2, $3, $4, $5
             WHERE NOT EXISTS (SELECT FROM people WHERE email_digest = ANY($6))
             ON CONFLICT (email_digest) DO NOTHING",
            id,
            role.map(Role::name),
            &self.digest(email)[..],
            sealed,
            password.0,
            &self.digests(email),
        );
        let made = made.execute(&self.db).await?.rows_affected();
        Ok((made > 0).then_some(id))
    }

    /// Who has this address and this password, and no second factor.
    ///
    /// # Errors
    /// As [`Self::sign_in_with`].
    pub async fn sign_in(
        &self,
        email: &Email,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<Person, SignInError> {
        self.sign_in_with(email, (password, None), None, now).await
    }

    /// Who has this address, this password, and what gives this code, if they have that; asked from
    /// that network.
    ///
    /// # Errors
    /// Nobody has, or it was tried too often. That a code is wrong or missing is told to who knows
    /// the password alone, and counts as a failure too.
    pub async fn sign_in_with(
        &self,
        email: &Email,
        (password, second): (Password, Option<&str>),
        from: Option<&Network>,
        now: DateTime<Utc>,
    ) -> Result<Person, SignInError> {
        let tries = self.tries_at(email, from);
        tries.claim(&self.db, now).await?;
        let found = sqlx::query!(
            "SELECT id, role, password FROM people
             WHERE email_digest = ANY($1) AND disabled_at IS NULL",
            &self.digests(email)
        );
        let found = found.fetch_optional(&self.db).await?;
        let known = found.as_ref().and_then(|found| found.password.clone());
        let is_right = self.look_at(password, known, &tries).await?;
        let person = found.filter(|_| is_right).and_then(|it| Person::of(it.id, it.role));
        let person = person.ok_or(SignInError::Wrong)?;
        self.prove_second(person.id, second, now).await?;
        tries.forget(&self.db).await?;
        Ok(person)
    }

    /// Gives somebody another password, who knows the one they have. Whatever else let in, or
    /// would, is good no more: sessions, tokens, codes.
    ///
    /// # Errors
    /// They do not, or it was tried too often.
    pub async fn change_password(
        &self,
        id: Uuid,
        old: Password,
        new: Password,
        now: DateTime<Utc>,
    ) -> Result<(), SignInError> {
        let proved = self.prove(id, old, now).await?;
        let password = self.hashing.hash(new).await?;
        let changed = sqlx::query!(
            "WITH changed AS (UPDATE people SET password = $2
                 WHERE id = $1 AND password = $3 RETURNING id)
             SELECT id FROM changed, shut_out(id, $4)",
            id,
            password,
            proved.password,
            now
        );
        // Whoever chose another one meanwhile has made this one the old.
        changed.fetch_optional(&self.db).await?.ok_or(SignInError::Wrong)?;
        Ok(())
    }

    /// Whether that is the password of which this was kept. A try that finds no place to be looked
    /// at is given back.
    async fn look_at(
        &self,
        password: Password,
        kept: Option<String>,
        tries: &Counters,
    ) -> Result<bool, SignInError> {
        let looked = self.hashing.is_right(password, kept).await;
        if looked.is_err() {
            tries.give_back(&self.db).await?;
        }
        Ok(looked?)
    }

    /// Refuses who has not this password, though they have a token.
    pub(crate) async fn prove(
        &self,
        id: Uuid,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<Proved, SignInError> {
        let proved = self.prove_first(id, password, now).await?;
        proved.tries.forget(&self.db).await?;
        Ok(proved)
    }

    /// The same, for who has more to prove: until then the try has failed.
    async fn prove_first(
        &self,
        id: Uuid,
        password: Password,
        now: DateTime<Utc>,
    ) -> Result<Proved, SignInError> {
        let found = sqlx::query!(
            "SELECT email_sealed, password FROM people WHERE id = $1 AND disabled_at IS NULL",
            id
        );
        let found = found.fetch_optional(&self.db).await?.ok_or(SignInError::Wrong)?;
        let tries = self.own_tries(id);
        tries.claim(&self.db, now).await?;
        let kept = found.password.ok_or(SignInError::Wrong)?;
        if !self.look_at(password, Some(kept.clone()), &tries).await? {
            return Err(SignInError::Wrong);
        }
        Ok(Proved { tries, email_sealed: found.email_sealed, password: kept })
    }

    fn open_email(&self, sealed: &[u8]) -> Result<Email, NotSealed> {
        let plain = String::from_utf8(self.master.open(PURPOSE, sealed)?);
        plain.ok().and_then(|text| Email::try_from(text).ok()).ok_or(NotSealed)
    }

    /// By which tries to sign in are counted.
    fn tries_at(&self, email: &Email, from: Option<&Network>) -> Counters {
        let all = self.digest(email).to_vec();
        let Some(network) = from else { return Counters::one(all) };
        let here = [email.folded().as_bytes(), b"\0", network.as_bytes()].concat();
        Counters::with_all(self.master.digest(PURPOSE, &here).to_vec(), all)
    }

    /// Who has shown by a mail who they are need not wait for what they tried before from there.
    ///
    /// # Errors
    /// The database does not answer, or the address is sealed under another master key.
    pub async fn start_anew(&self, id: Uuid, from: Option<&Network>) -> Result<(), AccountError> {
        let Some(account) = self.account(id).await? else { return Ok(()) };
        Ok(self.tries_at(&account.email, from).forget(&self.db).await?)
    }

    /// By which tries of who has a token are counted.
    fn own_tries(&self, id: Uuid) -> Counters {
        Counters::one(self.master.digest(SIGNED_IN, id.as_bytes()).to_vec())
    }

    /// By which an address may be found, whichever key of the ring and whichever program it was
    /// written by.
    fn digests(&self, email: &Email) -> Vec<Vec<u8>> {
        let each = email.foldings();
        each.iter().flat_map(|text| self.master.digests(PURPOSE, text.as_bytes())).collect()
    }

    /// By which it is found from now on.
    fn digest(&self, email: &Email) -> [u8; 32] {
        self.master.digest(PURPOSE, email.folded().as_bytes())
    }
}
