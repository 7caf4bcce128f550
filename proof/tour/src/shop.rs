//! The shop as a storefront and a back office see it: commands go to one API, documents come from
//! the other. No knowledge of what should be in them.

use std::cell::Cell;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long a document may take to become what is waited for: a gateway that stood still is asked
/// again after at most a minute.
const PATIENCE: Duration = Duration::from_mins(3);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(50);

/// The shop.
pub struct Shop {
    client: Client,
    command_api: String,
    query_api: String,
    /// Of the last command: readers are to be at least there.
    position: Cell<i64>,
}

impl Shop {
    /// A shop that answers there.
    pub fn new(command_api: String, query_api: String) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        Ok(Self { client, command_api, query_api, position: Cell::new(0) })
    }

    /// Where Stripe tells what nobody asked.
    pub fn webhooks(&self) -> String {
        format!("{}/v1/gateways/stripe/events", self.command_api)
    }

    /// Asks something, which must be done; the id of its subject.
    pub async fn ask(&self, path: &str, body: Value) -> Result<String> {
        self.ask_by(Method::POST, path, body).await
    }

    /// The same by another method.
    pub async fn ask_by(&self, method: Method, path: &str, body: Value) -> Result<String> {
        let (status, answer) = self.send(method, path, &body).await?;
        ensure!((200..300).contains(&status), "{path} {body}: {status} {answer}");
        let position = answer["position"].as_i64().context("an answer without a position")?;
        self.position.set(self.position.get().max(position));
        Ok(answer["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Asks something that must be refused for this reason.
    pub async fn refused(&self, path: &str, body: Value, code: &str) -> Result<()> {
        let (status, answer) = self.send(Method::POST, path, &body).await?;
        ensure!(
            answer["code"] == code,
            "{path} {body} is not refused as {code}: {status} {answer}"
        );
        Ok(())
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<(u16, Value)> {
        let request = self.client.request(method, format!("{}{path}", self.command_api));
        let request = request.header("idempotency-key", Uuid::now_v7().to_string()).json(body);
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }

    /// A document, as it is after the last command.
    pub async fn read(&self, path: &str) -> Result<Value> {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url =
            format!("{}{path}{separator}min_position={}", self.query_api, self.position.get());
        let answer = self.client.get(&url).header("prefer", "wait=10").send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "{path}: {status} {}", answer.text().await?);
        Ok(answer.json().await?)
    }

    /// Waits until what stands at the pointer of a document is this.
    pub async fn until(&self, path: &str, pointer: &str, wanted: &Value) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let document = self.read(path).await?;
            if document.pointer(pointer) == Some(wanted) {
                return Ok(document);
            }
            if Instant::now() > deadline {
                bail!("{path}: {pointer} does not become {wanted}: {document}");
            }
            sleep(POLL).await;
        }
    }

    /// A cart with these units, bought; the order.
    pub async fn buy(&self, lines: &[(&str, u32)]) -> Result<String> {
        let cart = self.ask("/v1/carts", json!({"currency": "EUR"})).await?;
        for (sku, quantity) in lines {
            let line = json!({"sku": sku, "quantity": quantity});
            self.ask(&format!("/v1/carts/{cart}/lines"), line).await?;
        }
        self.ask(&format!("/v1/carts/{cart}/checkout"), json!({})).await
    }

    /// Begins to pay an order by card; the payment.
    pub async fn pay(&self, order: &str, card: &str) -> Result<String> {
        let back = "https://shop.example/thanks";
        let pay = json!({"order_id": order, "method": "card", "gateway": "stripe", "token": card,
                         "return_url": back});
        self.ask("/v1/payments", pay).await
    }

    /// Begins to pay it in cash; the payment.
    pub async fn pay_at_the_door(&self, order: &str) -> Result<String> {
        let pay = json!({"order_id": order, "method": "cash_on_delivery"});
        self.ask("/v1/payments", pay).await
    }

    /// Waits until an order is as far as that.
    pub async fn order_is(&self, order: &str, status: &str) -> Result<Value> {
        self.until(&format!("/v1/orders/{order}"), "/status", &json!(status)).await
    }

    /// Waits until a payment is as far as that.
    pub async fn payment_is(&self, payment: &str, status: &str) -> Result<Value> {
        self.until(&format!("/v1/payments/{payment}"), "/status", &json!(status)).await
    }

    /// Sends these units of an order, or all that is left; the parcel.
    pub async fn send_parcel(&self, order: &str, lines: &[(&str, u32)]) -> Result<String> {
        let lines: Vec<Value> =
            lines.iter().map(|(sku, n)| json!({"sku": sku, "quantity": n})).collect();
        let plan = json!({"order_id": order, "lines": lines});
        let parcel = self.ask("/v1/fulfilments", plan).await?;
        self.ask(&format!("/v1/fulfilments/{parcel}/pack"), json!({})).await?;
        self.ask(&format!("/v1/fulfilments/{parcel}/ship"), json!({"carrier": "DHL"})).await?;
        Ok(parcel)
    }

    /// A parcel meets its fate: `deliver`, `fail`, `lose`, `return`.
    pub async fn parcel(&self, parcel: &str, fate: &str, body: Value) -> Result<()> {
        self.ask(&format!("/v1/fulfilments/{parcel}/{fate}"), body).await.map(drop)
    }
}
