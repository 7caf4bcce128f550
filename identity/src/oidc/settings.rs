//! Which other issuers are trusted, and with what.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;

use reqwest::Url;
use serde::Deserialize;
use service::config::Wrong;

use crate::principal::Role;

/// The setting.
const NAME: &str = "OIDC_ISSUERS";
/// Issuers that may be trusted, each with connections and keys of its own.
const ISSUERS_MAX: usize = 16;
/// The type of an access token (RFC 9068).
pub(super) const ACCESS_TOKEN: &str = "at+jwt";

/// An issuer whose tokens are taken.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trusted {
    /// As it calls itself: a URL, below which its discovery document lies.
    pub issuer: String,
    /// As whom its tokens name this shop.
    pub audience: String,
    /// The claim that holds what somebody is: its name, or a JSON pointer to it.
    #[serde(default)]
    pub roles_claim: String,
    /// What the values of that claim are here. Others give nothing.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// Whether somebody without a role is a customer; they are nobody otherwise.
    #[serde(default)]
    pub customers: bool,
    /// The types of its access tokens; an empty one stands for none.
    #[serde(default = "access_tokens_alone")]
    pub token_types: Vec<String>,
}

fn access_tokens_alone() -> Vec<String> {
    vec![ACCESS_TOKEN.to_owned()]
}

/// Whom to trust, as JSON or as a file of it. Nothing is nobody.
///
/// # Errors
/// It cannot be meant.
pub fn read(setting: &str) -> Result<Vec<Trusted>, Wrong> {
    let setting = setting.trim();
    if setting.is_empty() {
        return Ok(Vec::new());
    }
    let wrong = |reason: String| Wrong::new(NAME, reason);
    if setting.starts_with('{') {
        return Err(wrong("is one object: issuers stand in a list, as [{…}]".to_owned()));
    }
    let text = if setting.starts_with('[') {
        setting.to_owned()
    } else {
        fs::read_to_string(setting).map_err(|why| wrong(format!("names no file: {why}")))?
    };
    let all: Vec<Trusted> =
        serde_json::from_str(&text).map_err(|why| wrong(format!("cannot be read: {why}")))?;
    if all.len() > ISSUERS_MAX {
        return Err(wrong(format!("names more than {ISSUERS_MAX} issuers")));
    }
    for (place, one) in all.iter().enumerate() {
        let of = |reason: &str| wrong(format!("has an issuer {:?} {reason}", one.issuer));
        if is_safe(&one.issuer).map_err(of)?.query().is_some() {
            return Err(of("that is not a plain URL"));
        }
        if all[..place].iter().any(|other| other.issuer == one.issuer) {
            return Err(of("twice"));
        }
        if one.audience.is_empty() {
            return Err(of("without an audience: tokens for others would be taken"));
        }
        if one.roles.is_empty() != one.roles_claim.is_empty() {
            return Err(of("with half of roles and roles_claim"));
        }
        if one.roles.is_empty() && !one.customers {
            return Err(of("whose tokens name nobody: without roles and customers"));
        }
        if one.token_types.is_empty() {
            return Err(of("without token_types"));
        }
    }
    Ok(all)
}

/// Whether what comes from this URL is what its owner sent: HTTPS, or this very machine.
pub(super) fn is_safe(url: &str) -> Result<Url, &'static str> {
    let url = Url::parse(url).map_err(|_| "that is no URL")?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_here =
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() != "https" && !(url.scheme() == "http" && is_here) {
        return Err("that is neither https nor this machine");
    }
    let is_plain = url.username().is_empty() && url.password().is_none();
    if is_plain && url.fragment().is_none() { Ok(url) } else { Err("that is not a plain URL") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whom_to_trust_is_said_in_full() {
        let one = json!({"issuer": "https://id.example/realms/shop", "audience": "commerce",
                         "roles_claim": "/realm_access/roles", "roles": {"clerk": "staff"},
                         "customers": true});
        let all = read(&json!([one]).to_string()).unwrap();
        assert_eq!((all[0].roles["clerk"], all[0].customers), (Role::Staff, true));
        assert_eq!(all[0].token_types, [ACCESS_TOKEN]);
        assert!(read("").unwrap().is_empty());
        for (name, value) in [
            ("issuer", json!("http://id.example")),
            ("issuer", json!("https://ann:pw@id.example")),
            ("issuer", json!("id.example")),
            ("issuer", json!("https://id.example/?realm=shop")),
            ("audience", json!("")),
            ("roles_claim", json!("")),
            ("roles", json!({})),
            ("roles", json!({"clerk": "king"})),
            ("token_types", json!([])),
            ("unknown", json!(1)),
        ] {
            let mut other = one.clone();
            other[name] = value;
            let wrong = read(&json!([other]).to_string()).expect_err(name).to_string();
            assert!(wrong.starts_with("OIDC_ISSUERS "), "{wrong}");
        }
        assert!(read(&json!([one, one]).to_string()).is_err());
        assert!(read("/nowhere/issuers.json").is_err());
        for here in ["http://127.0.0.1:8", "http://[::1]:8", "http://localhost", "https://a.b/c"] {
            assert!(is_safe(here).is_ok(), "{here}");
        }
        for away in ["http://127.0.0.1.example", "http://10.0.0.1", "ftp://localhost", "file:///x"]
        {
            assert!(is_safe(away).is_err(), "{away}");
        }
    }
}
