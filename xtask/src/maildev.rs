//! `maildev`, for `up --mail`: takes the mails that the shop writes, in place of a mail server, and
//! shows them. None leaves this machine.

use std::env;
use std::process::Command;

use anyhow::Result;

use crate::layout::Layout;
use crate::ports::{self, HOST};
use crate::process::{Spec, Stack};
use crate::record::StopWith;
use crate::{http, npm, progress};

const NAME: &str = "maildev";
const PROGRAM: &str = "node_modules/maildev/dist/bin/maildev.js";
/// Mails that it keeps, in its memory; the oldest go.
const MAILS_MAX: &str = "1000";

/// Where it takes mails, and where it shows them.
#[derive(Clone, Copy)]
pub struct Ports {
    smtp: u16,
    web: u16,
}

impl Ports {
    /// The ports of `up`.
    pub fn from_env() -> Result<Self> {
        let (smtp, web) = (ports::from_env("SMTP_PORT", 1025), ports::from_env("MAIL_PORT", 1080));
        Ok(Self { smtp: smtp?, web: web? })
    }

    /// Fails with the remedy when one of them is taken.
    pub fn require_free(self) -> Result<()> {
        ports::require_free(self.smtp, "the mails of the shop", "SMTP_PORT")?;
        ports::require_free(self.web, NAME, "MAIL_PORT")
    }

    /// Where mails are shown, to people and, below `/api/email`, to programs.
    pub fn url(self) -> String {
        format!("http://{HOST}:{}", self.web)
    }

    /// What command-api is told of it, and where the pages of the shop are, where it was not told:
    /// there are none in a demo shop, so links lead to where what is in them is to be posted.
    pub fn settings(self, command_url: &str) -> [(&'static str, String); 3] {
        let pages = env::var("SHOP_URL").unwrap_or_else(|_| command_url.to_owned());
        [
            ("SMTP_URL", format!("smtp://{HOST}:{}", self.smtp)),
            ("MAIL_FROM", "Demo shop <shop@demo.example>".to_owned()),
            ("SHOP_URL", pages),
        ]
    }
}

/// Starts it.
pub fn start(layout: &Layout, stack: &mut Stack, ports: Ports) -> Result<()> {
    let home = npm::MAILDEV.find(layout)?;
    let url = ports.url();
    progress::step("Starting", &format!("{NAME} on {url}"));
    let (smtp, web, host) = (ports.smtp.to_string(), ports.web.to_string(), HOST.to_string());
    let mut command = Command::new("node");
    command.arg(home.join(PROGRAM)).args(["--smtp", &smtp, "--ip", &host]);
    command.args(["--web", &web, "--web-ip", &host, "--max-emails", MAILS_MAX]);
    let spec = Spec { name: NAME, command, stop_with: StopWith::Terminate, url: url.clone() };
    stack.start(spec, || ports::answers(ports.smtp) && http::is_ok(&format!("{url}/api/email")))
}
