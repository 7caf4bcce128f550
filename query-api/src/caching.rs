//! What caches in front may keep and share: the catalogue as everybody sees it, for as long as was
//! set, under tags by which a change purges it (`reactor/src/cdn`). Off unless it is set.
//!
//! Nothing that depends on who asks: an answer to somebody who shows a token is theirs, also where
//! a stranger would have got the same.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use clap::{Args, ValueEnum};
use identity::Principal;
use service::extract;

/// The longest age, in seconds: a year, which caches take for ever.
const AGE_MAX: i64 = 365 * 24 * 3600;
/// How long a browser keeps it at most, in seconds: nobody purges a browser.
const BROWSER_AGE_MAX: u32 = 60;
/// How long a search is kept at most, in seconds: it says what is in stock, and nothing is purged
/// with each order.
const SEARCH_AGE_MAX: u32 = 30;
/// The same of stock: a page that shows it asks often, and a checkout does not go by it.
const STOCK_AGE_MAX: u32 = 5;
/// How long what is too old is shown at most while it is asked for anew, in seconds.
const REVALIDATE_MAX: u32 = 60;
/// How long what is too old is shown while it cannot be had anew, in seconds: a day, of stock a
/// minute.
const ERROR_MAX: u32 = 24 * 3600;
const STOCK_ERROR_MAX: u32 = 60;

/// The tag of all that is kept.
const EVERYTHING: &str = "catalogue";

/// What of the catalogue is kept in front.
#[derive(Clone, Copy, Debug, Args)]
#[group(skip)]
pub struct Caching {
    /// How long a CDN in front may keep the catalogue as everybody sees it, seconds; 0 is not at
    /// all
    #[arg(
        id = "catalogue-max-age",
        long = "catalogue-max-age",
        global = true,
        env = "CATALOGUE_MAX_AGE",
        default_value_t = 0,
        value_parser = clap::value_parser!(u32).range(0..=AGE_MAX)
    )]
    pub max_age: u32,
    /// The header in which that CDN looks for the tags it purges by
    #[arg(
        id = "catalogue-tags",
        long = "catalogue-tags",
        global = true,
        env = "CATALOGUE_TAGS",
        value_enum,
        default_value_t = Tags::SurrogateKey
    )]
    pub tags: Tags,
}

impl Default for Caching {
    /// Nothing is kept.
    fn default() -> Self {
        Self { max_age: 0, tags: Tags::SurrogateKey }
    }
}

/// How tags are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Tags {
    /// `Surrogate-Key`, with spaces between: Fastly, Varnish
    SurrogateKey,
    /// `Cache-Tag`, with commas between: Cloudflare
    CacheTag,
}

impl Tags {
    fn header(self, tags: &[&str]) -> Option<(HeaderName, HeaderValue)> {
        let (name, between) = match self {
            Self::SurrogateKey => ("surrogate-key", " "),
            Self::CacheTag => ("cache-tag", ","),
        };
        let value = HeaderValue::from_str(&tags.join(between)).ok()?;
        Some((HeaderName::from_static(name), value))
    }
}

/// What of the catalogue caches may keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cached {
    Products,
    Product,
    Search,
    Stock,
}

impl Cached {
    fn of(route: &str) -> Option<Self> {
        match route {
            "/v1/products" => Some(Self::Products),
            "/v1/products/{id}" => Some(Self::Product),
            "/v1/search" => Some(Self::Search),
            "/v1/stock" | "/v1/stock/{sku}" => Some(Self::Stock),
            _ => None,
        }
    }

    /// What of it stands at a path.
    fn tag(self, path: &str) -> String {
        match self {
            Self::Products => "products".to_owned(),
            Self::Product => format!("product-{}", path.rsplit('/').next().unwrap_or_default()),
            Self::Search => "search".to_owned(),
            Self::Stock => "stock".to_owned(),
        }
    }
}

/// What is said of it: how long, and under which tags.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    cached: Cached,
    tags: Tags,
    cache_control: HeaderValue,
}

impl Offer {
    /// What is said of a route, if anything is.
    pub fn of(route: &str, caching: Caching) -> Option<Self> {
        let cached = Cached::of(route).filter(|_| caching.max_age > 0)?;
        let (most, error) = match cached {
            Cached::Products | Cached::Product => (u32::MAX, ERROR_MAX),
            Cached::Search => (SEARCH_AGE_MAX, ERROR_MAX),
            Cached::Stock => (STOCK_AGE_MAX, STOCK_ERROR_MAX),
        };
        let shared = caching.max_age.min(most);
        let (browser, revalidate) = (shared.min(BROWSER_AGE_MAX), shared.min(REVALIDATE_MAX));
        let cache_control = format!(
            "public, max-age={browser}, s-maxage={shared}, stale-while-revalidate={revalidate}, \
             stale-if-error={error}"
        );
        let cache_control = HeaderValue::from_str(&cache_control).ok()?;
        Some(Self { cached, tags: caching.tags, cache_control })
    }

    /// Says of an answer whether it may be shared: that to a request which was found to be for
    /// everybody, by its path.
    pub fn say(&self, path: Option<&str>, response: &mut Response) {
        let shows = matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED);
        let headers = response.headers_mut();
        // What a stranger was shown is not for who may see more.
        headers.append(header::VARY, HeaderValue::from_name(header::AUTHORIZATION));
        match path {
            Some(path) if shows => self.share(path, headers),
            None if headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-cache") => {
                let theirs = HeaderValue::from_static("private, no-cache");
                headers.insert(header::CACHE_CONTROL, theirs);
            }
            Some(_) | None => {}
        }
    }

    fn share(&self, path: &str, headers: &mut HeaderMap) {
        let tag = self.cached.tag(path);
        let Some((name, tags)) = self.tags.header(&[EVERYTHING, &tag]) else { return };
        headers.insert(name, tags);
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
    }
}

/// The path of a request that is known to come from whom it does, if its answer may be shared.
pub(crate) fn shared(request: &Request) -> Option<String> {
    is_for_everybody(request).then(|| request.uri().path().to_owned())
}

/// Whether a stranger asks for what stands there now, and nothing beside it: stock is no product,
/// and no product's tag purges it.
fn is_for_everybody(request: &Request) -> bool {
    let principal = request.extensions().get::<Principal>();
    let is_stranger = principal.is_some_and(|principal| *principal == Principal::Stranger);
    let shows_token = request.headers().contains_key(header::AUTHORIZATION);
    let query = request.uri().query().unwrap_or_default();
    // Letters of a name may be escaped. One that cannot be read is refused.
    let is_of_now = extract::parse::<Vec<(String, String)>>(query).is_ok_and(|pairs| {
        pairs.iter().all(|(name, _)| !matches!(name.as_str(), "min_position" | "as_of" | "include"))
    });
    is_stranger && !shows_token && is_of_now
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(route: &str, max_age: u32) -> Option<String> {
        let offer = Offer::of(route, Caching { max_age, ..Caching::default() })?;
        Some(offer.cache_control.to_str().unwrap().to_owned())
    }

    #[test]
    fn each_part_is_kept_as_long_as_it_may_be_wrong() {
        let an_hour = |route: &str| said(route, 3600).unwrap();
        let told = "public, max-age=60, s-maxage=3600, stale-while-revalidate=60, \
                    stale-if-error=86400";
        assert_eq!(an_hour("/v1/products"), told);
        assert_eq!(an_hour("/v1/products/{id}"), told);
        assert!(an_hour("/v1/search").starts_with("public, max-age=30, s-maxage=30, "));
        let told = "public, max-age=5, s-maxage=5, stale-while-revalidate=5, stale-if-error=60";
        assert_eq!(an_hour("/v1/stock/{sku}"), told);
        assert!(said("/v1/stock", 2).unwrap().starts_with("public, max-age=2, s-maxage=2, "));
        assert_eq!(said("/v1/products", 0), None, "off");
        for route in ["/v1/orders/{id}", "/v1/locations", "/v1/carts/{id}"] {
            assert_eq!(said(route, 3600), None);
        }
    }

    #[test]
    fn tags_are_written_as_the_cdn_reads_them() {
        let tag = Cached::Product.tag("/v1/products/0190d000-0000-7000-8000-000000000001");
        for (tags, name, value) in [
            (Tags::SurrogateKey, "surrogate-key", format!("catalogue {tag}")),
            (Tags::CacheTag, "cache-tag", format!("catalogue,{tag}")),
        ] {
            let header = tags.header(&[EVERYTHING, &tag]).unwrap();
            assert_eq!((header.0.as_str(), header.1.to_str().unwrap()), (name, value.as_str()));
        }
        assert_eq!(tag, "product-0190d000-0000-7000-8000-000000000001");
    }
}
