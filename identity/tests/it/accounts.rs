//! What is mailed to people, and what they do with it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use identity::people::{AccountError, Email, Password, People, SignInError};
use kit_mail::{Inbox, Mail};
use mail::Post;
use service::config::Secret;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use vault::{Master, Vault};

use crate::second_factor::enrolled;
use crate::tokens::master;

pub const ANN: &str = "ann@shop.example";
pub const OTHER: &str = "lee@shop.example";
pub const RIGHT: &str = "correct horse";
pub const NEW: &str = "battery staple";

/// People who are written to.
pub struct Written {
    pub people: People,
    pub inbox: Inbox,
    _carrying: tokio_util::sync::DropGuard,
}

pub async fn open(db: &PgPool) -> Written {
    let (master, inbox) = (Arc::new(master()), Inbox::open().await);
    let post = Post::new(Vault::new(db.clone(), master.clone()));
    let (carrier, stop) = (inbox.settings().carrier().unwrap().unwrap(), CancellationToken::new());
    tokio::spawn(carrier.run(post.clone(), stop.clone()));
    let people = People::new(db.clone(), master).with_post(Some(post));
    Written { people, inbox, _carrying: stop.drop_guard() }
}

pub fn email(text: &str) -> Email {
    Email::try_from(text.to_owned()).unwrap()
}

pub fn password(text: &str) -> Password {
    Password::from(text.to_owned())
}

impl Written {
    /// Somebody registers; what is mailed for it.
    pub async fn ask(&mut self, text: &str, given: &str) -> Mail {
        let (email, now) = (email(text), Utc::now());
        let given = self.people.hash(password(given)).await.unwrap();
        self.people.ask_newcomer(&email, given, None, now).await.unwrap();
        self.inbox.next().await
    }

    /// Somebody registers, and shows that the address is theirs.
    pub async fn register(&mut self, text: &str) -> Uuid {
        let code = self.ask(text, RIGHT).await.code();
        assert_eq!(self.people.verify(&code, password(RIGHT), Utc::now()).await.unwrap(), None);
        self.people.with_email(&email(text)).await.unwrap().unwrap().person.id
    }

    pub async fn sign_in(&self, text: &str, given: &str) -> Result<Uuid, SignInError> {
        let signed_in = self.people.sign_in(&email(text), password(given), Utc::now()).await;
        signed_in.map(|person| person.id)
    }

    /// Asks for another address, which the one they have is told of. What is mailed to the other.
    pub async fn ask_for_other(&mut self, id: Uuid, from: &str, to: &str) -> String {
        self.people.change_email(id, &email(to), Utc::now()).await.unwrap();
        let mut mails = [self.inbox.next().await, self.inbox.next().await];
        mails.sort_by_key(|mail| mail.to != from);
        assert_eq!([&*mails[0].to, &*mails[1].to], [from, to]);
        assert!(mails[0].subject.contains("asked for another e-mail address"), "{:?}", mails[0]);
        mails[1].code()
    }

    pub async fn is_no_code(&self, code: &str) {
        self.is_no_code_of(RIGHT, code).await;
    }

    /// The same, of an account of this password.
    async fn is_no_code_of(&self, given: &str, code: &str) {
        let now = Utc::now();
        let verified = self.people.verify(code, password(given), now).await;
        assert!(matches!(verified, Err(AccountError::NoCode)), "{verified:?}");
        let reset = self.people.reset(code, password(NEW), now).await;
        assert!(matches!(reset, Err(AccountError::NoCode)), "{reset:?}");
    }

    /// A code for another password, that is mailed to who has the address.
    pub async fn code_to_reset(&mut self, text: &str) -> String {
        self.people.forgot(&email(text), Utc::now()).await.unwrap();
        self.inbox.next().await.code()
    }

    pub async fn verified(&self, id: Uuid) -> bool {
        self.people.account(id).await.unwrap().unwrap().verified_at.is_some()
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_address_is_shown_to_be_theirs(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let mail = open.ask(ANN, RIGHT).await;
    assert_eq!(mail.to, ANN);
    let good = open.people.verify(&mail.code(), password(RIGHT), now + TimeDelta::hours(25)).await;
    assert!(matches!(good, Err(AccountError::NoCode)), "it has run out");
    assert!(matches!(open.sign_in(ANN, RIGHT).await, Err(SignInError::Wrong)));
    open.people.verify(&mail.code(), password(RIGHT), now).await.unwrap();
    let id = open.sign_in(ANN, RIGHT).await.unwrap();
    assert!(open.verified(id).await);
    let profile = open.people.profile(id).await.unwrap();
    assert_eq!(profile.email.unwrap().as_str(), ANN);
    let again = open.people.verify(&mail.code(), password(RIGHT), now).await;
    assert!(matches!(again, Err(AccountError::NoCode)), "it is good once");
    // Who tries to have the address is told nothing, whose it is is.
    let mail = open.ask("ANN@shop.example", NEW).await;
    assert!(mail.to == ANN && mail.subject.contains("an account already"), "{mail:?}");
    assert!(open.sign_in(ANN, NEW).await.is_err());
}

/// Of several who registered with an address it is whose code comes back, with the password that
/// they chose; nothing is left of the others.
#[sqlx::test(migrations = "../migrations")]
async fn an_address_is_whose_code_comes_back(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let squatters = open.ask(ANN, NEW).await.code();
    let owners = open.ask("Ann@shop.example", RIGHT).await.code();
    open.people.verify(&owners, password(RIGHT), now).await.unwrap();
    open.is_no_code(&squatters).await;
    assert!(open.sign_in(ANN, NEW).await.is_err());
    assert!(open.sign_in(ANN, RIGHT).await.is_ok());
    let left = "SELECT (SELECT count(*) FROM registrations) + (SELECT count(*) FROM vault_keys)";
    let left = sqlx::query_scalar::<_, i64>(left);
    assert_eq!(left.fetch_one(&db).await.unwrap(), 1, "the owner's key");
    // What was asked for while it was free is nothing once somebody has it.
    let late = open.ask(OTHER, NEW).await.code();
    open.people.register(&email(OTHER), password(RIGHT), None).await.unwrap().unwrap();
    open.is_no_code_of(NEW, &late).await;
    assert!(open.sign_in(OTHER, NEW).await.is_err());
}

/// Who registers and never shows that the address is theirs leaves nothing for long, and there are
/// not many of one address.
#[sqlx::test(migrations = "../migrations")]
async fn who_never_comes_back_is_let_go_of(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let ask = async |text: &str, at| {
        let given = open.people.hash(password(NEW)).await.unwrap();
        open.people.ask_newcomer(&email(text), given, None, at).await.unwrap();
    };
    for _ in 0..7 {
        ask(ANN, now).await;
    }
    let count =
        async |what: &'static str| sqlx::query_scalar::<_, i64>(what).fetch_one(&db).await.unwrap();
    assert_eq!(count("SELECT count(*) FROM registrations").await, 5);
    // Before what they are sealed under goes.
    for _ in 0..5 {
        assert_eq!(open.inbox.next().await.to, ANN);
    }
    ask(ANN, now + TimeDelta::minutes(61)).await;
    assert_eq!(count("SELECT count(*) FROM registrations").await, 6, "others have waited an hour");
    ask(OTHER, now + TimeDelta::days(2)).await;
    assert_eq!(count("SELECT count(*) FROM registrations").await, 1);
    assert_eq!(count("SELECT count(*) FROM vault_keys").await, 1);
    assert!(open.inbox.is_empty());
}

#[sqlx::test(migrations = "../migrations")]
async fn who_forgot_their_password_chooses_another(db: PgPool) {
    let mut open = open(&db).await;
    let (id, now) = (open.register(ANN).await, Utc::now());
    let person = open.people.sign_in(&email(ANN), password(RIGHT), now).await.unwrap();
    open.people.begin(person, now).await.unwrap();
    open.people.forgot(&email("nobody@shop.example"), now).await.unwrap();
    open.people.forgot(&email(ANN), now).await.unwrap();
    let mail = open.inbox.next().await;
    assert_eq!(mail.to, ANN, "the first mail is the one to somebody");
    let code = mail.code();
    let late = open.people.reset(&code, password(NEW), now + TimeDelta::minutes(61)).await;
    assert!(matches!(late, Err(AccountError::NoCode)));
    let other_use = open.people.verify(&code, password(RIGHT), now).await;
    assert!(matches!(other_use, Err(AccountError::NoCode)), "a code is for one purpose");
    open.people.reset(&code, password(NEW), now).await.unwrap();
    assert!(open.people.reset(&code, password(RIGHT), now).await.is_err(), "it is good once");
    assert!(open.people.sessions(id, now).await.unwrap().is_empty(), "all were signed out");
    assert!(open.verified(id).await, "who reads the mail has the address");
    assert!(open.sign_in(ANN, RIGHT).await.is_err());
    assert_eq!(open.sign_in(ANN, NEW).await.unwrap(), id);
    assert!(open.inbox.next().await.subject.contains("was changed"));
}

#[sqlx::test(migrations = "../migrations")]
async fn who_wants_another_address_shows_that_it_is_theirs(db: PgPool) {
    let mut open = open(&db).await;
    let (id, now) = (open.register(ANN).await, Utc::now());
    let code = open.ask_for_other(id, ANN, OTHER).await;
    assert_eq!(open.sign_in(ANN, RIGHT).await.unwrap(), id);
    let person = open.people.sign_in(&email(ANN), password(RIGHT), now).await.unwrap();
    open.people.begin(person, now).await.unwrap();
    open.people.verify(&code, password(RIGHT), now).await.unwrap();
    assert!(open.people.sessions(id, now).await.unwrap().is_empty(), "all were signed out");
    assert!(open.sign_in(ANN, RIGHT).await.is_err());
    assert_eq!(open.sign_in(OTHER, RIGHT).await.unwrap(), id);
    let mail = open.inbox.next().await;
    assert!(mail.to == ANN && mail.subject.contains("another e-mail address"), "{mail:?}");
    assert_eq!(open.people.profile(id).await.unwrap().email.unwrap().as_str(), OTHER);
    // What was asked for while it was free, and is somebody's by now, is not taken away.
    let code = open.ask_for_other(id, OTHER, ANN).await;
    open.register(ANN).await;
    assert!(matches!(
        open.people.verify(&code, password(RIGHT), now).await,
        Err(AccountError::NoCode)
    ));
    assert_eq!(open.sign_in(OTHER, RIGHT).await.unwrap(), id);
}

/// Whoever once knew the password asked for another address and another password meanwhile:
/// nothing comes of it once the owner has chosen another password, has had one reset, or has been
/// sent away.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_thief_asked_for_ends_with_the_password(db: PgPool) {
    for way in ["changed", "reset", "sent away", "a second factor"] {
        sqlx::query("DELETE FROM people").execute(&db).await.unwrap();
        let (mut open, now) = (open(&db).await, Utc::now());
        let role = (way == "sent away").then_some(identity::Role::Staff);
        let id = open.people.register(&email(ANN), password(RIGHT), role).await.unwrap().unwrap();
        let others = open.ask_for_other(id, ANN, OTHER).await;
        let spare = open.code_to_reset(ANN).await;
        match way {
            "changed" => {
                let changed = open.people.change_password(id, password(RIGHT), password(NEW), now);
                changed.await.unwrap();
            }
            "reset" => {
                let code = open.code_to_reset(ANN).await;
                open.people.reset(&code, password(NEW), now).await.unwrap();
                open.inbox.next().await;
            }
            "sent away" => assert!(open.people.send_away(id, now).await.unwrap()),
            _ => drop(enrolled(&open.people, id, now).await),
        }
        open.is_no_code(&others).await;
        open.is_no_code(&spare).await;
        assert!(open.sign_in(OTHER, RIGHT).await.is_err(), "{way}");
        assert_eq!(open.people.account(id).await.unwrap().unwrap().email.as_str(), ANN, "{way}");
    }
}

/// What lies in the mailbox of before is worth nothing once the address is another.
#[sqlx::test(migrations = "../migrations")]
async fn another_address_ends_what_was_mailed_to_the_one_before(db: PgPool) {
    let mut open = open(&db).await;
    let id = open.register(ANN).await;
    let (old, other) = (open.code_to_reset(ANN).await, open.ask_for_other(id, ANN, OTHER).await);
    let third = open.ask_for_other(id, ANN, "third@shop.example").await;
    open.people.verify(&other, password(RIGHT), Utc::now()).await.unwrap();
    open.is_no_code(&old).await;
    open.is_no_code(&third).await;
    assert_eq!(open.sign_in(OTHER, RIGHT).await.unwrap(), id);
}

/// A customer who lost their phone is helped by the shop, and told.
#[sqlx::test(migrations = "../migrations")]
async fn who_lost_their_second_factor_has_it_taken_away(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let id = open.register(ANN).await;
    assert!(!open.people.rescue(id, false, now).await.unwrap(), "there is none");
    enrolled(&open.people, id, now).await;
    assert!(open.sign_in(ANN, RIGHT).await.is_err());
    assert!(!open.people.rescue(id, true, now).await.unwrap(), "they do not work here");
    assert!(open.people.rescue(id, false, now).await.unwrap());
    let mail = open.inbox.next().await;
    assert!(mail.to == ANN && mail.subject.contains("second factor was removed"), "{mail:?}");
    assert_eq!(open.sign_in(ANN, RIGHT).await.unwrap(), id);
}

/// Who is forgotten has no account, no profile and no mail; the address is free for whoever.
#[sqlx::test(migrations = "../migrations")]
async fn who_is_forgotten_may_begin_anew(db: PgPool) {
    let mut open = open(&db).await;
    let id = open.register(ANN).await;
    let code = open.code_to_reset(ANN).await;
    assert!(open.people.forget(id, Utc::now()).await.unwrap());
    assert!(open.people.account(id).await.unwrap().is_none());
    open.is_no_code(&code).await;
    assert!(open.sign_in(ANN, RIGHT).await.is_err());
    assert!(open.people.profile(id).await.is_err());
    let anew = open.register(ANN).await;
    assert_ne!(anew, id);
    assert!(!open.people.forget(Uuid::now_v7(), Utc::now()).await.unwrap());
}

/// Codes of one person are bounded, and old ones swept.
#[sqlx::test(migrations = "../migrations")]
async fn there_are_not_many_codes(db: PgPool) {
    let mut open = open(&db).await;
    let (id, now) = (open.register(ANN).await, Utc::now());
    let ask = async |at: DateTime<Utc>| {
        open.people.ask_whether_theirs(id, &email(ANN), at).await.unwrap();
        let count = "SELECT count(*) FROM person_codes";
        sqlx::query_scalar::<_, i64>(count).fetch_one(&db).await.unwrap()
    };
    for _ in 0..8 {
        assert!(ask(now).await <= 5);
    }
    assert_eq!(ask(now + TimeDelta::days(2)).await, 1);
}

/// Another master key takes the place of one: all are found and read by it alone then.
#[sqlx::test(migrations = "../migrations")]
async fn another_master_key_finds_everybody(db: PgPool) {
    let (old_key, new_key) = (Master::generate(), Master::generate());
    let people = |ring: &str| {
        let master = Master::read(&Secret::from(ring)).unwrap();
        People::new(db.clone(), Arc::new(master))
    };
    let (old, new) = (people(&old_key), people(&new_key));
    let both = people(&format!("{new_key},{old_key}"));
    let id = old.register(&email(ANN), password(RIGHT), None).await.unwrap().unwrap();
    let now = Utc::now();
    assert!(new.sign_in(&email(ANN), password(RIGHT), now).await.is_err());
    assert_eq!(both.sign_in(&email(ANN), password(RIGHT), now).await.unwrap().id, id);
    assert_eq!(both.register(&email(ANN), password(NEW), None).await.unwrap(), None);
    both.reseal().await.unwrap();
    assert_eq!(new.sign_in(&email(ANN), password(RIGHT), now).await.unwrap().id, id);
    assert_eq!(new.account(id).await.unwrap().unwrap().email.as_str(), ANN);
    assert!(old.sign_in(&email(ANN), password(RIGHT), now).await.is_err());
}
