//! Whether all have caught up: what each process has done with the log so far.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_nats::jetstream;
use tokio::time::timeout;

use super::Cluster;

/// How long one look at everything may take.
const LOOK_TIME_MAX: Duration = Duration::from_secs(5);
/// A command that no state allows: it is decided, by the log as it is, and changes nothing.
const IMPOSSIBLE: &str = "/v1/carts/00000000-0000-7000-8000-000000000000/checkout";

/// Who has not caught up, and how far it has come.
#[derive(Debug)]
pub struct Behind(pub String);

impl Cluster {
    /// The last position of the log.
    pub async fn head(&self) -> Result<i64> {
        let head = sqlx::query_scalar("SELECT position FROM log_head").fetch_one(&self.db).await?;
        Ok(head)
    }

    /// Whether everybody has done their part with the log up to `head`, and both command-apis take
    /// commands again.
    pub async fn caught_up(&self, head: i64) -> Result<(), Behind> {
        let look = async {
            self.commands_are_taken().await?;
            self.stream_is_at(head).await?;
            self.projections_are_at(head).await?;
            self.readers_are_answered().await
        };
        match timeout(LOOK_TIME_MAX, look).await {
            Ok(seen) => seen.map_err(|error| Behind(format!("{error:#}"))),
            Err(_) => Err(Behind("somebody does not answer".to_owned())),
        }
    }

    /// What is still on its way, once nobody asks for anything any more: payments that wait for
    /// their gateway, and what that has to tell. Events up to `since` are not looked at.
    pub async fn at_rest(&self, since: i64) -> Result<(), Behind> {
        let open = sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM (
                 SELECT max(version) FILTER (WHERE type = 'payment.requested') AS asked,
                        max(version) FILTER (WHERE type IN ('payment.authorized',
                            'payment.action_required', 'payment.failed', 'payment.captured',
                            'payment.voided', 'payment.refunded', 'payment.request_failed'))
                            AS answered
                 FROM events WHERE position > $1 AND type LIKE 'payment.%' GROUP BY stream) AS p
             WHERE asked > coalesce(answered, 0)",
        );
        let open = open.bind(since).fetch_one(&self.db).await;
        let open = open.map_err(|error| Behind(error.to_string()))?;
        let waiting = self.addresses.stripe.waiting().await;
        match (open, waiting.map_err(|error| Behind(error.to_string()))?) {
            (0, 0) => Ok(()),
            (open, 0) => Err(Behind(format!("{open} payments wait for the gateway"))),
            (_, webhooks) => Err(Behind(format!("{webhooks} webhooks wait to be taken"))),
        }
    }

    async fn commands_are_taken(&self) -> Result<()> {
        for (number, api) in self.addresses.commands.iter().enumerate() {
            let name = || format!("command-api-{}", number + 1);
            let asked = self.http.post(format!("{api}{IMPOSSIBLE}")).json(&serde_json::json!({}));
            let answer = asked.send().await.with_context(name)?;
            ensure!(!answer.status().is_server_error(), "{}: {}", name(), answer.status());
        }
        Ok(())
    }

    async fn stream_is_at(&self, head: i64) -> Result<()> {
        let bus = self.bus().await?;
        let stream = bus.get_stream(&self.addresses.event_stream).await.context("the stream")?;
        let last = i64::try_from(stream.cached_info().state.last_sequence)?;
        ensure!(last >= head, "the stream is at {last} of {head}");
        Ok(())
    }

    /// A connection to NATS of its own: nothing is to be read from one that is just breaking.
    pub async fn bus(&self) -> Result<jetstream::Context> {
        let client = async_nats::connect(&self.addresses.nats).await.context("NATS")?;
        Ok(jetstream::new(client))
    }

    async fn projections_are_at(&self, head: i64) -> Result<()> {
        let late: Vec<(String, i64)> = sqlx::query_as(
            "SELECT name, min(position) FROM projection_positions
             GROUP BY name HAVING min(position) < $1",
        )
        .bind(head)
        .fetch_all(&self.db)
        .await
        .context("Postgres")?;
        ensure!(late.is_empty(), "projections are behind {head}: {late:?}");
        let unsent: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM search_documents WHERE dirty AND dirty_from <= $1",
        )
        .bind(head)
        .fetch_one(&self.db)
        .await
        .context("Postgres")?;
        ensure!(unsent == 0, "{unsent} documents are not sent to the search");
        Ok(())
    }

    async fn readers_are_answered(&self) -> Result<()> {
        let projections = format!("{}/v1/projections", self.addresses.query);
        let answer = self.http.get(projections).send().await.context("query-api")?;
        ensure!(answer.status().is_success(), "query-api: {}", answer.status());
        Ok(())
    }
}
