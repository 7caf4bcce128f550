//! Where a receiver listens: what such a URL may be. Whether it leads to an address that may be
//! reached is known when its name is looked up, each time.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use crate::address;

/// The longest URL, in bytes.
pub(crate) const URL_BYTES_MAX: usize = 2048;

/// Which addresses may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those of the internet, over TLS.
    Public,
    /// Also those of this machine and its network, and without TLS.
    Anywhere,
}

impl Reach {
    /// Whether an address may be reached.
    pub(crate) fn allows(self, ip: IpAddr) -> bool {
        self == Self::Anywhere || address::is_public(ip)
    }
}

/// Where a receiver listens.
#[derive(Clone)]
pub(crate) struct Target(Url);

impl Target {
    /// # Errors
    /// What is wrong with it, without it: it may hold a secret.
    pub fn read(text: &str, reach: Reach) -> Result<Self, &'static str> {
        if text.len() > URL_BYTES_MAX {
            return Err("has at most 2048 bytes");
        }
        let url = Url::parse(text).map_err(|_| "must be a URL, as https://shop.example/hooks")?;
        match url.scheme() {
            "https" => {}
            "http" if reach == Reach::Anywhere => {}
            _ => return Err("must begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must hold no credentials: requests are signed");
        }
        if url.fragment().is_some() {
            return Err("must hold no fragment");
        }
        let target = Self(url);
        match target.ip() {
            Some(ip) if !reach.allows(ip) => Err(NOT_PUBLIC),
            _ => Ok(target),
        }
    }

    /// The address, where it is written down as one: then no name is looked up.
    pub fn ip(&self) -> Option<IpAddr> {
        let host = self.0.host_str()?;
        host.trim_start_matches('[').trim_end_matches(']').parse().ok()
    }

    /// The name that is looked up.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The whole of it.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

/// Why an address is not reached.
pub(crate) const NOT_PUBLIC: &str = "leads to an address that is not of the internet";

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Target(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_plain_https_url_of_the_internet() {
        for url in ["https://shop.example/hooks?to=1", "https://1.1.1.1:8443/", "https://a.b"] {
            assert!(Target::read(url, Reach::Public).is_ok(), "{url}");
        }
        let long = format!("https://shop.example/{}", "a".repeat(URL_BYTES_MAX));
        for url in [
            "",
            "shop.example",
            "http://shop.example/",
            "ftp://shop.example/",
            "file:///etc/passwd",
            "https://",
            "https://ann@shop.example/",
            "https://ann:pw@shop.example/",
            "https://shop.example/#a",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://10.1/",
            // Other ways to write the loopback address and the one of a cloud's secrets.
            "https://2130706433/",
            "https://0x7f.1/",
            "https://017700000001/",
            "https://[::ffff:169.254.169.254]/",
            "https://169.254.169.254/latest",
            &long,
        ] {
            assert!(Target::read(url, Reach::Public).is_err(), "{url}");
        }
    }

    #[test]
    fn where_it_is_allowed_it_may_be_next_door() {
        for url in ["http://127.0.0.1:9/", "http://receiver/", "https://10.0.0.1/"] {
            assert!(Target::read(url, Reach::Anywhere).is_ok(), "{url}");
        }
        assert!(Target::read("http://ann:pw@127.0.0.1/", Reach::Anywhere).is_err());
    }
}
