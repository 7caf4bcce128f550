//! One issuer that is trusted: its keys, found by its discovery document (`OpenID` Connect
//! Discovery 1.0) and kept while it cannot be reached.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, Url, redirect, retry};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::settings::{Trusted, is_safe};
use super::{claims, jwk};
use crate::keys::Public;
use crate::mirror::{Mirror, Pace, Stale};
use crate::token::{self, FOREIGN_BYTES_MAX, Named, Worthless};

/// A key that is gone is known within five minutes; a new one is looked up when a token names it,
/// which happens no more often than every five seconds, whoever makes up what. An issuer that is
/// away for a day is believed no more.
const PACE: Pace = Pace {
    every: Duration::from_mins(5),
    again_after: Duration::from_secs(5),
    read_max: Duration::from_secs(10),
    wait_max: Duration::from_secs(15),
    believed: Duration::from_hours(24),
};
/// How long an issuer may take for one answer, and until there is a connection.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(3);
/// The largest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 512 * 1024;
/// Where an issuer says where its keys are.
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// An issuer that is trusted.
#[derive(Debug)]
pub struct Provider {
    trusted: Arc<Trusted>,
    keys: Mirror<Vec<Public>>,
}

/// Why its keys are not known.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("it did not answer")]
    Wire(#[source] reqwest::Error),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("it said more than is listened to")]
    TooLarge,
    #[error("it said what cannot be read")]
    NoJson(#[from] serde_json::Error),
    #[error("it calls itself {0:?}")]
    Another(String),
    #[error("it names an address of keys {0}")]
    Unsafe(&'static str),
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Provider {
    /// Begins to read its keys.
    ///
    /// # Errors
    /// Nothing can be asked over HTTPS here.
    pub fn start(trusted: Trusted) -> reqwest::Result<Self> {
        let client = Client::builder()
            .timeout(ANSWER_TIME_MAX)
            .connect_timeout(CONNECT_TIME_MAX)
            // What it says is its own: it does not send us elsewhere.
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .build()?;
        let trusted = Arc::new(trusted);
        let issuer = trusted.issuer.clone();
        let keys = Mirror::start(format!("the keys of {issuer}"), PACE, move || {
            let (client, issuer) = (client.clone(), issuer.clone());
            async move { keys(&client, &issuer).await }
        });
        Ok(Self { trusted, keys })
    }

    /// As it calls itself.
    pub fn issuer(&self) -> &str {
        &self.trusted.issuer
    }

    /// Whether a token that was good still is, but for its time.
    pub(crate) async fn holds(&self, named: &Named) -> Result<bool, Stale> {
        Ok(self.keys.known().await?.iter().any(|key| key.mark == named.key))
    }

    /// Whom a token of its names.
    pub(crate) async fn read(
        &self,
        token: &str,
        now: DateTime<Utc>,
    ) -> Result<Result<Named, Worthless>, Stale> {
        if token.len() > FOREIGN_BYTES_MAX {
            return Ok(Err(Worthless::Strange));
        }
        let header = match token::header_of(token) {
            Ok(header) => header,
            Err(worthless) => return Ok(Err(worthless)),
        };
        let typ = header.typ.as_deref();
        let Some(kid) = header.kid.filter(|_| claims::is_of_type(typ, &self.trusted)) else {
            return Ok(Err(Worthless::Strange));
        };
        let mut keys = self.keys.known().await?;
        if keys.iter().all(|key| key.id != kid) {
            keys = self.keys.anew().await?;
        }
        let key = keys.iter().find(|key| key.id == kid && key.algorithm == header.alg);
        Ok(match key {
            Some(key) => claims::read(token, typ, key, &self.trusted, now),
            None => Err(Worthless::Strange),
        })
    }
}

/// The keys that an issuer has today.
async fn keys(client: &Client, issuer: &str) -> Result<Vec<Public>, Unread> {
    let place = format!("{}{DISCOVERY}", issuer.trim_end_matches('/'));
    let said: Discovery = get(client, is_safe(&place).map_err(Unread::Unsafe)?).await?;
    // Who answers for another would sign for it too.
    if said.issuer != issuer {
        return Err(Unread::Another(said.issuer));
    }
    let set: Set = get(client, is_safe(&said.jwks_uri).map_err(Unread::Unsafe)?).await?;
    Ok(jwk::all(set.keys))
}

async fn get<T: DeserializeOwned>(client: &Client, url: Url) -> Result<T, Unread> {
    let mut answer = client.get(url).send().await.map_err(Unread::Wire)?;
    if !answer.status().is_success() {
        return Err(Unread::Status(answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(Unread::Wire)? {
        if body.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(Unread::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(serde_json::from_slice(&body)?)
}
