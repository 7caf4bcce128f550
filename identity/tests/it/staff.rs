//! Those who work here, as the owner sees to them, and what becomes of their tokens.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use identity::Role;
use identity::issuer::Issuer;
use identity::people::{People, Person, SignInError, StaffChange};
use service::paging::Limit;
use sqlx::PgPool;
use uuid::Uuid;
use vault::DataSubject;
use vault::address::Profile;

use crate::accounts::open;
use crate::people::{ANN, RIGHT, WRONG, ann, email, password, people};
use crate::tokens::{guard, is_refused, issuer, who};

const EVE: &str = "eve@shop.example";

async fn eve(people: &People) -> Person {
    let id = people.register(&email(EVE), password(RIGHT), Some(Role::Staff)).await;
    Person { id: id.unwrap().unwrap(), role: Some(Role::Staff) }
}

async fn token(issuer: &Issuer, person: Person) -> String {
    // Later than whatever was voided before: ids tell milliseconds.
    tokio::time::sleep(Duration::from_millis(2)).await;
    issuer.issue(person.subject(), Utc::now(), TimeDelta::hours(1)).await.unwrap().token
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_invited_chooses_a_password(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let invited = people.invite(&email(EVE), Role::Analyst, now).await.unwrap().unwrap();
    assert!(people.invite(&email(EVE), Role::Owner, now).await.unwrap().is_none());
    let shown = people.staff(None, Limit::default()).await.unwrap().remove(0);
    assert_eq!((&*shown.email, &*shown.role), (EVE, "analyst"));
    assert!(shown.invited_until.is_some() && !shown.second_factor);
    for guess in [RIGHT, "none yet", "nobody has this"] {
        let said = people.sign_in(&email(EVE), password(guess), now).await;
        assert!(matches!(said, Err(SignInError::Wrong)));
    }
    let late = now + TimeDelta::days(7);
    let other = format!("{}.{}", Uuid::now_v7().simple(), "A".repeat(43));
    for (invitation, at) in [("", now), ("x.y", now), (&other, now), (&invited.invitation, late)] {
        let said = people.join(invitation, password(RIGHT), at).await;
        assert!(matches!(said, Err(SignInError::Wrong)), "{invitation}");
    }
    people.join(&invited.invitation, password(RIGHT), now).await.unwrap();
    // It is good once.
    let again = people.join(&invited.invitation, password(WRONG), now).await;
    assert!(matches!(again, Err(SignInError::Wrong)));
    let person = people.sign_in(&email(EVE), password(RIGHT), now).await.unwrap();
    assert_eq!(person, Person { id: invited.id, role: Some(Role::Analyst) });
    assert!(people.staff(None, Limit::default()).await.unwrap()[0].invited_until.is_none());
    assert!(!format!("{invited:?}").contains(&invited.invitation));
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_invited_is_mailed_how_to_join(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let owner = open.people.register(&email(ANN), password(RIGHT), Some(Role::Owner)).await;
    let owner = owner.unwrap();
    let german =
        Profile { locale: Some("de".to_owned().try_into().unwrap()), ..Profile::default() };
    open.people.say(owner.unwrap(), &german, now).await.unwrap();
    for (by, address, said) in [(None, EVE, "3 days"), (owner, "bob@shop.example", "3 Tagen")] {
        let address = email(address);
        let invited = open.people.invite(&address, Role::Staff, now).await.unwrap().unwrap();
        open.people.mail_invitation(&invited, &address, by, now).await.unwrap();
        let mail = open.inbox.next().await;
        assert!(mail.to == address.as_str() && mail.text.contains(said), "{mail:?}");
        let (_, link) = mail.text.split_once("/join?invitation=").expect("a link");
        let mailed = link.lines().next().unwrap();
        assert_eq!(mailed, invited.invitation);
        let late = open.people.join(mailed, password(RIGHT), now + TimeDelta::days(3)).await;
        assert!(matches!(late, Err(SignInError::Wrong)), "it has run out");
        // Who comes too late is let in like who forgot their password.
        open.people.forgot(&address, now).await.unwrap();
        let code = open.inbox.next().await.code();
        if by.is_some() {
            open.people.reset(&code, password(RIGHT), now).await.unwrap();
        } else {
            open.people.join(mailed, password(RIGHT), now).await.unwrap();
        }
        let again = open.people.join(mailed, password(WRONG), now).await;
        assert!(matches!(again, Err(SignInError::Wrong)), "one choice is enough");
        let person = open.people.sign_in(&address, password(RIGHT), now).await.unwrap();
        assert_eq!(person, Person { id: invited.id, role: Some(Role::Staff) });
    }
    // It stands nowhere in the open meanwhile, and nobody is written to where no mails are sent.
    let silent = people(&db);
    let invited = silent.invite(&email("lee@shop.example"), Role::Staff, now).await.unwrap();
    silent.mail_invitation(&invited.unwrap(), &email(EVE), None, now).await.unwrap();
    let waiting = sqlx::query_scalar::<_, i64>(
        "SELECT count(*) FROM mails WHERE template = 'invitation' AND sealed IS NOT NULL",
    );
    assert_eq!(waiting.fetch_one(&db).await.unwrap(), 0);
}

/// Who lost an invitation, or came too late, is sent another; the one before is good no more.
#[sqlx::test(migrations = "../migrations")]
async fn who_is_invited_again_has_one_way_in(db: PgPool) {
    let (mut open, now) = (open(&db).await, Utc::now());
    let first = open.people.invite(&email(EVE), Role::Staff, now).await.unwrap().unwrap();
    let later = now + TimeDelta::days(2);
    let (second, to) = open.people.invite_again(first.id, later).await.unwrap().unwrap();
    assert_eq!((second.id, to.as_str()), (first.id, EVE));
    open.people.mail_invitation(&second, &to, None, now).await.unwrap();
    let mail = open.inbox.next().await;
    assert_eq!((&*mail.to, &*mail.subject), (EVE, "You are invited to work at Totes"));
    let text = format!(
        "Hello,\n\nyou are invited to work at Totes. Choose a password within 3 days, by which you \
         sign in with this address from then on:\n\n\
         https://totes.example/join?invitation={}\n\n\
         This link is for you alone and is good once. If you expect no such invitation, do \
         nothing: without it nobody can sign in with your address.\n",
        second.invitation
    );
    assert_eq!(mail.text.replace("\r\n", "\n"), text);
    let old = open.people.join(&first.invitation, password(RIGHT), later).await;
    assert!(matches!(old, Err(SignInError::Wrong)), "one way in");
    // Good for as long as one that is new.
    let shown = open.people.staff(None, Limit::default()).await.unwrap().remove(0);
    assert!(shown.invited_until.unwrap() > later + TimeDelta::days(2));
    open.people.join(&second.invitation, password(RIGHT), now + TimeDelta::days(4)).await.unwrap();
    assert!(open.people.invite_again(first.id, now).await.unwrap().is_none(), "they have joined");

    // Who was sent away before they joined, too; but nobody who is disabled, or a customer.
    let bob = email("bob@shop.example");
    let bob = open.people.invite(&bob, Role::Staff, now).await.unwrap().unwrap().id;
    assert!(open.people.send_away(bob, now).await.unwrap());
    assert!(open.people.invite_again(bob, now).await.unwrap().is_some());
    assert_eq!(open.people.set_disabled(bob, true, now).await.unwrap(), StaffChange::Done);
    let customer = ann(&open.people).await;
    for id in [bob, customer, Uuid::now_v7()] {
        assert!(open.people.invite_again(id, now).await.unwrap().is_none());
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn who_is_disabled_is_nobody(db: PgPool) {
    let (people, issuer, early, now) = (people(&db), issuer(&db), guard(&db), Utc::now());
    let eve = eve(&people).await;
    let before = token(&issuer, eve).await;
    let session = people.begin(eve, now).await.unwrap().refresh_token;
    assert!(who(&early, &before, Utc::now()).await.is_ok());
    assert_eq!(people.set_disabled(eve.id, true, Utc::now()).await.unwrap(), StaffChange::Done);
    assert!(people.staff(None, Limit::default()).await.unwrap()[0].disabled_at.is_some());
    let said = people.sign_in(&email(EVE), password(RIGHT), now).await;
    assert!(matches!(said, Err(SignInError::Wrong)));
    assert!(people.go_on(&session, now).await.is_err());
    // Also a token that somebody was getting at that moment.
    let meanwhile = token(&issuer, eve).await;
    for token in [&before, &meanwhile] {
        is_refused(&guard(&db), token, Utc::now()).await;
    }
    // Who remembers it hears of it.
    while who(&early, &before, Utc::now()).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(people.set_disabled(eve.id, false, Utc::now()).await.unwrap(), StaffChange::Done);
    assert!(people.sign_in(&email(EVE), password(RIGHT), now).await.is_ok());
    let after = token(&issuer, eve).await;
    let late = guard(&db);
    assert!(who(&late, &after, Utc::now()).await.is_ok());
    is_refused(&late, &before, Utc::now()).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn another_role_is_another_token(db: PgPool) {
    let (people, issuer, now) = (people(&db), issuer(&db), Utc::now());
    let eve = eve(&people).await;
    let session = people.begin(eve, now).await.unwrap().refresh_token;
    let before = token(&issuer, eve).await;
    assert_eq!(people.set_role(eve.id, Role::Ops, Utc::now()).await.unwrap(), StaffChange::Done);
    is_refused(&guard(&db), &before, Utc::now()).await;
    let grant = people.go_on(&session, now).await.unwrap();
    assert_eq!(grant.person.role, Some(Role::Ops));
    let after = token(&issuer, grant.person).await;
    assert!(who(&guard(&db), &after, Utc::now()).await.is_ok());
    // Sent away, they sign in anew.
    assert!(people.send_away(eve.id, Utc::now()).await.unwrap());
    is_refused(&guard(&db), &after, Utc::now()).await;
    assert!(people.go_on(&grant.refresh_token, now).await.is_err());
    let again = token(&issuer, grant.person).await;
    assert!(who(&guard(&db), &again, Utc::now()).await.is_ok());
    // Customers are none of them, nor is who never was.
    let ann = ann(&people).await;
    for id in [ann, Uuid::now_v7()] {
        assert_eq!(people.set_role(id, Role::Owner, now).await.unwrap(), StaffChange::Nobody);
        assert_eq!(people.set_disabled(id, true, now).await.unwrap(), StaffChange::Nobody);
        assert!(!people.send_away(id, now).await.unwrap());
    }
    assert_eq!(people.staff(None, Limit::default()).await.unwrap().len(), 1);
    assert!(people.sign_in(&email(ANN), password(RIGHT), now).await.unwrap().role.is_none());
    // What has run out by itself is forgotten.
    let long = now + TimeDelta::days(70);
    let bob = people.invite(&email("bob@shop.example"), Role::Staff, now).await.unwrap();
    assert!(people.send_away(bob.unwrap().id, long).await.unwrap());
    let left = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM voided_tokens");
    assert_eq!(left.fetch_one(&db).await.unwrap(), 1);
}

/// The shop shuts a customer out, lets them in again and sends them away, and nobody who works
/// there by that.
#[sqlx::test(migrations = "../migrations")]
async fn a_customer_is_shut_out(db: PgPool) {
    let (people, issuer, now) = (people(&db), issuer(&db), Utc::now());
    let (eve, ann) = (eve(&people).await, Person { id: ann(&people).await, role: None });
    let sign_in = async || people.sign_in(&email(ANN), password(RIGHT), now).await;
    let session = people.begin(ann, now).await.unwrap().refresh_token;
    let before = token(&issuer, ann).await;
    assert!(people.set_customer_disabled(ann.id, true, Utc::now()).await.unwrap());
    is_refused(&guard(&db), &before, Utc::now()).await;
    assert!(people.go_on(&session, now).await.is_err() && sign_in().await.is_err());
    assert!(people.set_customer_disabled(ann.id, false, Utc::now()).await.unwrap());
    let session = people.begin(sign_in().await.unwrap(), now).await.unwrap().refresh_token;
    let after = token(&issuer, ann).await;
    assert!(who(&guard(&db), &after, Utc::now()).await.is_ok());
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert!(people.send_customer_away(ann.id, Utc::now()).await.unwrap());
    is_refused(&guard(&db), &after, Utc::now()).await;
    assert!(people.go_on(&session, now).await.is_err() && sign_in().await.is_ok());
    for id in [eve.id, Uuid::now_v7()] {
        assert!(!people.set_customer_disabled(id, true, now).await.unwrap());
        assert!(!people.send_customer_away(id, now).await.unwrap());
    }
    assert!(people.sign_in(&email(EVE), password(RIGHT), now).await.is_ok());
}

/// Whichever way a session ends, what was given out with it is worth nothing; others of the same
/// person go on, and get another token.
#[sqlx::test(migrations = "../migrations")]
async fn a_token_ends_with_its_session(db: PgPool) {
    let (people, issuer) = (people(&db), issuer(&db));
    let person = Person { id: ann(&people).await, role: None };
    for way in ["signed out", "signed out with one before", "ended", "copied"] {
        let now = Utc::now();
        let first = people.begin(person, now).await.unwrap().refresh_token;
        let session = people.sessions(person.id, now).await.unwrap()[0].id;
        let grant = people.go_on(&first, now).await.unwrap();
        let other = people.begin(person, now).await.unwrap().refresh_token;
        let before = token(&issuer, person).await;
        assert!(who(&guard(&db), &before, Utc::now()).await.is_ok());
        tokio::time::sleep(Duration::from_millis(2)).await;
        match way {
            "signed out" => people.end(&grant.refresh_token, Utc::now()).await.unwrap(),
            "signed out with one before" => people.end(&first, Utc::now()).await.unwrap(),
            "ended" => assert!(people.end_one(person.id, session, Utc::now()).await.unwrap()),
            _ => {
                let later = Utc::now() + TimeDelta::seconds(11);
                assert!(people.go_on(&first, later).await.is_err());
                // As one that was given out before then.
                is_refused(&guard(&db), &before, Utc::now()).await;
                continue;
            }
        }
        is_refused(&guard(&db), &before, Utc::now()).await;
        assert!(people.go_on(&grant.refresh_token, Utc::now()).await.is_err(), "{way}");
        assert_eq!(people.go_on(&other, Utc::now()).await.unwrap().person, person, "{way}");
        let after = token(&issuer, person).await;
        assert!(who(&guard(&db), &after, Utc::now()).await.is_ok(), "{way}");
    }
}

/// A guest's token is withdrawn by themselves, and with whoever they turned out to be.
#[sqlx::test(migrations = "../migrations")]
async fn a_guest_leaves(db: PgPool) {
    let (people, issuer) = (people(&db), issuer(&db));
    let ann = Person { id: ann(&people).await, role: None };
    let guest = async || issuer.guest(Utc::now()).await.unwrap();
    let [(left, lefts), (was_ann, anns), (_, others)] =
        [guest().await, guest().await, guest().await];
    people.vault().unite(DataSubject(was_ann.0), DataSubject(ann.id)).await.unwrap();
    let own = token(&issuer, ann).await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    people.let_guests_go(&[left.0], Utc::now()).await.unwrap();
    is_refused(&guard(&db), &lefts.token, Utc::now()).await;
    assert!(who(&guard(&db), &anns.token, Utc::now()).await.is_ok());
    people.forget(ann.id, Utc::now()).await.unwrap();
    for void in [&anns.token, &own] {
        is_refused(&guard(&db), void, Utc::now()).await;
    }
    assert!(who(&guard(&db), &others.token, Utc::now()).await.is_ok());
    // A guest of whom nothing was known.
    let (alone, issued) = guest().await;
    tokio::time::sleep(Duration::from_millis(2)).await;
    people.forget(alone.0, Utc::now()).await.unwrap();
    is_refused(&guard(&db), &issued.token, Utc::now()).await;
    // However many leave, nobody else has to for it.
    let many = "INSERT INTO voided_tokens (person_id, before, until, has_account)
                SELECT gen_random_uuid(), now() + interval '1 hour', now() + interval '1 day', false
                FROM generate_series(1, 50001)";
    sqlx::query(many).execute(&db).await.unwrap();
    let eve = token(&issuer, eve(&people).await).await;
    for good in [&others.token, &eve] {
        assert!(who(&guard(&db), good, Utc::now()).await.is_ok());
    }
}

/// Who worked here and is disabled is forgotten by the owner, and stays out.
#[sqlx::test(migrations = "../migrations")]
async fn who_worked_here_is_forgotten(db: PgPool) {
    let (people, issuer, now) = (people(&db), issuer(&db), Utc::now());
    let eve = eve(&people).await;
    let before = token(&issuer, eve).await;
    assert!(!people.forget_colleague(eve.id, now).await.unwrap(), "they work here");
    assert!(people.account(eve.id).await.unwrap().is_some());
    assert_eq!(people.set_disabled(eve.id, true, Utc::now()).await.unwrap(), StaffChange::Done);
    assert!(people.forget_colleague(eve.id, Utc::now()).await.unwrap());
    assert!(people.account(eve.id).await.unwrap().is_none());
    assert!(people.staff(None, Limit::default()).await.unwrap().is_empty());
    is_refused(&guard(&db), &before, Utc::now()).await;
    assert!(!people.forget_colleague(eve.id, now).await.unwrap());
    assert!(!people.forget_colleague(ann(&people).await, now).await.unwrap(), "a customer");
}

/// Whoever asks, and however many at once: one stays who may let the others in again.
#[sqlx::test(migrations = "../migrations")]
async fn an_owner_who_can_sign_in_is_left(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let register = async |address: &str| {
        let owner = people.register(&email(address), password(RIGHT), Some(Role::Owner)).await;
        owner.unwrap().unwrap()
    };
    let ann = register(ANN).await;
    // Who was invited has yet to come.
    let lee = people.invite(&email("lee@shop.example"), Role::Owner, now).await.unwrap();
    assert_eq!(people.set_disabled(ann, true, now).await.unwrap(), StaffChange::LastOwner);
    assert_eq!(people.set_role(ann, Role::Staff, now).await.unwrap(), StaffChange::LastOwner);
    assert_eq!(people.set_role(ann, Role::Owner, now).await.unwrap(), StaffChange::Done);
    assert_eq!(people.set_disabled(lee.unwrap().id, true, now).await.unwrap(), StaffChange::Done);

    let eve = register(EVE).await;
    let (one, other) =
        tokio::join!(people.set_disabled(ann, true, now), people.set_role(eve, Role::Ops, now));
    let both = [one.unwrap(), other.unwrap()];
    assert!(both.contains(&StaffChange::Done), "{both:?}");
    assert!(both.contains(&StaffChange::LastOwner), "{both:?}");
}
