//! Those who work here over HTTP: invited by the owner, with a second factor, sent away; and the
//! programs that do.

use axum::http::{Method, StatusCode};
use chrono::Utc;
use identity::Role;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::known::Known;
use crate::shop::{Answer, ask, keyed, post, put};

fn text(answer: &Answer, name: &str) -> String {
    answer.body[name].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

const EVE: &str = "eve@shop.example";
const PASSWORD: &str = "correct horse";

/// Invites Eve, and has her choose a password; her id.
async fn invite(asked: &Known, owner: &str, role: &str) -> String {
    let newcomer = json!({"email": EVE, "role": role});
    let invited = asked.done(owner, post("/v1/staff", &newcomer)).await;
    assert_eq!(invited.header("cache-control"), Some("no-store"));
    let again = asked.send(owner, post("/v1/staff", &newcomer)).await;
    assert_eq!((again.status, again.code()), (StatusCode::CONFLICT, "email_taken"));
    let again = post(format!("/v1/staff/{}/invite", text(&invited, "id")), &json!({}));
    let again = asked.done(owner, again).await;
    assert_eq!((again.status, again.header("cache-control")), (StatusCode::OK, Some("no-store")));
    let invitation = text(&again, "invitation");
    let old = json!({"invitation": text(&invited, "invitation"), "password": PASSWORD});
    let old = asked.shop.send(post("/v1/staff/join", &old)).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    for (password, pointer) in [("short", "/password"), ("password1", "/password")] {
        let joining = json!({"invitation": invitation, "password": password});
        let refused = asked.shop.send(post("/v1/staff/join", &joining)).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let joining = json!({"invitation": invitation, "password": PASSWORD});
    asked.shop.done(post("/v1/staff/join", &joining)).await;
    let again = asked.shop.send(post("/v1/staff/join", &joining)).await;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    text(&invited, "id")
}

async fn sign_in(asked: &Known, totp: Option<&str>) -> Answer {
    let mut body = json!({"email": EVE, "password": PASSWORD});
    if let Some(totp) = totp {
        body["totp"] = json!(totp);
    }
    asked.shop.send(post("/v1/sessions", &body)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_owner_sees_to_who_works_here(db: PgPool) {
    let asked = Known::asking(&db);
    let owner = asked.member(Role::Owner).await;
    let eve = invite(&asked, &owner, "owner").await;
    let signed_in = sign_in(&asked, None).await;
    assert_eq!((&signed_in.body["role"], &signed_in.body["id"]), (&json!("owner"), &json!(eve)));
    let own = text(&signed_in, "token");
    let again = |id: &str| post(format!("/v1/staff/{id}/invite"), &json!({}));
    let joined = asked.send(&owner, again(&eve)).await;
    assert_eq!((joined.status, joined.code()), (StatusCode::CONFLICT, "not_invited"));
    let nobody = asked.send(&owner, again(&Uuid::now_v7().to_string())).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    // Nobody does it to themselves.
    let disable = || post(format!("/v1/staff/{eve}/disable"), &json!({}));
    let demote = || put(format!("/v1/staff/{eve}/role"), &json!({"role": "analyst"}));
    for ask in [disable(), demote()] {
        let refused = asked.send(&own, ask).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "yourself"));
    }
    for ask in [disable(), demote()] {
        let refused = asked.send(&owner, ask).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "last_owner"));
    }
    let newcomer = json!({"email": "ann@shop.example", "role": "owner"});
    let invited = asked.done(&owner, post("/v1/staff", &newcomer)).await;
    let joining = json!({"invitation": text(&invited, "invitation"), "password": PASSWORD});
    asked.shop.done(post("/v1/staff/join", &joining)).await;
    asked.done(&owner, demote()).await;
    let shown = asked.done(&owner, ask(Method::GET, "/v1/staff", "")).await;
    let items = shown.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!((&items[1]["email"], &items[1]["role"]), (&json!(EVE), &json!("analyst")));
    let nobody = Uuid::now_v7();
    for path in [format!("/v1/staff/{nobody}/sessions"), format!("/v1/staff/{eve}/totp")] {
        let gone = asked.send(&owner, ask(Method::DELETE, path, "")).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{gone:?}");
    }
    asked.done(&owner, ask(Method::DELETE, format!("/v1/staff/{eve}/sessions"), "")).await;
    asked.done(&owner, disable()).await;
    let refused = sign_in(&asked, None).await;
    assert_eq!(refused.code(), "wrong_credentials");
    asked.done(&owner, post(format!("/v1/staff/{eve}/enable"), &json!({}))).await;
    assert_eq!(sign_in(&asked, None).await.body["role"], "analyst");
}

/// Where a second factor is asked of all who work here.
#[sqlx::test(migrations = "../migrations")]
async fn who_must_have_a_second_factor_can_do_nothing_before(db: PgPool) {
    let asked = Known::asking_twice(&db);
    let owner = asked.member(Role::Owner).await;
    invite(&asked, &owner, "staff").await;
    let signed_in = sign_in(&asked, None).await;
    assert_eq!(signed_in.body["must_enrol"], true);
    let token = text(&signed_in, "token");
    for ask in [
        ask(Method::GET, "/v1/people/me/sessions", ""),
        post("/v1/products", &json!({"title": "Tote"})),
        post("/v1/people/me/totp/remove", &json!({"password": PASSWORD, "totp": "000000"})),
    ] {
        let refused = asked.send(&token, ask).await;
        let said = (refused.status, refused.code());
        assert_eq!(said, (StatusCode::FORBIDDEN, "second_factor_required"));
    }
    let begin = post("/v1/people/me/totp", &json!({"password": PASSWORD}));
    let enrolment = asked.done(&token, begin).await;
    assert_eq!(enrolment.header("cache-control"), Some("no-store"));
    assert!(text(&enrolment, "uri").contains(&text(&enrolment, "secret")));
    let wrong = post("/v1/people/me/totp/confirm", &json!({"totp": "no code"}));
    assert_eq!(asked.send(&token, wrong).await.code(), "wrong_totp");
    // As if the app had shown a code: that it does is proved where codes are.
    let confirmed = "UPDATE second_factors SET confirmed_at = now()";
    sqlx::query(confirmed).execute(&db).await.unwrap();
    assert_eq!(sign_in(&asked, None).await.code(), "totp_required");
    assert_eq!(sign_in(&asked, Some("no code")).await.code(), "wrong_totp");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_program_has_a_key_for_some_routes(db: PgPool) {
    let asked = Known::asking(&db);
    let owner = asked.member(Role::Owner).await;
    let wanted = json!({"name": "the till", "role": "staff", "scopes": ["/v1/stock",
                        "POST /v1/products"]});
    let made = asked.done(&owner, post("/v1/api-keys", &wanted)).await;
    assert_eq!(
        (made.status, made.header("cache-control")),
        (StatusCode::CREATED, Some("no-store"))
    );
    let (id, key) = (text(&made, "id"), text(&made, "key"));
    let variant = json!({"sku": "TOTE", "prices": [{"amount": "19.99", "currency": "EUR"}]});
    let product = json!({"title": "Tote", "variants": [variant]});
    let product = asked.done(&key, post("/v1/products", &product)).await.id();
    let actor = "SELECT metadata->>'actor' FROM events WHERE stream = $1 AND version = 1";
    let actor: String =
        sqlx::query_scalar(actor).bind(format!("product-{product}")).fetch_one(&db).await.unwrap();
    assert_eq!(actor, format!("key:{}", id.replace('-', "")));
    let units = json!({"location": "main", "quantity": 9});
    asked.done(&key, keyed("/v1/stock/TOTE/receive", &units)).await;
    for ask in [
        post("/v1/carts", &json!({"currency": "EUR"})),
        put(format!("/v1/products/{product}"), &json!({})),
        ask(Method::GET, "/v1/people/me/sessions", ""),
        ask(Method::GET, "/v1/api-keys", ""),
    ] {
        let refused = asked.send(&key, ask).await;
        let is_none = refused.status == StatusCode::METHOD_NOT_ALLOWED;
        assert!(is_none || refused.code() == "forbidden", "{refused:?}");
    }
    let listed = asked.done(&owner, ask(Method::GET, "/v1/api-keys", "")).await;
    assert_eq!(listed.body["items"][0]["name"], "the till");
    assert!(!listed.body.to_string().contains(&key));
    let rotated = asked.done(&owner, post(format!("/v1/api-keys/{id}/rotate"), &json!({}))).await;
    assert_ne!(text(&rotated, "key"), key);
    asked.done(&text(&rotated, "key"), keyed("/v1/stock/TOTE/receive", &units)).await;
    for (body, pointer) in [
        (json!({"name": "x", "role": "owner"}), "/role"),
        (json!({"name": "", "role": "staff"}), "/name"),
        (json!({"name": "x", "role": "staff", "scopes": ["stock"]}), "/scopes/0"),
        (json!({"name": "x", "role": "staff", "scopes": ["/v1/stock", "/v1/stoc"]}), "/scopes/1"),
        (json!({"name": "x", "role": "staff", "expires_at": Utc::now()}), "/expires_at"),
    ] {
        let refused = asked.send(&owner, post("/v1/api-keys", &body)).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    let long = json!({"overlap_minutes": 99_999});
    let long = asked.send(&owner, post(format!("/v1/api-keys/{id}/rotate"), &long)).await;
    assert_eq!(long.body["errors"][0]["pointer"], "/overlap_minutes");
    asked.done(&owner, ask(Method::DELETE, format!("/v1/api-keys/{id}"), "")).await;
    let gone = asked.send(&owner, post(format!("/v1/api-keys/{id}/rotate"), &json!({}))).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

/// What resource servers read of the issuer says no more than there is.
#[sqlx::test(migrations = "../migrations")]
async fn the_issuer_says_what_it_does(db: PgPool) {
    let asked = Known::asking(&db);
    let [said, discovered] = ["oauth-authorization-server", "openid-configuration"]
        .map(|name| ask(Method::GET, format!("/.well-known/{name}"), ""));
    let said = asked.shop.done(said).await.body;
    assert_eq!(said, asked.shop.done(discovered).await.body);
    assert_eq!(said["issuer"], "https://shop.example");
    assert_eq!(said["jwks_uri"], "https://shop.example/.well-known/jwks.json");
    for none in [
        "response_types_supported",
        "grant_types_supported",
        "id_token_signing_alg_values_supported",
    ] {
        assert_eq!(said[none], Value::Array(Vec::new()), "{none}");
    }
    // Where it says that something is to be asked of it, that is there; the keys are.
    let endpoints: Vec<_> = said.as_object().unwrap().keys().collect();
    let endpoints = endpoints.iter().filter(|it| it.ends_with("_uri") || it.ends_with("_endpoint"));
    assert_eq!(endpoints.collect::<Vec<_>>(), [&"jwks_uri"]);
    assert_eq!(asked.shop.done(ask(Method::GET, "/.well-known/jwks.json", "")).await.status, 200);
}
