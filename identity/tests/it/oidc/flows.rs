//! What the flows of `OpenID` Connect lead to.

use axum::http::StatusCode;
use chrono::{TimeDelta, Utc};
use identity::principal::Member;
use identity::{Guard, Principal, Role};
use serde_json::{Value, json};

use super::provider::{AUDIENCE, Provider};
use crate::tokens::{is_refused, who};

fn access(answer: &Value) -> String {
    answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

async fn is(guard: &Guard, token: &str) -> Principal {
    who(guard, token, Utc::now()).await.unwrap_or_else(|_| panic!("{token}"))
}

#[tokio::test]
async fn who_signed_in_elsewhere_is_known_here() {
    let provider = Provider::start("RS256");
    let (guard, now) = (provider.guard(|_| ()), Utc::now());
    let alice = provider.sign_in("alice").await;
    let clerk = is(&guard, &access(&alice)).await;
    assert!(matches!(clerk, Principal::Member(Member::Person(_), Role::Staff)), "{clerk:?}");
    // The same person, whatever the token.
    let refresh = alice["refresh_token"].as_str().expect("a refresh token");
    let refreshed = access(&provider.refresh(refresh).await);
    assert_ne!(refreshed, access(&alice));
    for _ in 0..2 {
        assert_eq!(is(&guard, &refreshed).await, clerk);
    }
    // Who is nothing in particular is a customer, where customers come from there.
    let bob = access(&provider.sign_in("bob").await);
    let customer = is(&guard, &bob).await;
    assert!(matches!(customer, Principal::Customer(_)), "{customer:?}");
    let staff_alone = provider.guard(|it| it["customers"] = json!(false));
    is_refused(&staff_alone, &bob, now).await;
    assert_eq!(is(&staff_alone, &refreshed).await, clerk);
    // What says who they are to a client is nothing to us.
    for typed in [json!(["at+jwt"]), json!(["JWT", ""])] {
        let guard = provider.guard(|it| {
            it["token_types"] = typed;
            it["audience"] = json!("console");
        });
        is_refused(&guard, alice["id_token"].as_str().unwrap(), now).await;
    }
}

#[tokio::test]
async fn a_program_of_the_shop_says_who_it_is() {
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let provider = Provider::start(algorithm);
        let (guard, now) = (provider.guard(|_| ()), Utc::now());
        let token = access(&provider.client_credentials(AUDIENCE).await);
        let program = is(&guard, &token).await;
        assert!(matches!(program, Principal::Member(_, Role::Service)), "{program:?}");
        // It runs out, remembered or not.
        for guard in [guard, provider.guard(|_| ())] {
            let after = now + TimeDelta::seconds(640);
            let refused = who(&guard, &token, after).await.expect_err("it has run out");
            assert!(serde_json::to_string(&refused).unwrap().contains("run out"));
        }
        is_refused(&provider.guard(|_| ()), &token, now - TimeDelta::seconds(60)).await;
        // For somebody else.
        let other = access(&provider.client_credentials("urn:other").await);
        is_refused(&provider.guard(|_| ()), &other, now).await;
    }
}

#[tokio::test]
async fn keys_change_at_the_provider() {
    let mut provider = Provider::start("RS256");
    let (guard, now) = (provider.guard(|_| ()), Utc::now());
    let before = access(&provider.client_credentials(AUDIENCE).await);
    let program = is(&guard, &before).await;
    provider.restart();
    // Until somebody comes with what a new key signed, nobody looks.
    assert_eq!(is(&guard, &before).await, program);
    let after = access(&provider.client_credentials(AUDIENCE).await);
    assert_eq!(is(&guard, &after).await, program);
    is_refused(&guard, &before, now).await;
    // While it is away its keys are good, and a key that nobody knows waits for it in vain.
    let claims = json!({"iss": provider.issuer(), "aud": AUDIENCE, "sub": "alice",
                        "exp": now.timestamp() + 60});
    let unknown = provider.sign(json!({"kid": "another"}), &claims, None).await;
    provider.stop();
    assert_eq!(is(&guard, &after).await, program);
    for (guard, token) in [(&guard, &unknown), (&provider.guard(|_| ()), &after)] {
        let refused = who(guard, token, now).await.expect_err("nobody knows its key");
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(is(&guard, &after).await, program);
}

/// What answers at an issuer's address and calls itself something else is not that issuer.
#[tokio::test]
async fn an_issuer_is_who_it_says() {
    let provider = Provider::start("RS256");
    let issuer = provider.issuer().replace("127.0.0.1", "localhost");
    let guard = provider.guard(|it| it["issuer"] = json!(issuer));
    let now = Utc::now();
    let claims = json!({"iss": issuer, "aud": AUDIENCE, "sub": "alice", "roles": ["shop-clerk"],
                        "exp": now.timestamp() + 60});
    let token = provider.sign(json!({}), &claims, None).await;
    let refused = who(&guard, &token, now).await.expect_err("it has no keys");
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    // And its own tokens name another.
    let own = access(&provider.client_credentials(AUDIENCE).await);
    is_refused(&guard, &own, now).await;
}
