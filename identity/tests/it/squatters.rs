//! Whoever registers with somebody else's address, or has an account with it, before that one shows
//! that it is theirs.

use chrono::{DateTime, TimeDelta, Utc};
use identity::Role;
use identity::people::{AccountError, Person, SignInError};
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;
use vault::DataSubject;
use vault::address::{PostalAddress, Profile};
use vault::records::{Kind, Record};

use crate::accounts::{ANN, NEW, OTHER, RIGHT, Written, email, open, password};
use crate::second_factor::{code as totp, enrolled};

impl Written {
    /// Somebody says who they are and keeps addresses: one, one to which an order goes, and one
    /// that they kept as a guest. The one of the order.
    async fn furnish(&self, id: Uuid, now: DateTime<Utc>) -> Uuid {
        let profile = json!({"name": "Mallory", "phone": "030 1234567", "locale": "en"});
        let profile: Profile = serde_json::from_value(profile).unwrap();
        self.people.say(id, &profile, now).await.unwrap();
        let guest = DataSubject(Uuid::now_v7());
        let ordered = self.keep_address(DataSubject(id), now).await;
        self.keep_address(DataSubject(id), now).await;
        self.keep_address(guest, now).await;
        let vault = self.people.vault();
        vault.take_into_use(Kind::Address, ordered).await.unwrap();
        vault.unite(guest, DataSubject(id)).await.unwrap();
        ordered
    }

    async fn keep_address(&self, subject: DataSubject, now: DateTime<Utc>) -> Uuid {
        let (id, kind) = (Uuid::now_v7(), Kind::Address);
        let plain = json!({"name": "Mallory", "lines": ["Low Street 9"], "city": "Berlin",
                           "country": "DE"});
        let plain: PostalAddress = serde_json::from_value(plain).unwrap();
        let record = Record { id, subject, kind, lasting: true, plain: &plain };
        self.people.vault().keep(record, &plain.words(), now).await.unwrap();
        id
    }

    async fn addresses(&self, id: Uuid, only_listed: bool) -> Vec<Uuid> {
        let all =
            self.people.vault().all::<PostalAddress>(Kind::Address, DataSubject(id), only_listed);
        all.await.unwrap().into_iter().map(|kept| kept.id).collect()
    }

    async fn reset(&mut self, now: DateTime<Utc>) {
        let code = self.code_to_reset(ANN).await;
        self.people.reset(&code, password(NEW), now).await.unwrap();
        assert!(self.inbox.next().await.subject.contains("was changed"));
    }
}

/// Ann follows the link of a stranger's registration: the account would have the stranger's
/// password, which she does not know.
#[sqlx::test(migrations = "../migrations")]
async fn who_reads_the_mail_alone_makes_nobody_an_account(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let strangers = open.ask(ANN, NEW).await;
    assert!(strangers.text.contains("somebody else typed your address"), "{strangers:?}");
    let clicked = open.people.verify(&strangers.code(), password(RIGHT), now).await;
    assert!(matches!(clicked, Err(AccountError::SignIn(SignInError::Wrong))), "{clicked:?}");
    for known in [NEW, RIGHT] {
        assert!(open.sign_in(ANN, known).await.is_err(), "there is no account");
    }
    let id = open.register(ANN).await;
    assert_eq!(open.sign_in(ANN, RIGHT).await.unwrap(), id);
    assert!(open.sign_in(ANN, NEW).await.is_err());
    open.is_no_code(&strangers.code()).await;
}

/// The same of an account that there is: one of before mails were sent, and one whose owner asks
/// for Ann's address.
#[sqlx::test(migrations = "../migrations")]
async fn who_reads_the_mail_alone_gives_nobody_their_address(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let taken = open.people.register(&email(ANN), password(NEW), None).await.unwrap().unwrap();
    open.people.ask_whether_theirs(taken, &email(ANN), now).await.unwrap();
    let code = open.inbox.next().await.code();
    let clicked = open.people.verify(&code, password(RIGHT), now).await;
    assert!(matches!(clicked, Err(AccountError::SignIn(SignInError::Wrong))), "{clicked:?}");
    assert!(!open.verified(taken).await);
    open.people.verify(&code, password(NEW), now).await.unwrap();
    assert!(open.verified(taken).await, "who knows the password reads the mail too");

    sqlx::query("DELETE FROM people").execute(&db).await.unwrap();
    let stranger = open.register(OTHER).await;
    let code = open.ask_for_other(stranger, OTHER, ANN).await;
    let clicked = open.people.verify(&code, password(NEW), now).await;
    assert!(matches!(clicked, Err(AccountError::SignIn(SignInError::Wrong))), "{clicked:?}");
    assert_eq!(open.people.account(stranger).await.unwrap().unwrap().email.as_str(), OTHER);
    assert_ne!(open.register(ANN).await, stranger, "it was nobody's");
}

/// Whoever reads a mailbox does not try passwords of who mistyped their address on its way there.
#[sqlx::test(migrations = "../migrations")]
async fn guessing_by_a_mailed_code_becomes_slow(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let registered = open.ask(ANN, RIGHT).await.code();
    let id = open.register(OTHER).await;
    let asked = open.ask_for_other(id, OTHER, "typo@shop.example").await;
    for code in [registered, asked] {
        let mut told = Vec::new();
        for _ in 0..7 {
            let guessed = open.people.verify(&code, password(NEW), now).await;
            let Err(AccountError::SignIn(error)) = guessed else { panic!("{guessed:?}") };
            told.push(matches!(error, SignInError::TooOften(_)));
        }
        assert!(!told[0] && told[6], "{told:?}");
        let early = open.people.verify(&code, password(RIGHT), now).await;
        assert!(early.is_err(), "also for who is right");
        open.people.verify(&code, password(RIGHT), now + TimeDelta::minutes(1)).await.unwrap();
    }
}

/// Where somebody had an account before mails were sent, whoever reads the mailbox has it by
/// another password, is not kept out by a factor of whoever took the address, and finds nothing of
/// theirs; nor is anything left by which they would come in.
#[sqlx::test(migrations = "../migrations")]
async fn who_took_an_address_keeps_nothing(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let taken = open.people.register(&email(ANN), password(RIGHT), None).await.unwrap();
    let id = taken.unwrap();
    let ordered = open.furnish(id, now).await;
    assert_eq!(open.addresses(id, true).await.len(), 3);
    enrolled(&open.people, id, now).await;
    let others = open.ask_for_other(id, ANN, OTHER).await;
    let session = open.people.begin(Person { id, role: None }, now).await.unwrap();
    open.reset(now).await;
    assert_eq!(open.sign_in(ANN, NEW).await.unwrap(), id, "without a factor");
    assert!(open.sign_in(ANN, RIGHT).await.is_err());
    assert!(open.people.go_on(&session.refresh_token, now).await.is_err(), "sessions ended");
    open.is_no_code(&others).await;
    assert!(open.sign_in(OTHER, RIGHT).await.is_err());
    let profile = Profile { email: Some(email(ANN)), ..Profile::default() };
    assert_eq!(open.people.profile(id).await.unwrap(), profile);
    assert!(open.addresses(id, true).await.is_empty());
    assert_eq!(open.addresses(id, false).await, [ordered], "an order that goes there still does");
    let words = "SELECT count(*) FROM vault_index i JOIN vault_records r ON r.id = i.record_id
                 WHERE r.kind = 'profile'";
    let words = sqlx::query_scalar::<_, i64>(words).fetch_one(&db).await.unwrap();
    assert_eq!(words, 1, "they are found by their e-mail alone");

    // Once it is known to be theirs, the factor is their own, and all that they keep.
    open.furnish(id, now).await;
    let before = now - TimeDelta::seconds(60);
    let enrolment = open.people.enrol(id, password(NEW), "the shop", before).await.unwrap();
    let shown = totp(&enrolment.secret, before);
    open.people.confirm(id, &shown, before).await.unwrap();
    open.reset(now).await;
    let wanted = open.sign_in(ANN, NEW).await;
    assert!(matches!(wanted, Err(SignInError::SecondFactorWanted)), "{wanted:?}");
    assert_eq!(open.addresses(id, true).await.len(), 3);
    assert!(open.people.profile(id).await.unwrap().name.is_some());
}

/// Nobody took an address of which the shop says whose it is: of another shop's books, or of who
/// works here, whose second factor no mailbox takes away.
#[sqlx::test(migrations = "../migrations")]
async fn what_the_shop_says_stays(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let id = Uuid::now_v7();
    assert!(open.people.take_over(id, &email(ANN)).await.unwrap());
    open.furnish(id, now).await;
    open.reset(now).await;
    assert_eq!(open.sign_in(ANN, NEW).await.unwrap(), id);
    assert_eq!(open.addresses(id, true).await.len(), 3);
    assert!(open.people.profile(id).await.unwrap().name.is_some());
    sqlx::query("DELETE FROM people").execute(&db).await.unwrap();
    let owner = open.people.register(&email(ANN), password(RIGHT), Some(Role::Owner)).await;
    enrolled(&open.people, owner.unwrap().unwrap(), now).await;
    open.reset(now).await;
    let wanted = open.sign_in(ANN, NEW).await;
    assert!(matches!(wanted, Err(SignInError::SecondFactorWanted)), "{wanted:?}");
}
