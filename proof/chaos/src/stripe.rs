//! The stand-in of Stripe, as somebody at its dashboard sees it, and as who directs the play does.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::{Client, StatusCode};
use serde_json::Value;

/// How long it may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);

/// Where it is, and its key.
#[derive(Clone, Debug)]
pub struct Stripe {
    base: String,
    secret_key: String,
    http: Client,
}

impl Stripe {
    /// It answers there, to those who have the key.
    ///
    /// # Errors
    /// The client cannot be made.
    pub fn at(base: String, secret_key: String) -> Result<Self> {
        let http = Client::builder().no_proxy().timeout(ANSWER_TIME_MAX).build()?;
        Ok(Self { base, secret_key, http })
    }

    /// Payments, the newest first, with what was charged for each; a page of them.
    ///
    /// # Errors
    /// It does not answer, or not that.
    pub async fn intents(&self, query: &[(&str, &str)]) -> Result<Vec<Value>> {
        let charges = [("expand[]", "data.latest_charge")];
        self.page("payment_intents", &[&charges, query].concat()).await
    }

    /// Disputes, the newest first; a page of them.
    ///
    /// # Errors
    /// It does not answer, or not that.
    pub async fn disputes(&self, query: &[(&str, &str)]) -> Result<Vec<Value>> {
        self.page("disputes", query).await
    }

    async fn page(&self, what: &str, query: &[(&str, &str)]) -> Result<Vec<Value>> {
        let request = self.http.get(format!("{}/v1/{what}", self.base)).query(query);
        let answer = request.bearer_auth(&self.secret_key).send().await?;
        ensure!(answer.status().is_success(), "Stripe's {what}: {}", answer.status());
        let mut page: Value = answer.json().await?;
        Ok(std::mem::take(page["data"].as_array_mut().context("Stripe answers no list")?))
    }

    /// Does something at its dashboard; the status of the answer.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn ask(&self, what: &str, form: &[(&str, &str)]) -> Result<StatusCode> {
        let request = self.http.post(format!("{}/v1/{what}", self.base)).form(form);
        Ok(request.bearer_auth(&self.secret_key).send().await?.status())
    }

    /// How many webhooks nobody has taken yet.
    ///
    /// # Errors
    /// It does not answer, or not that.
    pub async fn waiting(&self) -> Result<u64> {
        let answer = self.http.get(format!("{}/_control/waiting", self.base)).send().await?;
        let waiting: Value = answer.json().await?;
        waiting["webhooks"].as_u64().context("the stand-in does not say how many wait")
    }

    /// Tells the stand-in how to play.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn direct(&self, what: &str, how: &Value) -> Result<StatusCode> {
        let request = self.http.post(format!("{}/_control/{what}", self.base)).json(how);
        Ok(request.send().await?.status())
    }
}
