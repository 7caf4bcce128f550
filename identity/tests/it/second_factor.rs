//! Codes of an app beside the password.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use identity::Role;
use identity::master::Master;
use identity::people::{People, Person, SignInError};
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use service::config::Secret;
use sqlx::PgPool;
use uuid::Uuid;

use crate::people::{ANN, RIGHT, WRONG, ann, email, password, people};

/// What an app shows that was told this secret (RFC 6238).
pub fn code(secret: &str, at: DateTime<Utc>) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<String> =
        secret.chars().map(|it| format!("{:05b}", letters.find(it).unwrap())).collect();
    let bits = bits.concat();
    let bits = bits.as_bytes().chunks_exact(8);
    let secret: Vec<u8> =
        bits.map(|it| u8::from_str_radix(std::str::from_utf8(it).unwrap(), 2).unwrap()).collect();
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
    let tag = sign(&key, &(at.timestamp() / 30).to_be_bytes());
    let from = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[from..from + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// Ann's secret and recovery codes, confirmed half a minute before `now`.
pub async fn enrolled(people: &People, id: Uuid, now: DateTime<Utc>) -> (String, Vec<String>) {
    let before = now - TimeDelta::seconds(60);
    let enrolment = people.enrol(id, password(RIGHT), "the shop", before).await.unwrap();
    let given = code(&enrolment.secret, before);
    let codes = people.confirm(id, &given, before).await.unwrap();
    (enrolment.secret, codes)
}

async fn sign_in(
    people: &People,
    given: &str,
    second: Option<&str>,
    at: DateTime<Utc>,
) -> Result<Person, SignInError> {
    people.sign_in_with(&email(ANN), (password(given), second), None, at).await
}

#[sqlx::test(migrations = "../migrations")]
async fn who_has_confirmed_a_second_factor_shows_it(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let wrong = people.enrol(id, password(WRONG), "the shop", now).await;
    assert!(matches!(wrong, Err(SignInError::Wrong)));
    let first = people.enrol(id, password(RIGHT), "the shop", now).await.unwrap();
    assert!(first.uri.starts_with("otpauth://totp/the%20shop:ann@shop.example?secret="));
    // One that was not confirmed is not asked for, and gives way to the next.
    assert!(sign_in(&people, RIGHT, None, now).await.is_ok());
    let second = people.enrol(id, password(RIGHT), "the shop", now).await.unwrap();
    let old = people.confirm(id, &code(&first.secret, now), now).await;
    assert!(matches!(old, Err(SignInError::SecondFactorWrong)));
    let given = code(&second.secret, now);
    assert_eq!(people.confirm(id, &given, now).await.unwrap().len(), 10);
    let again = people.confirm(id, &given, now).await;
    assert!(matches!(again, Err(SignInError::NoSecondFactor)));
    let again = people.enrol(id, password(RIGHT), "the shop", now).await;
    assert!(matches!(again, Err(SignInError::SecondFactorThere)));
    assert!(people.has_second_factor(id).await.unwrap());

    let none = sign_in(&people, RIGHT, None, now).await;
    assert!(matches!(none, Err(SignInError::SecondFactorWanted)));
    // A code is good once, and confirming was once.
    let again = sign_in(&people, RIGHT, Some(&given), now).await;
    assert!(matches!(again, Err(SignInError::SecondFactorWrong)));
    let later = now + TimeDelta::seconds(60);
    let next = code(&second.secret, later);
    // Who has not the password learns nothing of the code, and leaves it as it is.
    let wrong = sign_in(&people, WRONG, Some(&next), later).await;
    assert!(matches!(wrong, Err(SignInError::Wrong)));
    assert!(sign_in(&people, RIGHT, Some(&next), later).await.is_ok());
    let again = sign_in(&people, RIGHT, Some(&next), later).await;
    assert!(matches!(again, Err(SignInError::SecondFactorWrong)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_code_that_is_guessed_counts_as_a_password_does(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let (secret, _) = enrolled(&people, id, now).await;
    for _ in 0..3 {
        let wrong = sign_in(&people, RIGHT, Some("no code"), now).await;
        assert!(matches!(wrong, Err(SignInError::SecondFactorWrong)));
        let none = sign_in(&people, RIGHT, None, now).await;
        assert!(matches!(none, Err(SignInError::SecondFactorWanted)));
    }
    let right = sign_in(&people, RIGHT, Some(&code(&secret, now)), now).await;
    assert!(matches!(right, Err(SignInError::TooOften(_))));
    let later = now + TimeDelta::minutes(15);
    assert!(sign_in(&people, RIGHT, Some(&code(&secret, later)), later).await.is_ok());
}

/// Codes that are guessed all at once are as few as one after another.
#[sqlx::test(migrations = "../migrations")]
async fn many_codes_at_once_are_bounded(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let (secret, _) = enrolled(&people, id, now).await;
    let tries = (0..20).map(async |_| sign_in(&people, RIGHT, Some("000000"), now).await);
    let said = futures::future::join_all(tries).await;
    let looked = said.iter().filter(|it| matches!(it, Err(SignInError::SecondFactorWrong)));
    assert_eq!(looked.count(), 6, "{said:?}");
    let right = sign_in(&people, RIGHT, Some(&code(&secret, now)), now).await;
    assert!(matches!(right, Err(SignInError::TooOften(_))));
    // The same of who is signed in and wants to be rid of it, and knows the password.
    let later = now + TimeDelta::hours(1);
    let tries = (0..20)
        .map(async |_| people.remove_second_factor(id, password(RIGHT), "000000", later).await);
    let said = futures::future::join_all(tries).await;
    let looked = said.iter().filter(|it| matches!(it, Err(SignInError::SecondFactorWrong)));
    assert_eq!(looked.count(), 6, "counted by themselves: {said:?}");
    let shown = code(&secret, later);
    let right = people.remove_second_factor(id, password(RIGHT), &shown, later).await;
    assert!(matches!(right, Err(SignInError::TooOften(_))));
}

/// The code that confirms is guessed no faster than a password is, and not for long.
#[sqlx::test(migrations = "../migrations")]
async fn an_enrolment_is_bounded(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let begun = people.enrol(id, password(RIGHT), "the shop", now).await.unwrap();
    let tries = (0..20).map(async |_| people.confirm(id, "000000", now).await);
    let said = futures::future::join_all(tries).await;
    let looked = said.iter().filter(|it| matches!(it, Err(SignInError::SecondFactorWrong)));
    assert_eq!(looked.count(), 6, "{said:?}");
    let right = people.confirm(id, &code(&begun.secret, now), now).await;
    assert!(matches!(right, Err(SignInError::TooOften(_))), "{right:?}");
    let late = now + TimeDelta::minutes(15);
    let right = people.confirm(id, &code(&begun.secret, late), late).await;
    assert!(matches!(right, Err(SignInError::NoSecondFactor)), "it waits no longer: {right:?}");
    let soon = now + TimeDelta::minutes(14);
    people.confirm(id, &code(&begun.secret, soon), soon).await.unwrap();
}

/// With a second factor, and without it again, all sessions end: whoever else had one may have
/// known the password alone.
#[sqlx::test(migrations = "../migrations")]
async fn another_factor_ends_all_sessions(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let person = Person { id: ann(&people).await, role: None };
    let begin = async || people.begin(person, now).await.unwrap().refresh_token;
    let is_over = async |token: &str| people.go_on(token, now).await.is_err();
    let token = begin().await;
    let (_, codes) = enrolled(&people, person.id, now).await;
    assert!(is_over(&token).await);
    let voided = "SELECT count(*) FROM voided_tokens WHERE person_id = $1";
    let voided = sqlx::query_scalar::<_, i64>(voided).bind(person.id).fetch_one(&db).await;
    assert_eq!(voided.unwrap(), 1);
    let token = begin().await;
    let wrong = people.remove_second_factor(person.id, password(RIGHT), "no code", now).await;
    assert!(wrong.is_err() && people.sessions(person.id, now).await.unwrap().len() == 1);
    people.remove_second_factor(person.id, password(RIGHT), &codes[0], now).await.unwrap();
    assert!(is_over(&token).await);
    // The shop takes one away that was lost.
    enrolled(&people, person.id, now).await;
    let token = begin().await;
    assert!(people.rescue(person.id, false, now).await.unwrap());
    assert!(is_over(&token).await);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_recovery_code_is_good_once(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let (secret, codes) = enrolled(&people, id, now).await;
    let typed = codes[0].to_uppercase().replace('-', " ");
    for (given, is_good) in [(&codes[1], true), (&codes[1], false), (&typed, true)] {
        let said = sign_in(&people, RIGHT, Some(given), now).await;
        assert_eq!(said.is_ok(), is_good, "{said:?}");
    }
    // And nobody else's.
    let address = email("bob@shop.example");
    let bob = people.register(&address, password(RIGHT), None).await.unwrap().unwrap();
    enrolled(&people, bob, now).await;
    let said = people.sign_in_with(&address, (password(RIGHT), Some(&codes[2])), None, now).await;
    assert!(matches!(said, Err(SignInError::SecondFactorWrong)));
    // In the database stands neither a secret nor a code.
    let all = "SELECT (SELECT string_agg(f::text, ' ') FROM second_factors f) || ' '
                   || (SELECT string_agg(c::text, ' ') FROM recovery_codes c)";
    let all: String = sqlx::query_scalar(all).fetch_one(&db).await.unwrap();
    assert!(!all.contains(&secret) && !all.contains(&codes[2]));

    let wrong = people.remove_second_factor(id, password(WRONG), &codes[2], now).await;
    assert!(matches!(wrong, Err(SignInError::Wrong)));
    let wrong = people.remove_second_factor(id, password(RIGHT), &codes[1], now).await;
    assert!(matches!(wrong, Err(SignInError::SecondFactorWrong)));
    people.remove_second_factor(id, password(RIGHT), &codes[2], now).await.unwrap();
    assert!(sign_in(&people, RIGHT, None, now).await.is_ok());
    assert!(people.forget_second_factor(bob, now).await.unwrap());
    assert!(!people.forget_second_factor(bob, now).await.unwrap());
}

/// Many at once bring the same code.
#[sqlx::test(migrations = "../migrations")]
async fn one_of_many_signs_in_with_a_code(db: PgPool) {
    let (people, now) = (people(&db), Utc::now());
    let id = ann(&people).await;
    let (secret, codes) = enrolled(&people, id, now).await;
    for given in [code(&secret, now), codes[0].clone()] {
        let tries = (0..4).map(async |_| sign_in(&people, RIGHT, Some(&given), now).await);
        let let_in = futures::future::join_all(tries).await;
        assert_eq!(let_in.iter().filter(|it| it.is_ok()).count(), 1, "{let_in:?}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn staff_may_have_to(db: PgPool) {
    let (people, now) = (people(&db).with_second_factor_of_staff(true), Utc::now());
    let eve = email("eve@shop.example");
    let clerk = people.register(&eve, password(RIGHT), Some(Role::Staff)).await;
    let clerk = Person { id: clerk.unwrap().unwrap(), role: Some(Role::Staff) };
    assert!(people.must_enrol(clerk).await.unwrap());
    enrolled(&people, clerk.id, now).await;
    assert!(!people.must_enrol(clerk).await.unwrap());
    assert!(!people.must_enrol(Person { id: ann(&people).await, role: None }).await.unwrap());
}

/// Another master key takes the place of one: the app shows the same codes.
#[sqlx::test(migrations = "../migrations")]
async fn another_master_key_knows_the_app(db: PgPool) {
    let (old_key, new_key) = (Master::generate(), Master::generate());
    let people = |ring: &str| {
        let master = Master::read(&Secret::from(ring)).unwrap();
        People::new(db.clone(), Arc::new(master))
    };
    let (old, new, now) = (people(&old_key), people(&new_key), Utc::now());
    let both = people(&format!("{new_key},{old_key}"));
    let id = ann(&old).await;
    let (secret, codes) = enrolled(&old, id, now).await;
    assert!(sign_in(&both, RIGHT, Some(&codes[0]), now).await.is_ok(), "until then they are good");
    both.reseal().await.unwrap();
    let shown = code(&secret, now);
    assert!(sign_in(&new, RIGHT, Some(&shown), now).await.is_ok());
}
