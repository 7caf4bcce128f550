//! A key as an issuer publishes it (RFC 7517, RFC 8037), and the one algorithm that it is for. Keys
//! for anything else are left out: a secret, one to encrypt with, one that is too small.

use std::str::FromStr as _;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::keys::Public;

/// Keys of an issuer that are looked at.
const KEYS_MAX: usize = 64;
/// Characters of a key's name.
const NAME_CHARS_MAX: usize = 256;

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// The keys of a set that verify signatures.
pub(super) fn all(set: Vec<Value>) -> Vec<Public> {
    set.into_iter().take(KEYS_MAX).filter_map(one).collect()
}

fn one(value: Value) -> Option<Public> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    let signs = jwk.usage.as_deref().is_none_or(|usage| usage == "sig");
    let verifies = |ops: &Vec<String>| ops.iter().any(|op| op == "verify");
    if !signs || !jwk.key_ops.as_ref().is_none_or(verifies) || jwk.kid.len() > NAME_CHARS_MAX {
        return None;
    }
    let algorithm = algorithm(&jwk)?;
    let key = match jwk.kty.as_str() {
        "RSA" => DecodingKey::from_rsa_components(jwk.n.as_deref()?, jwk.e.as_deref()?),
        "EC" => DecodingKey::from_ec_components(jwk.x.as_deref()?, jwk.y.as_deref()?),
        _ => DecodingKey::from_ed_components(jwk.x.as_deref()?),
    };
    Some(Public::new(jwk.kid, algorithm, key.ok()?, value))
}

/// The one that the key says, or the usual one of its sort.
fn algorithm(jwk: &Jwk) -> Option<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let named = match &jwk.alg {
        Some(name) => Some(Algorithm::from_str(name).ok()?),
        None => None,
    };
    let allowed: &[Algorithm] = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        ("EC", Some("P-256")) => &[ES256],
        ("EC", Some("P-384")) => &[ES384],
        ("OKP", Some("Ed25519")) => &[EdDSA],
        _ => return None,
    };
    let algorithm = named.or(allowed.first().copied())?;
    allowed.contains(&algorithm).then_some(algorithm)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_is_for_one_algorithm() {
        let rsa = json!({"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"});
        let with = |key: &Value, name: &str, value: &str| {
            let mut key = key.clone();
            key[name] = json!(value);
            key
        };
        let p256 = json!({"kty": "EC", "kid": "a", "crv": "P-256", "x": "AQAB", "y": "AQAB"});
        let ed = json!({"kty": "OKP", "kid": "a", "crv": "Ed25519", "x": "AQAB"});
        for (key, wanted) in [
            (rsa.clone(), Some(Algorithm::RS256)),
            (with(&rsa, "alg", "PS256"), Some(Algorithm::PS256)),
            (with(&rsa, "use", "sig"), Some(Algorithm::RS256)),
            (p256.clone(), Some(Algorithm::ES256)),
            (with(&p256, "crv", "P-384"), Some(Algorithm::ES384)),
            (ed.clone(), Some(Algorithm::EdDSA)),
            (with(&rsa, "use", "enc"), None),
            (with(&rsa, "alg", "HS256"), None),
            (with(&rsa, "alg", "none"), None),
            (with(&rsa, "alg", "ES256"), None),
            (with(&p256, "alg", "ES384"), None),
            (with(&p256, "crv", "secp256k1"), None),
            (with(&ed, "crv", "X25519"), None),
            (json!({"kty": "oct", "kid": "a", "k": "c2VjcmV0", "alg": "HS256"}), None),
            (json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}), None),
            (json!("a"), None),
        ] {
            let algorithms: Vec<_> = all(vec![key.clone()]).iter().map(|it| it.algorithm).collect();
            assert_eq!(algorithms, Vec::from_iter(wanted), "{key}");
        }
    }
}
