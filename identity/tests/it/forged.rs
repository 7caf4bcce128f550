//! Tokens that somebody made who should not: each is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use identity::Role;
use identity::issuer::Issuer;
use identity::token::{Subject, TOKEN_BYTES_MAX};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::tokens::{ISSUER, guard, is_refused, issuer, master, who};

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn opened(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A token's header, claims and signature.
async fn genuine(issuer: &Issuer) -> (Value, Value, String) {
    let subject = Subject::Member(Uuid::now_v7(), Role::Analyst);
    let given = issuer.issue(subject, Utc::now(), TimeDelta::hours(1)).await.unwrap();
    let parts: Vec<&str> = given.token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!("{}", given.token) };
    (opened(header), opened(claims), signature.to_owned())
}

#[sqlx::test(migrations = "../migrations")]
async fn no_part_of_a_token_can_be_another(db: PgPool) {
    let (issuer, guard, now) = (issuer(&db), guard(&db), Utc::now());
    let (header, claims, signature) = genuine(&issuer).await;
    let mut owner = claims.clone();
    owner["role"] = json!("owner");
    let mut later = claims.clone();
    later["exp"] = json!(now.timestamp() + 999_999);
    let mut another = claims.clone();
    another["sub"] = json!(Uuid::now_v7());
    for claims in [owner, later, another] {
        is_refused(&guard, &format!("{}.{}.{signature}", part(&header), part(&claims)), now).await;
    }
    // A signature is of one token.
    let (.., of_another) = genuine(&issuer).await;
    let swapped = format!("{}.{}.{of_another}", part(&header), part(&claims));
    is_refused(&guard, &swapped, now).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn the_algorithm_is_the_keys_and_not_the_tokens(db: PgPool) {
    let (issuer, guard, now) = (issuer(&db), guard(&db), Utc::now());
    let (header, mut claims, _) = genuine(&issuer).await;
    claims["role"] = json!("owner");
    let key: Vec<u8> =
        sqlx::query_scalar("SELECT public FROM signing_keys").fetch_one(&db).await.unwrap();
    for algorithm in ["none", "None", "nOnE", "HS256", "HS512", "RS256", "ES256", ""] {
        let mut header = header.clone();
        header["alg"] = json!(algorithm);
        let signed = format!("{}.{}", part(&header), part(&claims));
        // Nothing at all, and what HS256 would be under the public key that everybody knows.
        let by_hmac = ring::hmac::sign(
            &ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key),
            signed.as_bytes(),
        );
        for signature in [String::new(), URL_SAFE_NO_PAD.encode(by_hmac)] {
            is_refused(&guard, &format!("{signed}.{signature}"), now).await;
        }
    }
}

/// Signed as the shop signs, but by a key of somebody's own.
fn by_another_key(header: &Value, claims: &Value) -> String {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let mut header = header.clone();
    header["jwk"] = json!({"kty": "OKP", "crv": "Ed25519",
                           "x": URL_SAFE_NO_PAD.encode(pair.public_key().as_ref())});
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}

#[sqlx::test(migrations = "../migrations")]
async fn a_key_that_a_token_brings_along_is_no_key(db: PgPool) {
    let (issuer, guard, now) = (issuer(&db), guard(&db), Utc::now());
    let (mut header, claims, _) = genuine(&issuer).await;
    is_refused(&guard, &by_another_key(&header, &claims), now).await;
    for kid in [json!(Uuid::now_v7()), json!("../../etc/passwd"), json!("' OR 1=1"), Value::Null] {
        header["kid"] = kid;
        is_refused(&guard, &by_another_key(&header, &claims), now).await;
    }
}

/// Signed by the shop's own key, and saying that something must be understood.
#[sqlx::test(migrations = "../migrations")]
async fn what_must_be_understood_is_not(db: PgPool) {
    let (guard, now) = (guard(&db), Utc::now());
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let id = Uuid::now_v7();
    let known = "INSERT INTO signing_keys (id, algorithm, public, sealed)
                 VALUES ($1, 'EdDSA', $2, '')";
    let known = sqlx::query(known).bind(id).bind(pair.public_key().as_ref());
    known.execute(&db).await.unwrap();
    let claims = json!({"iss": ISSUER, "aud": "commerce", "sub": id, "jti": id, "role": "owner",
                        "iat": now.timestamp(), "exp": now.timestamp() + 60});
    let mut header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": id});
    let sign = |header: &Value| {
        let signed = format!("{}.{}", part(header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    };
    assert!(who(&guard, &sign(&header), now).await.is_ok());
    header["crit"] = json!(["b64"]);
    is_refused(&guard, &sign(&header), now).await;
}

/// What another shop, or another purpose, has signed with the very same key.
#[sqlx::test(migrations = "../migrations")]
async fn a_token_for_others_is_none_for_us(db: PgPool) {
    let (guard, now) = (guard(&db), Utc::now());
    let subject = Subject::Member(Uuid::now_v7(), Role::Owner);
    let elsewhere = Issuer::new(db.clone(), master().into(), "https://other.example");
    let given = elsewhere.issue(subject, now, TimeDelta::hours(1)).await.unwrap();
    is_refused(&guard, &given.token, now).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_token_at_all_is_refused(db: PgPool) {
    let (issuer, guard, now) = (issuer(&db), guard(&db), Utc::now());
    let (header, claims, signature) = genuine(&issuer).await;
    let (header, claims) = (part(&header), part(&claims));
    for token in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{claims}.{header}.{signature}"),
        format!("{header}..{signature}"),
        "x".repeat(TOKEN_BYTES_MAX + 1),
    ] {
        is_refused(&guard, &token, now).await;
    }
}
