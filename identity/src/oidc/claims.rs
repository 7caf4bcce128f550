//! What a token of another issuer says, and who that is here.

use chrono::{DateTime, TimeDelta, Utc};
use domain::CustomerId;
use jsonwebtoken::Validation;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::{Uuid, uuid};

use super::settings::{ACCESS_TOKEN, Trusted};
use crate::keys::Public;
use crate::principal::{Member, Principal, Role};
use crate::token::{Named, Worthless};

/// How far an issuer's clock may be from ours.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);
/// Characters of a subject (`OpenID` Connect Core 1.0, 2).
const SUBJECT_CHARS_MAX: usize = 255;
/// Under which ids are made of issuers and subjects. It never changes: they stand in events.
const NAMESPACE: Uuid = uuid!("5f0c4e2a-8d0b-4c57-9a53-2d1f6f0f7b11");
/// The stronger role is what somebody is who has several.
const BY_STRENGTH: [Role; 5] = [Role::Owner, Role::Staff, Role::Service, Role::Analyst, Role::Ops];
/// Claims that an ID token has and an access token has not.
const OF_ID_TOKENS: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];

#[derive(Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// Whether a token of this type may be an access token.
pub(super) fn is_of_type(typ: Option<&str>, trusted: &Trusted) -> bool {
    let typ = plain(typ.unwrap_or_default());
    trusted.token_types.iter().any(|known| plain(known).eq_ignore_ascii_case(typ))
}

fn plain(typ: &str) -> &str {
    let prefix = typ.get(..12).filter(|it| it.eq_ignore_ascii_case("application/"));
    prefix.map_or(typ, |prefix| &typ[prefix.len()..])
}

/// Whom a token names, which was signed with `key`.
pub(super) fn read(
    token: &str,
    typ: Option<&str>,
    key: &Public,
    trusted: &Trusted,
    now: DateTime<Utc>,
) -> Result<Named, Worthless> {
    crate::crypto::install();
    // The key says which algorithm, whatever the token says.
    let mut validation = Validation::new(key.algorithm);
    validation.set_issuer(&[&trusted.issuer]);
    validation.set_audience(&[&trusted.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    // By the time that came in.
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &validation);
    let Claims { sub, exp, nbf, iat, others } = claims.map_err(|_| Worthless::Strange)?.claims;
    let until = at(exp)?;
    let issued = iat.map(at).transpose()?.unwrap_or(now);
    let from = nbf.map(at).transpose()?.unwrap_or(issued).max(issued);
    if from > now + LEEWAY {
        return Err(Worthless::Strange);
    }
    if until + LEEWAY <= now {
        return Err(Worthless::RunOut);
    }
    let is_marked = plain(typ.unwrap_or_default()).eq_ignore_ascii_case(ACCESS_TOKEN);
    if !is_marked && is_for_identity(&others) {
        return Err(Worthless::Strange);
    }
    let principal = principal(&sub, &others, trusted).ok_or(Worthless::Strange)?;
    Ok(Named { principal, issued, until, key: key.mark })
}

fn at(seconds: f64) -> Result<DateTime<Utc>, Worthless> {
    #[allow(clippy::cast_possible_truncation, reason = "what no time is becomes none")]
    DateTime::from_timestamp(seconds.floor() as i64, 0).ok_or(Worthless::Strange)
}

/// Whether it says who somebody is to the one they signed in with, and not to us. Keycloak marks
/// its tokens by a claim.
fn is_for_identity(claims: &Map<String, Value>) -> bool {
    let typ = claims.get("typ").and_then(Value::as_str);
    OF_ID_TOKENS.iter().any(|name| claims.contains_key(*name))
        || typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("Bearer"))
}

fn principal(subject: &str, claims: &Map<String, Value>, trusted: &Trusted) -> Option<Principal> {
    let chars = subject.chars().count();
    if chars == 0 || chars > SUBJECT_CHARS_MAX {
        return None;
    }
    // Neither an issuer nor a subject has a line break that would make two of them one.
    let id = Uuid::new_v5(&NAMESPACE, format!("{}\n{subject}", trusted.issuer).as_bytes());
    let words = words(claims, &trusted.roles_claim);
    let roles: Vec<Role> =
        words.iter().filter_map(|word| trusted.roles.get(*word).copied()).collect();
    match BY_STRENGTH.into_iter().find(|role| roles.contains(role)) {
        Some(role) => Some(Principal::Member(Member::Person(id), role)),
        None => trusted.customers.then_some(Principal::Customer(CustomerId(id))),
    }
}

/// What a claim says somebody is: a list of words, or one text of them, as scopes are told.
fn words<'a>(claims: &'a Map<String, Value>, claim: &str) -> Vec<&'a str> {
    let mut path = claim.split('/');
    let value = match path.next() {
        // A JSON pointer, of which `~` needs no care: no such name is seen in roles.
        Some("") => {
            let first = path.next().and_then(|name| claims.get(name));
            path.fold(first, |value, name| value.and_then(|value| value.get(name)))
        }
        _ => claims.get(claim),
    };
    match value {
        Some(Value::String(text)) => text.split_ascii_whitespace().chain([text.as_str()]).collect(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trusted(claim: &str, customers: bool) -> Trusted {
        let roles = json!({"boss": "owner", "clerk": "staff", "shop floor": "ops"});
        let trusted = json!({"issuer": "https://id.example", "audience": "us", "roles": roles,
                             "roles_claim": claim, "customers": customers});
        serde_json::from_value(trusted).unwrap()
    }

    fn role(claim: &str, claims: Value) -> Option<Role> {
        let Value::Object(claims) = claims else { panic!("{claims}") };
        match principal("ann", &claims, &trusted(claim, true))? {
            Principal::Member(_, role) => Some(role),
            _ => None,
        }
    }

    #[test]
    fn what_somebody_is_stands_in_a_claim() {
        assert_eq!(role("roles", json!({"roles": ["clerk"]})), Some(Role::Staff));
        assert_eq!(role("roles", json!({"roles": ["x", "clerk", "boss"]})), Some(Role::Owner));
        assert_eq!(role("scope", json!({"scope": "openid clerk"})), Some(Role::Staff));
        assert_eq!(role("r", json!({"r": "shop floor"})), Some(Role::Ops));
        let keycloak = json!({"realm_access": {"roles": ["clerk"]}});
        assert_eq!(role("/realm_access/roles", keycloak), Some(Role::Staff));
        let auth0 = json!({"https://shop.example/roles": ["clerk"]});
        assert_eq!(role("https://shop.example/roles", auth0), Some(Role::Staff));
        // What is not known gives nothing, nor does what is no word.
        for nothing in [
            json!({}),
            json!({"roles": ["Clerk", "staff", "owner", ""]}),
            json!({"roles": {"clerk": true}}),
            json!({"roles": [["clerk"]]}),
            json!({"roles": 1}),
        ] {
            assert_eq!(role("roles", nothing.clone()), None, "{nothing}");
        }
    }

    #[test]
    fn who_somebody_is_stays_so() {
        let who = |subject: &str, customers| {
            principal(subject, &Map::new(), &trusted("roles", customers))
        };
        let Some(Principal::Customer(CustomerId(ann))) = who("ann", true) else { panic!() };
        // Written down: carts and orders of theirs name it.
        assert_eq!(ann.to_string(), "25410e35-9ab8-5de1-bcfb-b63738332192");
        assert_ne!(who("bob", true), who("ann", true));
        assert_eq!(who("ann", false), None);
        assert_eq!((who("", true), who(&"x".repeat(256), true)), (None, None));
    }

    #[test]
    fn types_are_spelled_as_they_like() {
        let trusted = trusted("roles", true);
        for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
            assert!(is_of_type(Some(typ), &trusted), "{typ}");
        }
        for typ in [Some("JWT"), Some(""), None] {
            assert!(!is_of_type(typ, &trusted), "{typ:?}");
        }
        let okta = Trusted { token_types: vec![String::new(), "JWT".to_owned()], ..trusted };
        assert!(is_of_type(None, &okta) && is_of_type(Some("jwt"), &okta));
        assert!(!is_of_type(Some("at+jwt"), &okta));
    }
}
