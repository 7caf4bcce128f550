//! The log of sign-ins: for whose they are, and for those who keep the programs running.

use std::time::Duration;

use axum::Extension;
use axum::http::StatusCode;
use chrono::Utc;
use identity::Role;
use identity::token::Subject;
use kit_mail::Inbox;
use mail::Post;
use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use serde_json::{Value, json};
use service::rates::Proxies;
use sqlx::PgPool;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use crate::known::Known;
use crate::people::{everything, get};
use crate::shop::{Answer, Ask, post};

const FROM: &str = "203.0.113.77";
const WRONG: &str = "wrong_credentials";

/// As it comes through a proxy.
fn from_outside(ask: Ask) -> Ask {
    ask.with("x-forwarded-for", FROM)
}

async fn signs_in(known: &Known, email: &str, password: &str) -> Answer {
    let who = json!({"email": email, "password": password});
    known.shop.send(from_outside(post("/v1/sessions", &who))).await
}

fn what(log: &Answer) -> Vec<&str> {
    let items = log.body["items"].as_array().unwrap();
    items.iter().map(|item| item["what"].as_str().unwrap()).collect()
}

/// What was tried with a wrong password is written down after the answer: waits until so much is.
async fn wrong_tries(db: &PgPool, tried: i64) {
    let count = "SELECT count(*) FROM sign_ins WHERE what = 'failed'";
    while sqlx::query_scalar::<_, i64>(count).fetch_one(db).await.unwrap() < tried {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn people_see_who_signed_in_as_them(db: PgPool) {
    let mut known = Known::open(&db);
    known.shop.router = known.shop.router.clone().layer(Extension(Proxies(1)));
    let tokens = async |email: &str, tried| {
        let who = json!({"email": email, "password": "correct horse"});
        known.shop.done(post("/v1/people", &who)).await;
        let refused = signs_in(&known, email, "battery staple").await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        wrong_tries(&db, tried).await;
        let signed_in = signs_in(&known, email, "correct horse").await;
        signed_in.body["token"].as_str().unwrap().to_owned()
    };
    let (ann, bob) = (tokens("ann@shop.example", 1).await, tokens("bob@shop.example", 2).await);
    let passwords = json!({"old": "correct horse", "new": "another horse"});
    let change = from_outside(post("/v1/people/me/password", &passwords));
    known.done(&ann, change).await;
    let ann = signs_in(&known, "ann@shop.example", "another horse").await;
    let (id, ann) = (ann.body["id"].clone(), ann.body["token"].as_str().unwrap().to_owned());
    let own = known.done(&ann, get("/v1/people/me/sign-ins")).await;
    assert_eq!(what(&own), ["signed_in", "password_changed", "signed_in", "failed"]);
    assert_eq!(own.header("cache-control"), Some("no-store"));
    for item in own.body["items"].as_array().unwrap() {
        assert_eq!((&item["network"], &item["person_id"]), (&json!("203.0.113.0/24"), &id));
    }
    let first = known.done(&ann, get("/v1/people/me/sign-ins?limit=2")).await;
    assert_eq!(what(&first), ["signed_in", "password_changed"]);
    let next = first.body["next"].as_str().unwrap();
    let next = format!("/v1/people/me/sign-ins?limit=2&cursor={next}");
    assert_eq!(first.header("link"), Some(format!("<{next}>; rel=\"next\"").as_str()));
    let rest = known.done(&ann, get(next)).await;
    assert_eq!((rest.header("link"), &rest.body["next"]), (None, &Value::Null));
    assert_eq!(what(&rest), ["signed_in", "failed"]);
    let others = known.done(&bob, get("/v1/people/me/sign-ins")).await;
    assert_eq!(what(&others), ["signed_in", "failed"]);

    // Whoever runs the shop sees all of them, and what was tried of nobody's.
    signs_in(&known, "nobody@shop.example", "correct horse").await;
    wrong_tries(&db, 3).await;
    let ops = known.token(Subject::Member(Uuid::now_v7(), Role::Ops)).await;
    let all = known.done(&ops, get("/v1/sign-ins")).await;
    assert_eq!((what(&all)[0], all.body["items"][0].get("person_id")), ("failed", None));
    assert_eq!(what(&all).len(), 7);
    let id = id.as_str().unwrap();
    let of_ann = known.done(&ops, get(format!("/v1/sign-ins?person_id={id}"))).await;
    assert_eq!(of_ann.body, own.body);
    let staff = known.staff().await;
    assert_eq!(known.send(&staff, get("/v1/sign-ins")).await.status, StatusCode::FORBIDDEN);
    assert!(!everything(&db).await.contains(FROM), "whose address it is");

    // It goes with them, and with time.
    known.done(&ann, post("/v1/people/me/forget", &json!({"password": "another horse"}))).await;
    let gone = known.done(&ops, get(format!("/v1/sign-ins?person_id={id}"))).await;
    assert_eq!(gone.body["items"], json!([]));
    let old = "UPDATE sign_ins SET happened_at = now() - interval '91 days'";
    sqlx::query(old).execute(&db).await.unwrap();
    let none = known.done(&ops, get("/v1/sign-ins")).await;
    assert_eq!(none.body["items"], Value::Array(vec![]));
    signs_in(&known, "bob@shop.example", "correct horse").await;
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sign_ins").fetch_one(&db).await.unwrap();
    assert_eq!(left, 1);
}

/// A shop that writes to its people, at whose mails one can look.
fn writing(db: &PgPool, inbox: &Inbox) -> (Known, DropGuard) {
    let (carrier, stop) = (inbox.settings().carrier().unwrap().unwrap(), CancellationToken::new());
    let stopped = stop.clone().drop_guard();
    let mut known = Known::with(db, |vault| {
        let post = Post::new(vault.clone());
        tokio::spawn(carrier.run(post.clone(), stop));
        Some(post)
    });
    known.shop.router = known.shop.router.clone().layer(Extension(Proxies(1)));
    (known, stopped)
}

fn verify(code: &str, password: &str) -> Ask {
    let shown = json!({"code": code, "password": password});
    from_outside(post("/v1/people/verify", &shown))
}

/// Neither registering nor signing in with what was registered tells whether somebody has an
/// address.
#[sqlx::test(migrations = "../migrations")]
async fn who_registers_learns_nothing_by_signing_in(db: PgPool) {
    let mut inbox = Inbox::open().await;
    let (known, _stopped) = writing(&db, &inbox);
    let (taken, free, own) = ("ann@shop.example", "bob@shop.example", "correct horse");
    let register = async |email: &str, password: &str| {
        let who = json!({"email": email, "password": password});
        known.shop.done(post("/v1/people", &who)).await
    };
    register(taken, own).await;
    let code = inbox.next().await.code();
    let alone = known.shop.send(from_outside(post("/v1/people/verify", &json!({ "code": code }))));
    assert_eq!(alone.await.code(), "invalid_body", "the code alone shows nothing");
    let others = known.shop.send(verify(&code, "battery staple")).await;
    assert_eq!((others.status, others.code()), (StatusCode::UNAUTHORIZED, WRONG));
    known.shop.done(verify(&code, own)).await;
    assert!(signs_in(&known, taken, own).await.status.is_success());
    let mut told = Vec::new();
    for email in [taken, free] {
        let registered = register(email, "battery staple").await;
        assert_eq!(inbox.next().await.to, email, "whose it is hears of it");
        let refused = signs_in(&known, email, "battery staple").await;
        assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, WRONG));
        told.push((registered.status, registered.body, refused.body));
    }
    assert_eq!(told[0], told[1]);
}

/// What an app shows at this moment that was told this secret (RFC 6238).
fn code(secret: &str) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in secret.chars() {
        (bits, count) =
            (bits << 5 | u32::try_from(letters.find(letter).unwrap()).unwrap(), count + 5);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let tag = sign(&key, &(Utc::now().timestamp() / 30).to_be_bytes());
    let from = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[from..from + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// Who has a second factor from now on is told, and who has none any more.
#[sqlx::test(migrations = "../migrations")]
async fn another_factor_is_told(db: PgPool) {
    let mut inbox = Inbox::open().await;
    let (known, _stopped) = writing(&db, &inbox);
    let (ann, password) = ("ann@shop.example", "correct horse");
    let who = json!({"email": ann, "password": password});
    known.shop.done(post("/v1/people", &who)).await;
    known.shop.done(verify(&inbox.next().await.code(), "correct horse")).await;
    let signed_in = signs_in(&known, ann, password).await;
    let token = signed_in.body["token"].as_str().unwrap();
    let begun = post("/v1/people/me/totp", &json!({ "password": password }));
    let secret = known.done(token, begun).await.body["secret"].as_str().unwrap().to_owned();
    let confirm = post("/v1/people/me/totp/confirm", &json!({ "totp": code(&secret) }));
    let codes = known.done(token, confirm).await.body["recovery_codes"].clone();
    let mail = inbox.next().await;
    assert!(mail.to == ann && mail.subject.contains("a second factor now"), "{mail:?}");
    let who = json!({"email": ann, "password": password, "totp": codes[0]});
    let signed_in = known.shop.done(post("/v1/sessions", &who)).await;
    let token = signed_in.body["token"].as_str().unwrap();
    let removal = json!({"password": password, "totp": codes[1]});
    known.done(token, post("/v1/people/me/totp/remove", &removal)).await;
    let mail = inbox.next().await;
    assert!(mail.to == ann && mail.subject.contains("second factor was removed"), "{mail:?}");
}

/// Another e-mail lets somebody in as well as another password.
#[sqlx::test(migrations = "../migrations")]
async fn another_e_mail_stands_there_too(db: PgPool) {
    let mut inbox = Inbox::open().await;
    let (known, _stopped) = writing(&db, &inbox);
    let (ann, lee, password) = ("ann@shop.example", "lee@shop.example", "correct horse");
    let who = json!({"email": ann, "password": password});
    known.shop.done(post("/v1/people", &who)).await;
    known.shop.done(verify(&inbox.next().await.code(), "correct horse")).await;
    let signed_in = signs_in(&known, ann, password).await;
    let token = signed_in.body["token"].as_str().unwrap();
    let ask = |password| json!({"email": lee, "password": password});
    let wrong = known.send(token, post("/v1/people/me/email", &ask("battery staple"))).await;
    assert_eq!(wrong.code(), "wrong_credentials");
    known.done(token, from_outside(post("/v1/people/me/email", &ask(password)))).await;
    let mut mailed = inbox.next().await;
    while mailed.to != lee {
        mailed = inbox.next().await;
    }
    known.shop.done(verify(&mailed.code(), password)).await;
    // All sessions end with that.
    let signed_in = signs_in(&known, lee, password).await;
    let token = signed_in.body["token"].as_str().unwrap();
    let own = known.done(token, get("/v1/people/me/sign-ins")).await;
    // That the first address is hers changed nothing.
    assert_eq!(what(&own), ["signed_in", "email_changed", "email_change_asked", "signed_in"]);
    for item in own.body["items"].as_array().unwrap() {
        assert_eq!(item["network"], "203.0.113.0/24");
    }
}
