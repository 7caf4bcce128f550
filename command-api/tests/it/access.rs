//! Who may send which command: every route, for everybody there is; and whose things they are.

use axum::Router;
use axum::http::{Method, StatusCode};
use chrono::{TimeDelta, Utc};
use command_api::{App, described, router, routes, webhooks};
use domain::{CustomerId, GuestId};
use identity::api_keys::ApiKeys;
use identity::principal::Member;
use identity::routes::Identity;
use identity::token::Subject;
use identity::{Access, Guard, Principal, Role};
use serde_json::{Value, json};
use service::health::Health;
use sqlx::PgPool;
use uuid::Uuid;

use crate::known::Known;
use crate::shop::{Answer, Ask, Shop, ask, keyed, keyed_step, post, put};

/// Everybody there is, with what lets them in.
async fn everybody(asked: &Known) -> Vec<(Principal, Option<String>)> {
    let id = Uuid::now_v7();
    let mut all = vec![(Principal::Stranger, None)];
    for role in [Role::Staff, Role::Analyst, Role::Ops, Role::Service, Role::Owner] {
        let token = asked.token(Subject::Member(id, role)).await;
        all.push((Principal::Member(Member::Person(id), role), Some(token)));
    }
    let (guest, customer) = (GuestId(id), CustomerId(id));
    all.push((Principal::Guest(guest), Some(asked.token(Subject::Guest(guest)).await)));
    let token = asked.token(Subject::Customer(customer)).await;
    all.push((Principal::Customer(customer), Some(token)));
    all.push((Principal::Enrolling(id), Some(asked.token(Subject::Enrolling(id)).await)));
    let keys = ApiKeys::new(asked.shop.db.clone());
    for role in [Role::Staff, Role::Analyst, Role::Ops, Role::Service] {
        let wanted = serde_json::from_value(json!({"name": "a program", "role": role}));
        let made = keys.make(wanted.unwrap(), Utc::now()).await.unwrap().unwrap();
        all.push((Principal::Member(Member::Key(made.id), role), Some(made.key)));
    }
    all
}

/// What a route says of somebody: 401, 403, or something that is about the command; nothing, where
/// there is no such method.
async fn answer_of(asked: &Known, ask: Ask, token: Option<&String>) -> Option<StatusCode> {
    let ask = match token {
        Some(token) => ask.with("authorization", format!("Bearer {token}")),
        None => ask,
    };
    let status = asked.shop.send(ask).await.status;
    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
    if status == StatusCode::METHOD_NOT_ALLOWED {
        return None;
    }
    Some(if refused { status } else { StatusCode::OK })
}

#[sqlx::test(migrations = "../migrations")]
async fn every_route_lets_in_whom_it_says_and_nobody_else(db: PgPool) {
    let asked = Known::asking(&db);
    let everybody = everybody(&asked).await;
    let mut routes: Vec<(Method, String, Access)> = routes::all()
        .map(|route| {
            let path = route.path.replace("{id}", &Uuid::nil().to_string());
            (route.method.clone(), path.replace("{sku}", "TOTE"), route.access)
        })
        .collect();
    routes.push((Method::POST, "/v1/batch".to_owned(), Access::Staff));
    for (path, access, _) in identity::routes::all() {
        let path = path.replace("{id}", &Uuid::nil().to_string());
        let mut has = Vec::new();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            if answer_of(&asked, ask(method.clone(), &path, "{}"), None).await.is_some() {
                has.push((method, path.clone(), access));
            }
        }
        assert!(!has.is_empty(), "{path}");
        routes.extend(has);
    }
    for (path, access, _) in command_api::sealed::all() {
        let path = path.replace("{id}", &Uuid::nil().to_string());
        routes.push((Method::GET, path, access));
    }
    for (method, path, access, _) in webhook::routes::all() {
        let path = path.replace("{delivery_id}", "1-0");
        routes.push((method, path.replace("{id}", &Uuid::nil().to_string()), access));
    }
    let gateway = webhooks::PATH.replace("{name}", "stripe");
    routes.push((Method::POST, gateway.clone(), webhooks::ACCESS));
    walks_all_that_is_described(&routes);
    // What ends what lets somebody in comes last.
    let ends = |path: &str| path.ends_with("/forget") || path == "/v1/guests/end";
    routes.sort_by_key(|(_, path, _)| ends(path));
    let accounts = format!("/v1/people/{}", Uuid::nil());
    for (method, path, access) in routes {
        // Whoever has a storefront's key has nobody's account with it.
        let storefronts = everybody.iter().filter(|(who, _)| {
            matches!(who, Principal::Member(_, Role::Service)) && access.permits(*who)
        });
        let of_others = path.starts_with(&accounts);
        assert!(!of_others || storefronts.count() == 0, "{method} {path}");
        for (principal, token) in &everybody {
            let wanted = match (access.permits(*principal), principal) {
                (true, _) => StatusCode::OK,
                // A token changes nothing there: what is not signed is no gateway's.
                (false, _) if path == gateway => StatusCode::OK,
                (false, Principal::Stranger) => StatusCode::UNAUTHORIZED,
                (false, _) => StatusCode::FORBIDDEN,
            };
            let said = answer_of(&asked, ask(method.clone(), &path, "{}"), token.as_ref()).await;
            assert_eq!(said, Some(wanted), "{method} {path} for {principal:?}");
        }
    }
    assert_eq!(asked.shop.head().await, 0, "nobody meant anything");
}

/// Nothing that the document of this API describes is left out.
fn walks_all_that_is_described(routes: &[(Method, String, Access)]) {
    let nil = Uuid::nil().to_string();
    let names =
        [("{id}", &*nil), ("{sku}", "TOTE"), ("{delivery_id}", "1-0"), ("{name}", "stripe")];
    for (path, methods) in described::document()["paths"].as_object().unwrap() {
        let at = names.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
        for (method, operation) in methods.as_object().unwrap() {
            let access = &operation["x-access"];
            let told = |(known, place, says): &(Method, String, Access)| {
                known.as_str().eq_ignore_ascii_case(method) && *place == at && access == says.name()
            };
            assert!(routes.iter().any(told), "{method} {path} for {access} is not tried");
        }
    }
}

/// What is not signed is refused alike, whoever sends it.
#[sqlx::test(migrations = "../migrations")]
async fn no_token_makes_a_gateway_of_anybody(db: PgPool) {
    let asked = Known::asking(&db);
    for (principal, token) in everybody(&asked).await {
        assert!(!webhooks::ACCESS.permits(principal));
        let event = post("/v1/gateways/stripe/events", &json!({"id": "evt_1"}));
        let event = match token {
            Some(token) => event.with("authorization", format!("Bearer {token}")),
            None => event,
        };
        assert_eq!(asked.shop.send(event).await.code(), "invalid_signature", "{principal:?}");
    }
}

/// A line of a batch is for those whom its command is for.
#[sqlx::test(migrations = "../migrations")]
async fn batches_are_the_back_offices(db: PgPool) {
    let asked = Known::asking(&db);
    let line = json!({"command": "cart.create", "data": {"currency": "EUR"}}).to_string();
    let batch =
        || ask(Method::POST, "/v1/batch", &line).with("content-type", "application/x-ndjson");
    let (_, guest) = asked.guest().await;
    assert_eq!(asked.send(&guest, batch()).await.status, StatusCode::FORBIDDEN);
    let staff = asked.member(Role::Staff).await;
    assert_eq!(asked.done(&staff, batch()).await.body["status"], 201);
}

/// Everything a shopper does, by themselves and by somebody else.
#[sqlx::test(migrations = "../migrations")]
async fn a_shopper_touches_what_is_theirs(db: PgPool) {
    let asked = Known::asking(&db);
    let staff = asked.member(Role::Staff).await;
    kit::http::sell("TOTE", 9, async |step| asked.done(&staff, keyed_step(step)).await.id()).await;

    let (guest_id, guest) = asked.guest().await;
    let (_, other) = asked.guest().await;
    let customer = asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    let strangers = [&other, &customer];
    // Theirs, and theirs alone, step by step.
    let only = async |ask: &dyn Fn() -> Ask, gone: &str| {
        for stranger in strangers {
            let refused = asked.send(stranger, ask()).await;
            assert_eq!((refused.status, refused.code()), (StatusCode::NOT_FOUND, gone));
        }
        asked.done(&guest, ask()).await
    };
    let cart = asked.done(&guest, post("/v1/carts", &json!({"currency": "EUR"}))).await.id();
    let created = asked.shop.payload(&format!("cart-{cart}"), "cart.created").await;
    assert_eq!(created["guest_id"], guest_id);
    let line = json!({"sku": "TOTE", "quantity": 2});
    only(&|| post(format!("/v1/carts/{cart}/lines"), &line), "cart_not_found").await;
    // Not even by a version that is wrong is it known to be there.
    let guessed = post(format!("/v1/carts/{cart}/lines"), &line).with("if-match", "\"9\"");
    assert_eq!(asked.send(&other, guessed).await.code(), "cart_not_found");
    let checkout = || keyed(format!("/v1/carts/{cart}/checkout"), &json!({}));
    let order = only(&checkout, "cart_not_found").await.id();
    let pay = json!({"order_id": order, "method": "card", "token": "tok_success"});
    let payment = only(&|| keyed("/v1/payments", &pay), "order_not_found").await.id();
    let abort = || keyed(format!("/v1/payments/{payment}/abort"), &json!({}));
    only(&abort, "payment_not_found").await;
    let fewer = json!({"quantity": 1});
    let shrink = || ask(Method::PUT, format!("/v1/orders/{order}/lines/TOTE"), fewer.to_string());
    only(&shrink, "order_not_found").await;
    let cancel = || keyed(format!("/v1/orders/{order}/cancel"), &json!({"reason": "no more"}));
    only(&cancel, "order_not_found").await;
    // The shop sees to all of it.
    asked.done(&staff, cancel()).await;
    let actor = "SELECT metadata->>'actor' FROM events WHERE stream = $1 AND version = 1";
    let actor: String =
        sqlx::query_scalar(actor).bind(format!("cart-{cart}")).fetch_one(&db).await.unwrap();
    assert_eq!(actor, format!("guest:{}", guest_id.replace('-', "")));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_shopper_says_nothing_that_is_the_shops_to_say(db: PgPool) {
    let asked = Known::asking(&db);
    let id = Uuid::now_v7();
    let customer = asked.token(Subject::Customer(CustomerId(id))).await;
    let cart = |of: Uuid| post("/v1/carts", &json!({"currency": "EUR", "customer_id": of}));
    let refused = asked.send(&customer, cart(Uuid::now_v7())).await;
    assert_eq!(refused.body["errors"][0]["pointer"], "/customer_id");
    asked.done(&customer, cart(id)).await;
    let order = Uuid::now_v7();
    for (pay, pointer) in [
        (json!({"order_id": order, "method": "external"}), "/method"),
        (
            json!({"order_id": order, "method": "card", "token": "t", "capture": "by_hand"}),
            "/capture",
        ),
    ] {
        let refused = asked.send(&customer, keyed("/v1/payments", &pay)).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
}

/// Who signs in takes along what they had begun as a guest, with the guest's token beside theirs.
#[sqlx::test(migrations = "../migrations")]
async fn a_guests_cart_becomes_the_customers(db: PgPool) {
    let asked = Known::asking(&db);
    let staff = asked.member(Role::Staff).await;
    kit::http::sell("TOTE", 0, async |step| asked.done(&staff, keyed_step(step)).await.id()).await;

    let id = Uuid::now_v7();
    let customer = asked.token(Subject::Customer(CustomerId(id))).await;
    let (_, guest) = asked.guest().await;
    let (_, other) = asked.guest().await;
    let open = || post("/v1/carts", &json!({"currency": "EUR"}));
    let line = json!({"sku": "TOTE", "quantity": 2});
    let fill = |cart: &str| post(format!("/v1/carts/{cart}/lines"), &line);
    let mut carts = Vec::new();
    for owner in [&guest, &guest, &customer] {
        let cart = asked.done(owner, open()).await.id();
        asked.done(owner, fill(&cart)).await;
        carts.push(cart);
    }
    let [first, second, own] = &carts[..] else { panic!("{carts:?}") };
    let assign = put(format!("/v1/carts/{first}/customer"), &json!({"customer_id": id}));
    let merge = post(format!("/v1/carts/{own}/merge"), &json!({"from": second}));
    for ask in [assign, merge] {
        let said = asked.send(&customer, ask.clone()).await;
        assert_eq!((said.status, said.code()), (StatusCode::NOT_FOUND, "cart_not_found"));
        let said = asked.send(&customer, ask.clone().with("guest-token", &other)).await;
        assert_eq!(said.code(), "cart_not_found");
        for worthless in ["nonsense", &customer] {
            let said = asked.send(&customer, ask.clone().with("guest-token", worthless)).await;
            assert_eq!(said.status, StatusCode::UNAUTHORIZED);
        }
        asked.done(&customer, ask.with("guest-token", &guest)).await;
    }
    // In one append, and the guest has it no more.
    let merged = asked.shop.payload(&format!("cart-{second}"), "cart.merged").await;
    assert_eq!(merged["into"], *own.as_str());
    let changed = asked.shop.payload(&format!("cart-{own}"), "cart.line_changed").await;
    assert_eq!(changed["quantity"], 4);
    for cart in [first, second] {
        let refused = asked.send(&guest, fill(cart)).await;
        assert!(["cart_not_found", "cart_merged"].contains(&refused.code()), "{refused:?}");
    }
    asked.done(&customer, fill(first)).await;
}

/// The same key of two callers is two keys.
#[sqlx::test(migrations = "../migrations")]
async fn keys_of_shoppers_are_their_own(db: PgPool) {
    let asked = Known::asking(&db);
    let cart = || post("/v1/carts", &json!({"currency": "EUR"})).with("idempotency-key", "mine");
    let (_, one) = asked.guest().await;
    let (_, other) = asked.guest().await;
    let first = asked.done(&one, cart()).await;
    assert_ne!(asked.done(&other, cart()).await.id(), first.id());
    let again = asked.done(&one, cart()).await;
    assert_eq!((again.id(), again.header("idempotent-replayed")), (first.id(), Some("true")));
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_gives_tokens_out_without_a_master_key(db: PgPool) {
    let shop = Shop::open(&db);
    let app = App::new(shop.writer.clone(), TimeDelta::minutes(15));
    let identity = Identity { db: db.clone(), desk: None, beyond: command_api::BEYOND };
    let beside = identity::routes::router(identity, &Guard::open());
    let router: Router = router(&app, &Guard::open(), &Health::new(), beside);
    let shop = Shop { router, ..shop };
    let refused = shop.send(post("/v1/guests", &Value::Null)).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "no_issuer"));
    assert_eq!(refused.header("retry-after"), None, "it is so for as long as the process runs");
    let keys = shop.done(ask(Method::GET, "/.well-known/jwks.json", "")).await;
    assert_eq!(keys.body, json!({"keys": []}));
}

/// A customer from registering to signing out.
#[sqlx::test(migrations = "../migrations")]
async fn a_customer_signs_in_and_out(db: PgPool) {
    let asked = Known::asking(&db);
    let ann = json!({"email": "ann@shop.example", "password": "correct horse"});
    let register = || post("/v1/people", &ann);
    let made = asked.shop.done(register()).await;
    // Nobody learns whether the address was free.
    let again = asked.shop.done(register()).await;
    assert_eq!((made.status, again.status), (StatusCode::ACCEPTED, StatusCode::ACCEPTED));
    assert_eq!((&made.body, made.header("etag")), (&again.body, again.header("etag")));
    for (body, pointer) in [
        (json!({"email": "ann", "password": "correct horse"}), "/email"),
        (json!({"email": "ann@shop.example", "password": "short"}), "/password"),
    ] {
        let refused = asked.shop.send(post("/v1/people", &body)).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    for wrong in [
        json!({"email": "ann@shop.example", "password": "battery staple"}),
        json!({"email": "ann@shop.example", "password": "short"}),
        json!({"email": "bob@shop.example", "password": "correct horse"}),
    ] {
        let refused = asked.shop.send(post("/v1/sessions", &wrong)).await;
        let said = (refused.status, refused.code());
        assert_eq!(said, (StatusCode::UNAUTHORIZED, "wrong_credentials"));
    }
    let signed_in = asked.shop.done(post("/v1/sessions", &ann)).await;
    assert_eq!(signed_in.header("cache-control"), Some("no-store"));
    let of = |answer: &Answer, name: &str| answer.body[name].as_str().unwrap().to_owned();
    let (token, refresh) = (of(&signed_in, "token"), of(&signed_in, "refresh_token"));
    let cart = asked.done(&token, post("/v1/carts", &json!({"currency": "EUR"}))).await.id();
    let created = asked.shop.payload(&format!("cart-{cart}"), "cart.created").await;
    assert_eq!(created["customer_id"], signed_in.body["id"]);

    let refreshed = json!({"refresh_token": refresh});
    let refreshed = asked.shop.done(post("/v1/sessions/refresh", &refreshed)).await;
    let (token, refresh) = (of(&refreshed, "token"), of(&refreshed, "refresh_token"));
    let mine = ask(Method::GET, "/v1/people/me/sessions", "");
    let mine = asked.done(&token, mine).await.body["items"].clone();
    assert_eq!(mine.as_array().unwrap().len(), 1);
    let (_, guest) = asked.guest().await;
    let path = format!("/v1/people/me/sessions/{}", mine[0]["id"].as_str().unwrap());
    let end = || ask(Method::DELETE, &path, "");
    assert_eq!(asked.send(&guest, end()).await.status, StatusCode::FORBIDDEN);
    let other = asked.token(Subject::Customer(CustomerId(Uuid::now_v7()))).await;
    assert_eq!(asked.send(&other, end()).await.status, StatusCode::NOT_FOUND);
    let refresh = json!({"refresh_token": refresh});
    asked.shop.done(post("/v1/sessions/end", &refresh)).await;
    let ended = asked.shop.send(post("/v1/sessions/refresh", &refresh)).await;
    assert_eq!((ended.status, ended.code()), (StatusCode::UNAUTHORIZED, "unauthorized"));
}
