//! What answers at an issuer's address and is no issuer: nothing it says is believed, and however
//! much it says, little of it is listened to.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use identity::Guard;
use identity::oidc::{self, Provider};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::provider::AUDIENCE;
use crate::tokens::who;

/// What it says at the address of discovery, knowing its own.
type Says = fn(String) -> Response;

fn discovery(issuer: &str, keys: &str) -> Response {
    axum::Json(json!({"issuer": issuer, "jwks_uri": keys})).into_response()
}

const ALL: [(&str, Says); 9] = [
    ("nothing", |_| StatusCode::NOT_FOUND.into_response()),
    ("that it is broken", |_| StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    ("a page", |_| "<html>".into_response()),
    ("too much", |own| format!("{{\"issuer\":\"{own}\"}}{}", " ".repeat(600_000)).into_response()),
    ("to go elsewhere", |own| Redirect::temporary(&format!("{own}/good")).into_response()),
    ("another name", |own| discovery("https://id.example", &format!("{own}/keys"))),
    ("its name with a slash", |own| discovery(&format!("{own}/"), &format!("{own}/keys"))),
    ("keys in the open", |own| discovery(&own, "http://192.0.2.1/keys")),
    ("keys in a file", |own| discovery(&own, "file:///etc/passwd")),
];

async fn open(says: Says) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = format!("http://{}", listener.local_addr().unwrap());
    let (said, good) = (own.clone(), own.clone());
    let routes = Router::new()
        .route("/.well-known/openid-configuration", get(async move || says(said)))
        .route("/good", get(async move || discovery(&good, &format!("{good}/keys"))))
        .route("/keys", get(async || axum::Json(json!({"keys": []}))));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    own
}

fn guard(issuer: &str) -> Guard {
    let trusted = json!([{"issuer": issuer, "audience": AUDIENCE, "customers": true}]);
    let trusted = oidc::read(&trusted.to_string()).unwrap();
    let providers = trusted.into_iter().map(|it| Provider::start(it).unwrap()).collect();
    Guard::with_providers(None, false, None, providers)
}

/// A token that names a key; nobody has signed it.
fn token(issuer: &str) -> String {
    let now = Utc::now().timestamp();
    let claims = json!({"iss": issuer, "aud": AUDIENCE, "sub": "ann", "exp": now + 60});
    let part = |it: &Value| URL_SAFE_NO_PAD.encode(it.to_string());
    let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": "a"});
    format!("{}.{}.{}", part(&header), part(&claims), "A".repeat(86))
}

#[tokio::test]
async fn nothing_is_known_from_what_is_no_issuer() {
    for (what, says) in ALL {
        let issuer = open(says).await;
        let refused = who(&guard(&issuer), &token(&issuer), Utc::now()).await.expect_err(what);
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{what}");
    }
    // The same with what an issuer says: then it is known that there is no such key.
    let issuer = open(|own| discovery(&own, &format!("{own}/keys"))).await;
    let refused = who(&guard(&issuer), &token(&issuer), Utc::now()).await.expect_err("unsigned");
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}
