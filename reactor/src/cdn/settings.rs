//! What a process is told about a CDN. Half of it is refused at the start.

use clap::{Args, ValueEnum};
use service::config::{Secret, Wrong};

use super::{Cdn, cloudflare, fastly, varnish};

/// The CDN that is to forget what has changed.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct Settings {
    /// Where the CDN is told what to forget: Fastly's `https://api.fastly.com/service/ID`,
    /// Cloudflare's `https://api.cloudflare.com/client/v4/zones/ID`, or a Varnish; without it
    /// nothing is purged
    #[arg(id = "cdn-purge-url", long = "cdn-purge-url", env = "CDN_PURGE_URL")]
    pub purge_url: Option<String>,
    /// How it is told
    #[arg(id = "cdn-dialect", long = "cdn-dialect", env = "CDN_DIALECT", value_enum,
          default_value_t = Dialect::Varnish)]
    pub dialect: Dialect,
    /// What it wants to be shown
    #[arg(
        id = "cdn-purge-token",
        long = "cdn-purge-token",
        env = "CDN_PURGE_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<Secret>,
    /// Where query-api is reached from here, past the CDN: it has to show a change before the CDN
    /// forgets what was
    #[arg(id = "cdn-origin-url", long = "cdn-origin-url", env = "CDN_ORIGIN_URL")]
    pub origin_url: Option<String>,
}

/// What a CDN is told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    /// Fastly
    Fastly,
    /// Cloudflare
    Cloudflare,
    /// Varnish with the rules of `deploy/varnish.vcl`
    #[default]
    Varnish,
}

impl Dialect {
    /// The most tags of one purge.
    pub(super) fn tags_max(self) -> u16 {
        match self {
            Self::Fastly => fastly::TAGS_MAX,
            Self::Cloudflare => cloudflare::TAGS_MAX,
            Self::Varnish => varnish::TAGS_MAX,
        }
    }
}

/// What can be meant.
pub(super) struct Checked {
    pub dialect: Dialect,
    pub url: String,
    pub token: Option<Secret>,
    pub origin: String,
}

impl Settings {
    /// The CDN, if there is one.
    ///
    /// # Errors
    /// Half of what is needed is missing, or an address is none.
    pub fn cdn(&self) -> Result<Option<Cdn>, Wrong> {
        // An empty one, as compose files pass it, is none.
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let Some(url) = said(&self.purge_url) else { return Ok(None) };
        let origin = said(&self.origin_url);
        let origin =
            origin.ok_or(Wrong::new("CDN_ORIGIN_URL", "is needed beside CDN_PURGE_URL"))?;
        let token = self.token.clone().filter(|token| !token.expose().is_empty());
        if token.is_none() && self.dialect != Dialect::Varnish {
            return Err(Wrong::new("CDN_PURGE_TOKEN", "is needed: this CDN asks for one"));
        }
        if !token
            .as_ref()
            .is_none_or(|token| token.expose().bytes().all(|it| it.is_ascii_graphic()))
        {
            return Err(Wrong::new("CDN_PURGE_TOKEN", "holds what a header cannot"));
        }
        let (url, origin) = (base("CDN_PURGE_URL", &url)?, base("CDN_ORIGIN_URL", &origin)?);
        let checked = Checked { dialect: self.dialect, url, token, origin };
        let unready = |_| Wrong::new("CDN_PURGE_URL", "cannot be asked: no certificates are found");
        Cdn::new(checked).map(Some).map_err(unready)
    }
}

/// An address that paths are put behind.
fn base(name: &'static str, url: &str) -> Result<String, Wrong> {
    let wrong = || Wrong::new(name, "is not http:// or https:// with a host");
    let parsed = reqwest::Url::parse(url).map_err(|_| wrong())?;
    let is_one = matches!(parsed.scheme(), "http" | "https") && parsed.host_str().is_some();
    let is_plain = parsed.query().is_none() && parsed.fragment().is_none();
    if !(is_one && is_plain && parsed.username().is_empty() && parsed.password().is_none()) {
        return Err(wrong());
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dialect: Dialect, url: &str, origin: &str, token: &str) -> Settings {
        let (purge_url, origin_url) = (Some(url.to_owned()), Some(origin.to_owned()));
        Settings { purge_url, dialect, token: Some(token.into()), origin_url }
    }

    #[test]
    fn half_of_a_cdn_is_refused_by_the_name_of_what_is_wrong() {
        let (url, origin) = ("https://cdn.example/zone", "http://query-api:8081");
        assert!(settings(Dialect::Varnish, "", "", "").cdn().unwrap().is_none());
        assert!(settings(Dialect::Varnish, url, origin, "").cdn().unwrap().is_some());
        for (dialect, url, origin, token, name) in [
            (Dialect::Varnish, url, "", "", "CDN_ORIGIN_URL"),
            (Dialect::Varnish, url, "query-api", "", "CDN_ORIGIN_URL"),
            (Dialect::Varnish, "cdn.example", origin, "", "CDN_PURGE_URL"),
            (Dialect::Varnish, "https://me:s3cret@cdn.example", origin, "", "CDN_PURGE_URL"),
            (Dialect::Fastly, url, origin, "", "CDN_PURGE_TOKEN"),
            (Dialect::Cloudflare, url, origin, "", "CDN_PURGE_TOKEN"),
            (Dialect::Cloudflare, url, origin, "a b", "CDN_PURGE_TOKEN"),
        ] {
            let wrong = settings(dialect, url, origin, token).cdn().unwrap_err();
            assert_eq!(wrong.name, name, "{wrong}");
            assert!(!wrong.to_string().contains("s3cret"));
        }
    }
}
