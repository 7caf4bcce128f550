//! What a process is told about who may ask.

use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use mail::Post;
use service::config::{Http, Wrong};
use sqlx::PgPool;
use vault::settings::MasterKey;

use crate::guard::Guard;
use crate::issuer::Issuer;
use crate::keys::SignatureAlgorithm;
use crate::oidc::{self, Provider, Trusted};
use crate::people::{Lives, People};
use crate::routes::Desk;
use crate::token::LIFE_MAX;

/// Who is asked, and whose tokens are taken.
#[derive(Clone, Debug, Args)]
pub struct Asking {
    /// Whether those who say nothing about themselves are let in as the owner, or are strangers;
    /// without a word strangers, where there is an API token
    #[arg(id = "access", long = "access", global = true, env = "ACCESS", value_enum)]
    pub mode: Option<Mode>,
    /// The name of who signs the shop's own tokens: a URL of this shop's, where others read them
    #[arg(
        id = "issuer",
        long = "issuer",
        global = true,
        env = "ISSUER",
        default_value = "commerce",
        value_parser = clap::builder::NonEmptyStringValueParser::new()
    )]
    pub issuer: String,
    /// Other issuers whose tokens are taken, as JSON or as the path of a file of it: docs/access.md
    /// says how
    #[arg(
        id = "oidc-issuers",
        long = "oidc-issuers",
        global = true,
        env = "OIDC_ISSUERS",
        default_value = ""
    )]
    pub oidc_issuers: String,
}

/// What becomes of those who say nothing about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// They may do everything: for a machine of one's own
    Open,
    /// They are strangers, who see the catalogue and become guests
    Asked,
}

impl Asking {
    /// Whether nobody is asked.
    pub fn is_open(&self, http: &Http) -> bool {
        match self.mode {
            Some(mode) => mode == Mode::Open,
            None => http.token().is_none(),
        }
    }

    /// Who knows who asks. Says so where anybody may do everything from elsewhere.
    ///
    /// # Errors
    /// The other issuers cannot be meant.
    pub fn guard(&self, http: &Http, default_port: u16, db: &PgPool) -> Result<Guard, Wrong> {
        let address = http.address(default_port);
        if self.is_open(http) && !address.ip().is_loopback() {
            tracing::warn!(%address, "listening beyond this machine and asking nobody: whoever \
                           reaches this port may do everything (ACCESS, API_TOKEN)");
        }
        if self.is_open(http) && http.exposure.exposed {
            return Err(Wrong::new("ACCESS", "is open, and everybody reaches this (EXPOSED)"));
        }
        let issuer = Some((db.clone(), self.issuer.clone()));
        let providers = self.providers()?;
        Ok(Guard::with_providers(http.token(), self.is_open(http), issuer, providers))
    }

    fn providers(&self) -> Result<Vec<Provider>, Wrong> {
        let wrong = |reason: String| Wrong::new("OIDC_ISSUERS", reason);
        let start = |trusted: Trusted| {
            if trusted.issuer == self.issuer {
                return Err(wrong("names this shop's own issuer".to_owned()));
            }
            Provider::start(trusted).map_err(|why| wrong(format!("cannot be asked: {why}")))
        };
        oidc::read(&self.oidc_issuers)?.into_iter().map(start).collect()
    }
}

/// How tokens are given out, by who may.
#[derive(Clone, Debug, Args)]
pub struct Giving {
    /// Whether those who work here have to have a second factor: who has none is let in to enrol
    /// one, and for nothing else
    #[arg(id = "staff-totp", long = "staff-totp", global = true, env = "STAFF_TOTP", value_enum,
          default_value_t = SecondFactor::Optional)]
    pub staff_totp: SecondFactor,
    /// What the shop's own tokens are signed with
    #[arg(id = "signing-algorithm", long = "signing-algorithm", global = true,
          env = "SIGNING_ALGORITHM", value_enum, default_value_t = SignatureAlgorithm::EdDsa)]
    pub algorithm: SignatureAlgorithm,
    /// How long an access token is good that comes with signing in, minutes
    #[arg(id = "access-token-minutes", long = "access-token-minutes", global = true,
          env = "ACCESS_TOKEN_MINUTES", default_value_t = 1_440,
          value_parser = clap::value_parser!(i64).range(1..=ACCESS_MINUTES_MAX))]
    pub access_token_minutes: i64,
    /// How long somebody stays signed in who does not come back, days
    #[arg(id = "refresh-token-days", long = "refresh-token-days", global = true,
          env = "REFRESH_TOKEN_DAYS", default_value_t = 7,
          value_parser = clap::value_parser!(i64).range(1..=REFRESH_DAYS_MAX))]
    pub refresh_token_days: i64,
}

/// The longest life of an access token, minutes: that of any token.
const ACCESS_MINUTES_MAX: i64 = LIFE_MAX.num_minutes();
/// The longest life of a refresh token, days.
const REFRESH_DAYS_MAX: i64 = 365;

/// Whether a second factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecondFactor {
    /// Of those who have enrolled one
    Optional,
    /// Of all
    Required,
}

impl Giving {
    /// Refuses tokens for the back office by a password alone, where the internet reaches it.
    ///
    /// # Errors
    /// They are given.
    pub fn check(&self, exposed: bool) -> Result<(), Wrong> {
        if exposed && self.staff_totp == SecondFactor::Optional {
            let reason = "must be required: who works here is let in from everywhere (EXPOSED)";
            return Err(Wrong::new("STAFF_TOTP", reason));
        }
        Ok(())
    }

    fn lives(&self) -> Result<Lives, Wrong> {
        let access = TimeDelta::minutes(self.access_token_minutes);
        let refresh = TimeDelta::days(self.refresh_token_days);
        if access > refresh {
            // Who signs out, or is signed out, must not be let in by what is left.
            return Err(Wrong::new("ACCESS_TOKEN_MINUTES", "is longer than REFRESH_TOKEN_DAYS"));
        }
        Ok(Lives { access, refresh })
    }

    /// Who gives tokens out, and to whom, if this process may. People are written to by `post`.
    ///
    /// # Errors
    /// The master key is none, or a token would outlive its session.
    pub fn desk(
        &self,
        key: &MasterKey,
        asking: &Asking,
        db: &PgPool,
        post: Option<Post>,
    ) -> Result<Option<Desk>, Wrong> {
        let lives = self.lives()?;
        let Some(master) = key.master()? else { return Ok(None) };
        let is_required = self.staff_totp == SecondFactor::Required;
        let people = People::new(db.clone(), master.clone()).with_post(post);
        let people = people.with_second_factor_of_staff(is_required).with_lives(lives);
        let issuer = Issuer::with_algorithm(db.clone(), master, &asking.issuer, self.algorithm);
        Ok(Some(Desk { issuer, people }))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Told {
        #[command(flatten)]
        giving: Giving,
    }

    fn lives(told: &[&str]) -> Option<Lives> {
        let told = Told::try_parse_from([&["command-api"], told].concat()).ok()?;
        told.giving.lives().ok()
    }

    #[test]
    fn where_the_internet_reaches_who_works_here_shows_a_second_factor() {
        let checked = |told: &[&str], exposed| {
            Told::parse_from([&["command-api"], told].concat()).giving.check(exposed)
        };
        assert!(checked(&[], false).is_ok());
        assert!(checked(&["--staff-totp", "required"], true).is_ok());
        for told in [&[][..], &["--staff-totp", "optional"]] {
            let wrong = checked(told, true).unwrap_err();
            assert_eq!(wrong.name, "STAFF_TOTP");
        }
    }

    #[test]
    fn tokens_live_as_long_as_was_told_within_bounds() {
        assert_eq!(lives(&[]), Some(Lives::default()));
        let told = ["--access-token-minutes", "15", "--refresh-token-days", "30"];
        let (access, refresh) = (TimeDelta::minutes(15), TimeDelta::days(30));
        assert_eq!(lives(&told), Some(Lives { access, refresh }));
        let most = ["--access-token-minutes", "43200", "--refresh-token-days", "365"];
        assert_eq!(lives(&most).unwrap().access, LIFE_MAX);
        for wrong in [
            ["--access-token-minutes", "43201"],
            ["--access-token-minutes", "0"],
            ["--refresh-token-days", "0"],
            ["--refresh-token-days", "366"],
            // A token that outlives its session.
            ["--access-token-minutes", "10081"],
        ] {
            assert_eq!(lives(&wrong), None, "{wrong:?}");
        }
    }
}
