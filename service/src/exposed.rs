//! What must not stand open where the internet reaches: a process that is told so does not start.

use crate::config::{Http, Wrong};

/// Bytes of a token that nobody guesses: what 16 random ones have in hexadecimal. None that stands
/// in this repository has so many.
const TOKEN_BYTES_MIN: usize = 32;

/// Refuses what stands open.
///
/// # Errors
/// The first that does, and how it is closed.
pub(crate) fn check(http: &Http) -> Result<(), Wrong> {
    let wrong = |reason: &str| Err(Wrong::new("EXPOSED", reason));
    if http.rates.usual == 0 || http.rates.strict == 0 {
        return wrong("needs a RATE_LIMIT and a STRICT_RATE_LIMIT");
    }
    if http.rates.proxies == 0 {
        return wrong("needs a proxy in front that ends TLS: PROXIES says how many there are");
    }
    if http.ops_listen.is_none() {
        return wrong("needs an OPS_LISTEN: metrics and reasons are not for everybody");
    }
    if !http.origins.are_encrypted() {
        return wrong("has an origin without TLS among ALLOWED_ORIGINS");
    }
    if http.token().is_some_and(|token| token.expose().len() < TOKEN_BYTES_MIN) {
        let reason = "can be guessed: 32 random characters cannot (openssl rand -hex 16)";
        return Err(Wrong::new("API_TOKEN", reason));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rates::Rates;
    use crate::tls::Tls;

    fn http() -> Http {
        Http {
            listen: None,
            token: Some("0123456789abcdef0123456789abcdef".into()),
            origins: "https://shop.example".parse().unwrap(),
            ops_listen: Some(([127, 0, 0, 1], 9090).into()),
            tls: Tls::default(),
            rates: Rates { usual: 50, strict: 30, proxies: 1 },
            exposed: true,
            drain_delay: 0,
        }
    }

    type Change = fn(&mut Http);

    #[test]
    fn what_stands_open_is_refused() {
        assert!(http().check().is_ok());
        let open: [(Change, &str); 7] = [
            (|http| http.rates.usual = 0, "EXPOSED"),
            (|http| http.rates.strict = 0, "EXPOSED"),
            (|http| http.rates.proxies = 0, "EXPOSED"),
            (|http| http.ops_listen = None, "EXPOSED"),
            (|http| http.origins = "http://shop.example".parse().unwrap(), "EXPOSED"),
            (|http| http.token = Some("commerce-development-key".into()), "API_TOKEN"),
            (|http| http.token = Some("hunter2".into()), "API_TOKEN"),
        ];
        for (change, named) in open {
            let mut http = http();
            change(&mut http);
            let wrong = http.check().unwrap_err().to_string();
            assert!(wrong.starts_with(named) && !wrong.contains("hunter"), "{wrong}");
            http.exposed = false;
            assert!(http.check().is_ok(), "on a machine of one's own that is nobody's matter");
        }
    }
}
