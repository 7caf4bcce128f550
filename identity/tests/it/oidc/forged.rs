//! What nobody but an attacker would send.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use serde_json::{Value, json};

use super::provider::{AUDIENCE, Provider};
use crate::tokens::{is_refused, who};

fn claims(provider: &Provider) -> Value {
    let now = Utc::now().timestamp();
    json!({"iss": provider.issuer(), "aud": AUDIENCE, "sub": "alice", "iat": now,
           "exp": now + 600, "roles": ["shop-clerk"]})
}

#[tokio::test]
async fn the_algorithm_is_the_keys_and_not_the_tokens() {
    let (provider, now) = (Provider::start("RS256"), Utc::now());
    let (guard, claims) = (provider.guard(|_| ()), claims(&provider));
    let genuine = provider.sign(json!({}), &claims, None).await;
    assert!(who(&guard, &genuine, now).await.is_ok());
    let key = provider.public_key().await;
    // What HS256 would be under the public key that everybody knows, in all its spellings.
    let modulus = URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap();
    let spellings =
        [modulus, key["n"].to_string().into_bytes(), key.to_string().into_bytes(), Vec::new()];
    for algorithm in ["HS256", "HS512", "RS256", "none"] {
        for secret in &spellings {
            let secret = STANDARD.encode(secret);
            let header = json!({"alg": algorithm});
            let token = provider.sign(header, &claims, Some(&secret)).await;
            is_refused(&guard, &token, now).await;
        }
    }
    // Signed by the very key, and said to be otherwise.
    for algorithm in ["none", "None", "HS256", "RS384", "PS256", "ES256", "EdDSA", ""] {
        let token = provider.sign(json!({"alg": algorithm}), &claims, None).await;
        is_refused(&guard, &token, now).await;
    }
    let (signed, _) = genuine.rsplit_once('.').unwrap();
    is_refused(&guard, &format!("{signed}."), now).await;
    is_refused(&guard, signed, now).await;
}

#[tokio::test]
async fn a_key_that_a_token_brings_along_is_no_key() {
    let (provider, other, now) = (Provider::start("RS256"), Provider::start("RS256"), Utc::now());
    let (guard, claims) = (provider.guard(|_| ()), claims(&provider));
    let (ours, theirs) = (provider.public_key().await, other.public_key().await);
    for header in [
        json!({}),
        json!({"kid": ours["kid"]}),
        json!({"kid": ours["kid"], "jwk": theirs}),
        json!({"kid": ours["kid"], "jku": format!("{}/jwks", other.issuer())}),
        json!({"kid": ours["kid"], "x5u": format!("{}/jwks", other.issuer())}),
        json!({"kid": ours["kid"], "x5c": ["AQAB"]}),
        json!({"kid": null}),
        json!({"kid": ""}),
    ] {
        is_refused(&guard, &other.sign(header, &claims, None).await, now).await;
    }
    // In a genuine one they are nothing either, but do no harm.
    let extra = json!({"jku": format!("{}/jwks", other.issuer()), "jwk": theirs});
    assert!(who(&guard, &provider.sign(extra, &claims, None).await, now).await.is_ok());
}

#[tokio::test]
async fn what_it_says_must_be_for_us_and_for_now() {
    let (provider, now) = (Provider::start("ES256"), Utc::now());
    let (guard, claims) = (provider.guard(|_| ()), claims(&provider));
    let seconds = now.timestamp();
    for (name, value) in [
        ("iss", json!("https://another.example")),
        ("iss", json!([provider.issuer()])),
        ("aud", json!("urn:other")),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("x".repeat(300))),
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("exp", json!(1e300)),
        ("nbf", json!(seconds + 120)),
        ("iat", json!(seconds + 120)),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        is_refused(&guard, &provider.sign(json!({}), &claims, None).await, now).await;
    }
    let mut old = claims.clone();
    old["exp"] = json!(seconds - 60);
    is_refused(&guard, &provider.sign(json!({}), &old, None).await, now).await;
    let mut ours_too = claims.clone();
    ours_too["aud"] = json!(["urn:other", AUDIENCE]);
    ours_too["exp"] = json!((seconds + 60) as f64 + 0.5);
    let token = provider.sign(json!({}), &ours_too, None).await;
    assert!(who(&guard, &token, now).await.is_ok());
    for header in [
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"typ": "dpop+jwt"}),
        json!({"crit": ["exp"], "exp": "1"}),
        json!({"crit": []}),
    ] {
        is_refused(&guard, &provider.sign(header, &claims, None).await, now).await;
    }
    let mut long = claims.clone();
    long["roles"] = json!(vec!["shop-clerk"; 1_000]);
    is_refused(&guard, &provider.sign(json!({}), &long, None).await, now).await;
}

/// Who marks no tokens as access tokens tells them apart otherwise.
#[tokio::test]
async fn an_id_token_is_no_access_token_where_types_are_not_told() {
    let (provider, now) = (Provider::start("EdDSA"), Utc::now());
    let guard = provider.guard(|it| it["token_types"] = json!(["JWT", ""]));
    let claims = claims(&provider);
    for typ in [json!("JWT"), Value::Null] {
        let token = provider.sign(json!({"typ": typ}), &claims, None).await;
        assert!(who(&guard, &token, now).await.is_ok(), "{typ}");
        for (name, value) in
            [("nonce", "n1"), ("at_hash", "x"), ("c_hash", "x"), ("typ", "ID"), ("typ", "Refresh")]
        {
            let mut claims = claims.clone();
            claims[name] = json!(value);
            is_refused(&guard, &provider.sign(json!({"typ": typ}), &claims, None).await, now).await;
        }
    }
}
