//! What a process is told about who may ask.

use clap::{Args, ValueEnum};
use mail::Post;
use service::config::{Http, Wrong};
use sqlx::PgPool;
use vault::settings::MasterKey;

use crate::guard::Guard;
use crate::issuer::Issuer;
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
    pub fn guard(&self, http: &Http, default_port: u16, db: &PgPool) -> Guard {
        let address = http.address(default_port);
        if self.is_open(http) && !address.ip().is_loopback() {
            tracing::warn!(%address, "listening beyond this machine and asking nobody: whoever \
                           reaches this port may do everything (ACCESS, API_TOKEN)");
        }
        let issuer = Some((db.clone(), self.issuer.clone()));
        Guard::new(http.token(), self.is_open(http), issuer)
    }

    /// Who gives tokens out, and to whom, if this process may. People are written to by `post`.
    ///
    /// # Errors
    /// The master key is none.
    pub fn desk(
        &self,
        key: &MasterKey,
        db: &PgPool,
        post: Option<Post>,
    ) -> Result<Option<Desk>, Wrong> {
        let Some(master) = key.master()? else { return Ok(None) };
        let people = People::new(db.clone(), master.clone()).with_post(post);
        Ok(Some(Desk { issuer: Issuer::new(db.clone(), master, &self.issuer), people }))
    }
}
