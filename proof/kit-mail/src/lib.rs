//! A mail server for tests: takes what it is sent, and shows it.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on fails"
)]

use std::net::Ipv4Addr;
use std::time::Duration;

use mailcrab::TestMailServerHandle;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long a mail may take: long enough for any machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came in. The server ends with it.
pub struct Inbox {
    /// Where the server listens.
    pub port: u16,
    server: TestMailServerHandle,
}

/// A mail as the server read it.
#[derive(Clone, Debug)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// The one line.
    pub subject: String,
    /// As plain text.
    pub text: String,
    /// All of it.
    pub whole: Value,
}

impl Inbox {
    /// Opens one.
    pub async fn open() -> Self {
        Self::open_at(harness::free_port().unwrap()).await
    }

    /// Opens one at a port that is free.
    pub async fn open_at(port: u16) -> Self {
        let server = mailcrab::development_mail_server(Ipv4Addr::LOCALHOST, port).await;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
        Self { port, server }
    }

    /// What a process is told that sends its mails here.
    pub fn settings(&self) -> mail::Settings {
        settings(self.port)
    }

    /// The next mail.
    pub async fn next(&mut self) -> Mail {
        let received = timeout(PATIENCE, self.server.rx.recv()).await.expect("a mail comes");
        let whole = serde_json::to_value(received.unwrap()).unwrap();
        let text = |pointer: &str| whole.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        let (to, subject, text) = (text("/to/0/email"), text("/subject"), text("/text"));
        Mail { to, subject, text, whole }
    }

    /// Whether nothing more has come.
    pub fn is_empty(&self) -> bool {
        self.server.rx.is_empty()
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.server.token.cancel();
    }
}

impl Mail {
    /// The code in a mail that has one.
    pub fn code(&self) -> String {
        let (_, rest) = self.text.split_once("code=").expect("the mail has a code");
        rest.split_whitespace().next().unwrap().to_owned()
    }
}

/// What a process is told that sends its mails to a port of this machine.
pub fn settings(port: u16) -> mail::Settings {
    mail::Settings {
        smtp: Some(format!("smtp://127.0.0.1:{port}").as_str().into()),
        from: Some("Totes <shop@totes.example>".to_owned()),
        shop_name: "Totes".to_owned(),
        shop_url: "https://totes.example".to_owned(),
        templates: None,
    }
}
