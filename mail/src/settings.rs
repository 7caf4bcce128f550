//! What a process is told about mails.

use std::path::PathBuf;

use clap::Args;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use service::config::{Secret, Wrong};

use crate::render::{Shop, Templates};
use crate::sender::Carrier;

/// How mails are sent.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub struct Settings {
    /// The SMTP server that takes mails, as `smtps://user:password@host`, or `smtp://host:port`
    /// with `?tls=required`; without it none are written
    #[arg(id = "smtp-url", long = "smtp-url", env = "SMTP_URL", hide_env_values = true)]
    pub smtp: Option<Secret>,
    /// Who mails are from, such as "Shop <shop@example.org>"
    #[arg(id = "mail-from", long = "mail-from", env = "MAIL_FROM")]
    pub from: Option<String>,
    /// What the shop is called in mails
    #[arg(id = "shop-name", long = "shop-name", env = "SHOP_NAME", default_value = "Shop")]
    pub shop_name: String,
    /// Where the shop's pages are: mails lead to /verify?code=…, /reset?code=… and /orders/{id}
    #[arg(
        id = "shop-url",
        long = "shop-url",
        env = "SHOP_URL",
        default_value = "http://127.0.0.1:8080"
    )]
    pub shop_url: String,
    /// A folder of templates that are taken before those that come with the program
    #[arg(id = "mail-templates", long = "mail-templates", env = "MAIL_TEMPLATES")]
    pub templates: Option<PathBuf>,
}

impl Settings {
    /// Who sends mails, if anybody does.
    ///
    /// # Errors
    /// Half of what is needed is missing, or something is not what it should be.
    pub fn carrier(&self) -> Result<Option<Carrier>, Wrong> {
        // An empty one, as compose files pass it, is none.
        let smtp = self.smtp.as_ref().filter(|url| !url.expose().is_empty());
        let Some(smtp) = smtp else { return Ok(None) };
        let from = self.from.as_deref().filter(|from| !from.is_empty());
        let from = from.ok_or(Wrong::new("MAIL_FROM", "is needed beside SMTP_URL"))?;
        let from: Mailbox =
            from.parse().map_err(|_| Wrong::new("MAIL_FROM", "is no mail address"))?;
        let wrong = || Wrong::new("SMTP_URL", "is no URL of an SMTP server");
        let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(smtp.expose());
        let smtp = smtp.map_err(|_| wrong())?.build();
        let url = self.shop_url.trim_end_matches('/').to_owned();
        let shop = Shop { name: self.shop_name.clone(), url };
        let templates = Templates::new(shop, self.templates.as_deref())
            .map_err(|_| Wrong::new("MAIL_TEMPLATES", "holds a template that cannot be read"))?;
        Ok(Some(Carrier::new(smtp, from, templates)))
    }
}
