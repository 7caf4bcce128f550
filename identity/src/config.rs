//! What a process is told about who may ask.

use clap::{Args, ValueEnum};
use mail::Post;
use service::config::{Http, Wrong};
use sqlx::PgPool;
use vault::settings::MasterKey;

use crate::guard::Guard;
use crate::issuer::Issuer;
use crate::keys::SignatureAlgorithm;
use crate::oidc::{self, Provider, Trusted};
use crate::people::People;
use crate::routes::Desk;

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
        default_value = "commerce"
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
        if self.is_open(http) && http.exposed {
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
}

/// Whether a second factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecondFactor {
    /// Of those who have enrolled one
    Optional,
    /// Of all
    Required,
}

impl Giving {
    /// Who gives tokens out, and to whom, if this process may. People are written to by `post`.
    ///
    /// # Errors
    /// The master key is none.
    pub fn desk(
        &self,
        key: &MasterKey,
        asking: &Asking,
        db: &PgPool,
        post: Option<Post>,
    ) -> Result<Option<Desk>, Wrong> {
        let Some(master) = key.master()? else { return Ok(None) };
        let is_required = self.staff_totp == SecondFactor::Required;
        let people = People::new(db.clone(), master.clone()).with_post(post);
        let people = people.with_second_factor_of_staff(is_required);
        let issuer = Issuer::with_algorithm(db.clone(), master, &asking.issuer, self.algorithm);
        Ok(Some(Desk { issuer, people }))
    }
}
