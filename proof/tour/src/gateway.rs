//! The stand-in of Stripe: started, and made to do what shoppers, banks and outages do.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use harness::{Launch, Program, Ready};
use reqwest::Client;
use serde_json::Value;

/// What command-api and the stand-in both know. `cargo xtask tour` says the same.
const SECRET_KEY: &str = "sk_test_stand_in";

/// The stand-in.
pub struct Stripe {
    program: Program,
    client: Client,
    base: String,
}

impl Stripe {
    /// Starts it on that port; what nobody asked it tells `webhooks`.
    pub async fn start(
        program: PathBuf,
        port: u16,
        log: PathBuf,
        webhooks: String,
    ) -> Result<Self> {
        let base = format!("http://127.0.0.1:{port}");
        let launch = Launch {
            program,
            arguments: vec!["stripe".to_owned()],
            environment: [
                ("LISTEN".to_owned(), Some(format!("127.0.0.1:{port}"))),
                ("WEBHOOK_URL".to_owned(), Some(webhooks)),
            ]
            .into(),
            ..Launch::default()
        };
        let ready = Ready::Http(format!("{base}/_control/requests"));
        let mut program = Program::new("stripe".to_owned(), port, launch, ready, log);
        program.start().await?;
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { program, client, base })
    }

    /// Stands still, and knows everything still when it goes on.
    pub fn stand_still(&self) {
        self.program.signal("STOP");
    }

    /// Goes on.
    pub fn go_on(&self) {
        self.program.signal("CONT");
    }

    /// A shopper at their bank confirms.
    pub async fn confirm(&self, page: &str) -> Result<()> {
        let sent = self.client.post(page).form(&[("outcome", "success")]).send().await?;
        ensure!(sent.status().is_redirection(), "the bank's page says {}", sent.status());
        Ok(())
    }

    /// A shopper disputes a payment, and the bank takes it back.
    pub async fn dispute_and_lose(&self, reference: &str) -> Result<()> {
        let url = format!("{}/_control/disputes", self.base);
        let form = [("payment_intent", reference)];
        let answer = self.client.post(url).form(&form).send().await?;
        ensure!(answer.status().is_success(), "no dispute: {}", answer.text().await?);
        let of_it = format!("disputes?payment_intent={reference}");
        let disputes = self.dashboard("GET", &of_it, &[]).await?;
        let id = disputes["data"][0]["id"].as_str().context("there is no dispute")?.to_owned();
        self.dashboard("POST", &format!("disputes/{id}/close"), &[]).await.map(drop)
    }

    /// Somebody refunds some of a payment in Stripe's own dashboard.
    pub async fn refund_in_the_dashboard(&self, reference: &str, cents: u32) -> Result<()> {
        let cents = cents.to_string();
        let form = [("payment_intent", reference), ("amount", cents.as_str())];
        self.dashboard("POST", "refunds", &form).await.map(drop)
    }

    async fn dashboard(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Result<Value> {
        let url = format!("{}/v1/{path}", self.base);
        let request = self.client.request(method.parse()?, url).bearer_auth(SECRET_KEY);
        let request = if form.is_empty() { request } else { request.form(form) };
        let answer = request.send().await?;
        let status = answer.status();
        let body: Value = answer.json().await?;
        ensure!(status.is_success(), "Stripe says {status} to {path}: {body}");
        Ok(body)
    }
}
