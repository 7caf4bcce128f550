//! What a process is told about mails.

use std::path::PathBuf;

use clap::Args;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use service::config::{Secret, Wrong, base_url};
use service::exposed::is_here;

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
    /// Where the shop's pages are: mails lead to /verify?code=…, /reset?code=…,
    /// /join?invitation=… and /orders/{id}
    #[arg(
        id = "shop-url",
        long = "shop-url",
        env = "SHOP_URL",
        default_value = "http://127.0.0.1:8080",
        value_parser = base_url
    )]
    pub shop_url: String,
    /// A folder of templates that are taken before those that come with the program
    #[arg(id = "mail-templates", long = "mail-templates", env = "MAIL_TEMPLATES")]
    pub templates: Option<PathBuf>,
}

impl Settings {
    /// Refuses, where the internet reaches the process, to send mails to another machine by which
    /// others read them on the way.
    ///
    /// # Errors
    /// It is so.
    pub fn check(&self, exposed: bool) -> Result<(), Wrong> {
        let url = self.smtp.as_ref().map_or("", Secret::expose);
        let asks_for_tls = |query: &str| query.split('&').any(|part| part == "tls=required");
        let is_encrypted = url.starts_with("smtps://")
            || url.split_once('?').is_some_and(|(_, query)| asks_for_tls(query));
        if !exposed || url.is_empty() || is_encrypted || is_here(url) {
            return Ok(());
        }
        let reason = "is without TLS: smtps://, or ?tls=required (EXPOSED)";
        Err(Wrong::new("SMTP_URL", reason))
    }

    /// Refuses to send mails where nothing can be known of those they are for: none would be
    /// written, without a word.
    ///
    /// # Errors
    /// It is so.
    pub fn check_known(&self, knows_people: bool) -> Result<(), Wrong> {
        let is_silent = self.smtp.as_ref().is_none_or(|url| url.expose().is_empty());
        if knows_people || is_silent {
            return Ok(());
        }
        Err(Wrong::new("SMTP_URL", "needs a MASTER_KEY: under it lies whom a mail is for"))
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_internet_reaches_mails_are_not_sent_in_the_open() {
        let check = |url: &str, exposed| {
            Settings { smtp: Some(url.into()), ..Settings::default() }.check(exposed)
        };
        for good in [
            "",
            "smtps://shop:hunter2@mail.example",
            "smtp://shop:hunter2@mail.example:587?tls=required",
            "smtp://127.0.0.1:1025",
            "smtp://localhost",
        ] {
            assert!(check(good, true).is_ok(), "{good}");
        }
        for open in [
            "smtp://shop:hunter2@mail.example:587",
            "smtp://mail.example?tls=opportunistic",
            "smtp://10.0.0.7",
        ] {
            let wrong = check(open, true).unwrap_err().to_string();
            assert!(wrong.starts_with("SMTP_URL ") && !wrong.contains("hunter2"), "{wrong}");
            assert!(check(open, false).is_ok());
        }
    }
    #[test]
    fn nobody_is_written_to_of_whom_nothing_can_be_known() {
        let mails = |url: &str| Settings { smtp: Some(url.into()), ..Settings::default() };
        let wrong = mails("smtp://127.0.0.1:1025").check_known(false).unwrap_err().to_string();
        assert!(wrong.starts_with("SMTP_URL ") && wrong.contains("MASTER_KEY"), "{wrong}");
        assert!(mails("smtp://127.0.0.1:1025").check_known(true).is_ok());
        assert!(
            mails("").check_known(false).is_ok() && Settings::default().check_known(false).is_ok()
        );
    }

    #[test]
    fn the_shop_is_somewhere_to_go_to() {
        #[derive(Debug, clap::Parser)]
        struct Told {
            #[command(flatten)]
            mail: Settings,
        }
        let told = |url: &str| <Told as clap::Parser>::try_parse_from(["p", "--shop-url", url]);
        assert_eq!(told("https://shop.example/").unwrap().mail.shop_url, "https://shop.example");
        for url in ["", "notaurl", "ftp://x"] {
            assert!(told(url).is_err(), "{url}");
        }
    }
}
