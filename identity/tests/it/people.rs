//! Signing in, staying so, and what guessing comes to.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use identity::Role;
use identity::people::sign_ins::Network;
use identity::people::{Email, Lives, Password, People, Person, SignInError};
use sqlx::PgPool;
use uuid::Uuid;

use crate::tokens::master;

pub fn people(db: &PgPool) -> People {
    People::new(db.clone(), Arc::new(master()))
}

pub fn email(text: &str) -> Email {
    Email::try_from(text.to_owned()).unwrap()
}

pub fn password(text: &str) -> Password {
    Password::from(text.to_owned())
}

pub const ANN: &str = "ann@shop.example";
pub const RIGHT: &str = "correct horse";
pub const WRONG: &str = "battery staple";

pub async fn ann(people: &People) -> Uuid {
    let id = people.register(&email(ANN), password(RIGHT), None).await.unwrap();
    id.expect("the address is free")
}

async fn sign_in(people: &People, given: &str, at: DateTime<Utc>) -> Result<Person, SignInError> {
    people.sign_in(&email(ANN), password(given), at).await
}

#[sqlx::test(migrations = "../migrations")]
async fn who_knows_the_password_is_let_in(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    assert_eq!(sign_in(&people, RIGHT, now).await.unwrap(), Person { id, role: None });
    let shouted = people.sign_in(&email("Ann@SHOP.example"), password(RIGHT), now).await;
    assert_eq!(shouted.unwrap().id, id);
    assert!(matches!(sign_in(&people, WRONG, now).await, Err(SignInError::Wrong)));
    let nobody = people.sign_in(&email("bob@shop.example"), password(RIGHT), now).await;
    assert!(matches!(nobody, Err(SignInError::Wrong)));
    let eve = email("eve@shop.example");
    let clerk = people.register(&eve, password(RIGHT), Some(Role::Staff)).await;
    let clerk = clerk.unwrap().unwrap();
    let person = people.sign_in(&eve, password(RIGHT), now).await.unwrap();
    assert_eq!(person, Person { id: clerk, role: Some(Role::Staff) });
}

/// Who registers an address that somebody has gets nothing of theirs.
#[sqlx::test(migrations = "../migrations")]
async fn an_address_stays_whose_it_is(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let again = people.register(&email("ANN@shop.example"), password(WRONG), None).await;
    assert_eq!(again.unwrap(), None);
    assert!(sign_in(&people, WRONG, now).await.is_err());
    assert_eq!(sign_in(&people, RIGHT, now).await.unwrap().id, id);
}

/// In the database stands neither the address nor the password, nor anything to try guesses on
/// without the master key.
#[sqlx::test(migrations = "../migrations")]
async fn who_has_the_database_knows_nobody(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    ann(&people).await;
    let _ = sign_in(&people, WRONG, now).await;
    let grant = people.begin(sign_in(&people, RIGHT, now).await.unwrap(), now).await.unwrap();
    let all = "SELECT (SELECT string_agg(people::text, ' ') FROM people) || ' '
                   || coalesce((SELECT string_agg(f::text, ' ') FROM sign_in_failures f), '') || ' '
                   || (SELECT string_agg(sessions::text, ' ') FROM sessions)";
    let all: String = sqlx::query_scalar(all).fetch_one(&db).await.unwrap();
    let hex =
        |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let (_, secret) = grant.refresh_token.split_once('.').unwrap();
    for word in ["ann", "shop.example", RIGHT, secret] {
        assert!(!all.contains(word) && !all.contains(&hex(word)), "{word} in {all}");
    }
    assert!(!format!("{people:?} {grant:?} {:?}", email(ANN)).contains("ann@"));
}

#[sqlx::test(migrations = "../migrations")]
async fn guessing_becomes_slower_and_tells_nothing(db: PgPool) {
    // Postgres keeps no nanoseconds.
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0);
    let (people, mut now) = (people(&db), now.unwrap());
    ann(&people).await;
    // Of an address that somebody has, and of one that nobody has.
    for address in [ANN, "bob@shop.example"] {
        let guess = async |at| people.sign_in(&email(address), password(WRONG), at).await;
        for _ in 0..6 {
            assert!(matches!(guess(now).await, Err(SignInError::Wrong)));
        }
        let Err(SignInError::TooOften(wait)) = guess(now).await else { panic!("{address}") };
        assert_eq!(wait, TimeDelta::seconds(1));
        // Not even who is right is let in meanwhile, and no try counts.
        let right = people.sign_in(&email(address), password(RIGHT), now).await;
        assert!(matches!(right, Err(SignInError::TooOften(_))));
        now += TimeDelta::seconds(1);
        assert!(matches!(guess(now).await, Err(SignInError::Wrong)));
        let Err(SignInError::TooOften(wait)) = guess(now).await else { panic!("{address}") };
        assert_eq!(wait, TimeDelta::seconds(2));
    }
    now += TimeDelta::minutes(15);
    assert!(sign_in(&people, RIGHT, now).await.is_ok());
    // Who was right starts anew.
    assert!(matches!(sign_in(&people, WRONG, now).await, Err(SignInError::Wrong)));
    assert!(sign_in(&people, RIGHT, now).await.is_ok());
    // And after a day nobody remembers.
    let left = "SELECT count(*) FROM sign_in_failures";
    assert_eq!(sqlx::query_scalar::<_, i64>(left).fetch_one(&db).await.unwrap(), 1);
    let _ = sign_in(&people, WRONG, now + TimeDelta::days(2)).await;
    assert_eq!(sqlx::query_scalar::<_, i64>(left).fetch_one(&db).await.unwrap(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refresh_token_is_good_once(db: PgPool) {
    // Postgres keeps no nanoseconds.
    let now = DateTime::from_timestamp(Utc::now().timestamp(), 0);
    let (people, now) = (people(&db), now.unwrap());
    let id = ann(&people).await;
    let person = Person { id, role: None };
    let first = people.begin(person, now).await.unwrap().refresh_token;
    let later = now + TimeDelta::hours(1);
    let second = people.go_on(&first, later).await.unwrap();
    assert_eq!((second.person, second.expires_at), (person, later + Lives::default().refresh));
    let second = second.refresh_token;
    // The answer was lost: who asks again at once gets another.
    let soon = later + TimeDelta::seconds(9);
    let third = people.go_on(&first, soon).await.unwrap().refresh_token;
    assert_ne!(third, second);
    // Long after, it is a copy, and ends the session of both.
    let long = soon + TimeDelta::hours(1);
    let fourth = people.go_on(&third, long).await.unwrap().refresh_token;
    let copied = people.go_on(&third, long + TimeDelta::minutes(1)).await;
    assert!(matches!(copied, Err(SignInError::Wrong)));
    assert!(people.go_on(&fourth, long + TimeDelta::minutes(2)).await.is_err());
    assert_eq!(people.sessions(id, long).await.unwrap().len(), 0);
}

/// However often a thief goes on with a copy before its owner comes back: their token is known as
/// one that was spent, and the session ends.
#[sqlx::test(migrations = "../migrations")]
async fn any_refresh_token_that_was_spent_ends_its_session(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let person = Person { id: ann(&people).await, role: None };
    let go_on = async |token: &str, at| people.go_on(token, at).await.map(|it| it.refresh_token);
    for spent in 0..4 {
        let other = people.begin(person, now).await.unwrap().refresh_token;
        let mut tokens = vec![people.begin(person, now).await.unwrap().refresh_token];
        for hour in 1..=4 {
            let last = tokens.last().unwrap();
            tokens.push(go_on(last, now + TimeDelta::hours(hour)).await.unwrap());
        }
        let later = now + TimeDelta::hours(5);
        assert!(go_on(&tokens[spent], later).await.is_err());
        assert!(go_on(&tokens[4], later).await.is_err(), "the session of {spent} has ended");
        let other = go_on(&other, later).await.unwrap();
        // Nobody ends a session without a token of it.
        let (id, _) = other.split_once('.').unwrap();
        let (_, strange) = tokens[4].split_once('.').unwrap();
        assert!(go_on(&format!("{id}.{strange}"), later).await.is_err());
        assert!(go_on(&other, later).await.is_ok());
    }
}

/// Within the seconds in which a token that was replaced is still taken one of two has a token that
/// is neither the last nor the one before: who comes with it ends the session. The seconds are not
/// more for who comes again and again.
#[sqlx::test(migrations = "../migrations")]
async fn a_thief_within_the_grace_is_found_out(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let person = Person { id: ann(&people).await, role: None };
    let go_on = async |token: &str, at| people.go_on(token, at).await.map(|it| it.refresh_token);
    let second = |seconds| now + TimeDelta::seconds(seconds);
    let first = people.begin(person, now).await.unwrap().refresh_token;
    let owners = go_on(&first, second(1)).await.unwrap();
    let thiefs = go_on(&first, second(5)).await.unwrap();
    assert!(go_on(&owners, second(6)).await.is_err());
    assert!(go_on(&thiefs, second(7)).await.is_err(), "it has ended for both");

    let first = people.begin(person, now).await.unwrap().refresh_token;
    go_on(&first, second(1)).await.unwrap();
    go_on(&first, second(10)).await.unwrap();
    assert!(go_on(&first, second(12)).await.is_err());
    assert_eq!(people.sessions(person.id, now).await.unwrap().len(), 0);
}

/// A burst of guesses gets no further than as many one after another.
#[sqlx::test(migrations = "../migrations")]
async fn many_guesses_at_once_are_bounded(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let guesses = (0..20).map(async |_| sign_in(&people, WRONG, now).await);
    let said = futures::future::join_all(guesses).await;
    let looked = said.iter().filter(|it| matches!(it, Err(SignInError::Wrong))).count();
    assert_eq!(looked, 6, "{said:?}");
    let right = sign_in(&people, RIGHT, now).await;
    assert!(matches!(right, Err(SignInError::TooOften(_))), "{right:?}");
    // Who has a token guesses no faster, and who is right is not held against themselves.
    let later = now + TimeDelta::hours(1);
    let guess = |given| people.change_password(id, password(given), password(RIGHT), later);
    for _ in 0..6 {
        assert!(matches!(guess(WRONG).await, Err(SignInError::Wrong)));
    }
    assert!(matches!(guess(RIGHT).await, Err(SignInError::TooOften(_))));
    let later = later + TimeDelta::hours(1);
    for _ in 0..8 {
        people.change_password(id, password(RIGHT), password(RIGHT), later).await.unwrap();
    }
}

/// Whoever fails as somebody, from wherever they are, does not keep them out of what they are
/// signed in for, nor from signing in elsewhere; but of all networks together there is an end too.
#[sqlx::test(migrations = "../migrations")]
async fn nobody_locks_somebody_else_out(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let network = |third: u8| Network::of(IpAddr::from([203, 0, third, 1]));
    let sign_in = async |given: &str, from: &Network, at| {
        let shown = (password(given), None);
        people.sign_in_with(&email(ANN), shown, Some(from), at).await
    };
    for _ in 0..6 {
        assert!(matches!(sign_in(WRONG, &network(1), now).await, Err(SignInError::Wrong)));
    }
    let there = sign_in(RIGHT, &network(1), now).await;
    assert!(matches!(there, Err(SignInError::TooOften(_))), "{there:?}");
    people.change_password(id, password(RIGHT), password(RIGHT), now).await.unwrap();
    assert!(sign_in(RIGHT, &network(2), now).await.is_ok());
    // As if from very many: what was counted is by address alone then.
    let all = "UPDATE sign_in_failures SET failures = 100, last_at = $1";
    assert!(matches!(sign_in(WRONG, &network(3), now).await, Err(SignInError::Wrong)));
    sqlx::query(all).bind(now).execute(&db).await.unwrap();
    assert!(matches!(sign_in(WRONG, &network(4), now).await, Err(SignInError::Wrong)));
    let there = sign_in(RIGHT, &network(5), now).await;
    assert!(matches!(there, Err(SignInError::TooOften(_))), "{there:?}");
    assert!(sign_in(RIGHT, &network(5), now + TimeDelta::seconds(1)).await.is_ok());
}

#[sqlx::test(migrations = "../migrations")]
async fn a_session_ends(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let person = Person { id, role: None };
    let begin = async || people.begin(person, now).await.unwrap().refresh_token;
    let is_over = async |token: &str, at| people.go_on(token, at).await.is_err();
    // By itself, by its token, by its id, and with another password.
    assert!(is_over(&begin().await, now + Lives::default().refresh).await);
    sqlx::query("DELETE FROM sessions").execute(&db).await.unwrap();
    let token = begin().await;
    people.end(&token, now).await.unwrap();
    assert!(is_over(&token, now).await);
    let token = begin().await;
    let session = people.sessions(id, now).await.unwrap()[0].id;
    assert!(!people.end_one(Uuid::now_v7(), session, now).await.unwrap(), "it is somebody else's");
    assert!(people.end_one(id, session, now).await.unwrap());
    assert!(is_over(&token, now).await);
    let token = begin().await;
    let wrong = people.change_password(id, password(WRONG), password("another one"), now).await;
    assert!(matches!(wrong, Err(SignInError::Wrong)));
    people.change_password(id, password(RIGHT), password("another one"), now).await.unwrap();
    assert!(is_over(&token, now).await);
    assert!(sign_in(&people, RIGHT, now).await.is_err());
    assert!(sign_in(&people, "another one", now).await.is_ok());
    for token in ["", ".", "x.y", &format!("{}.", id.simple()), "0.AAAA"] {
        assert!(is_over(token, now).await, "{token}");
    }
}

/// However often somebody comes back, they sign in anew some time: who works here sooner.
#[sqlx::test(migrations = "../migrations")]
async fn a_session_is_not_for_ever(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let eve = people.register(&email("eve@shop.example"), password(RIGHT), Some(Role::Staff)).await;
    let eve = Person { id: eve.unwrap().unwrap(), role: Some(Role::Staff) };
    let ann = Person { id: ann(&people).await, role: None };
    for (person, days) in [(ann, 180), (eve, 30)] {
        let mut grant = people.begin(person, now).await.unwrap();
        let end = now + TimeDelta::days(days);
        for day in (6..days).step_by(6) {
            grant = people.go_on(&grant.refresh_token, now + TimeDelta::days(day)).await.unwrap();
            assert!(grant.expires_at <= end, "day {day}");
        }
        let last = end - TimeDelta::seconds(1);
        grant = people.go_on(&grant.refresh_token, last).await.unwrap();
        let over = people.go_on(&grant.refresh_token, end).await;
        assert!(matches!(over, Err(SignInError::Wrong)));
    }
}

/// Many at once: one goes on, and nobody ends up with two tokens that are both good for ever.
#[sqlx::test(migrations = "../migrations")]
async fn one_of_many_goes_on(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let person = Person { id: ann(&people).await, role: None };
    let token = people.begin(person, now).await.unwrap().refresh_token;
    let later = now + TimeDelta::hours(1);
    let tries = futures::future::join_all((0..8).map(async |_| people.go_on(&token, later).await));
    let gone_on: Vec<String> =
        tries.await.into_iter().filter_map(|grant| Some(grant.ok()?.refresh_token)).collect();
    assert!(!gone_on.is_empty());
    // Whoever was answered last holds what is good.
    let after = later + TimeDelta::minutes(1);
    let mut good = 0;
    for token in &gone_on {
        good += usize::from(people.go_on(token, after).await.is_ok());
    }
    assert!(good <= 1, "{good} of {}", gone_on.len());
}

/// Somebody has no more sessions than anybody looks through.
#[sqlx::test(migrations = "../migrations")]
async fn the_oldest_session_makes_room(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let person = Person { id, role: None };
    let mut tokens = Vec::new();
    for minute in 0..52 {
        let at = now + TimeDelta::minutes(minute);
        tokens.push(people.begin(person, at).await.unwrap().refresh_token);
    }
    let after = now + TimeDelta::hours(1);
    assert_eq!(people.sessions(id, after).await.unwrap().len(), 50);
    assert!(people.go_on(&tokens[1], after).await.is_err());
    assert!(people.go_on(&tokens[2], after).await.is_ok());
    // What has run out goes with the next that begins, whoever's it is.
    let late = after + Lives::default().refresh + TimeDelta::hours(1);
    let other = people.register(&email("bob@shop.example"), password(RIGHT), None).await;
    let other = Person { id: other.unwrap().unwrap(), role: None };
    for _ in 0..5 {
        people.begin(other, late).await.unwrap();
    }
    let left = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM sessions");
    assert_eq!(left.fetch_one(&db).await.unwrap(), 5);
}
