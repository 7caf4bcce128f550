//! What the command API is told from outside, beyond what every service is.

use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use event_store::jetstream::Limits;
use event_store::{forget, writer};
use reactor::cart_expiry::CartExpiry;
use reactor::gateway::settings::Settings;
use service::config::base_url;

use crate::batch::BATCHES_MAX;
use crate::batch::window::WINDOW_LINES_MAX;
use crate::http::IN_FLIGHT_MAX;
use crate::paying::Paying;

/// Where the API listens unless it is told.
pub const DEFAULT_PORT: u16 = 8080;
/// The longest reservation, in minutes: a week.
const RESERVATION_MINUTES_MAX: i64 = 7 * 24 * 60;

/// Settings of `command-api serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// How long a checkout's units stay reserved without a payment, minutes
    #[arg(long, env = "RESERVATION_MINUTES", default_value_t = 15,
          value_parser = clap::value_parser!(i64).range(1..=RESERVATION_MINUTES_MAX))]
    pub reservation_minutes: i64,
    /// How orders are paid
    #[command(flatten)]
    pub paying: Paying,
    /// Commands under way at once, beside those of batches; more are told to come back. Each waits
    /// for those before it, so with a slow database fewer mean quicker answers
    #[arg(long, env = "COMMANDS_MAX", default_value_t = IN_FLIGHT_MAX,
          value_parser = clap::value_parser!(u32).range(1..=16_384))]
    pub commands_max: u32,
    /// How long the answer to a command is kept under its key, days; a retry after that would be
    /// another command
    #[arg(long, env = "COMMANDS_KEPT_DAYS", default_value_t = forget::KEPT_DAYS,
          value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub commands_kept_days: u16,
    /// What the `JetStream` stream may keep, bytes; the oldest events go first, and who needs them
    /// reads Postgres
    #[arg(long, env = "EVENT_STREAM_BYTES_MAX", default_value_t = Limits::default().bytes_max,
          value_parser = clap::value_parser!(i64).range(1 << 20..))]
    pub event_stream_bytes_max: i64,
    /// Servers of a NATS cluster that keep the stream
    #[arg(long, env = "EVENT_STREAM_REPLICAS", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=5))]
    pub event_stream_replicas: u8,
    /// Where callers reach query-api, as `https://host/path`; what `Location` begins with. Without
    /// it, that is a path alone
    #[arg(long, env = "PUBLIC_QUERY_URL", value_parser = query_url)]
    pub public_query_url: Option<String>,
    /// Where that happens which follows from events by itself: the gateway is asked, what falls due
    /// is let go, webhooks are sent
    #[arg(long, env = "REACTOR", value_enum, default_value_t = Reactor::Inside)]
    pub reactor: Reactor,
    /// The gateways
    #[command(flatten)]
    pub gateways: Settings,
    /// Carts that nobody touches
    #[command(flatten)]
    pub carts: CartExpiry,
    /// Mails to people
    #[command(flatten)]
    pub mail: mail::Settings,
    /// Who is told outside
    #[command(flatten)]
    pub webhooks: webhook::config::Settings,
    /// Who keeps copies of the catalogue
    #[command(flatten)]
    pub cdn: reactor::cdn::settings::Settings,
}

/// A base that paths can be put behind; nothing is one too.
fn query_url(url: &str) -> Result<String, String> {
    if url.is_empty() { Ok(String::new()) } else { base_url(url) }
}

/// Where the reactor runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Reactor {
    /// In this process
    Inside,
    /// Elsewhere: in another command-api, or as `reactor run`
    Off,
}

impl Serve {
    /// How long a checkout's units stay reserved without a payment.
    pub fn reservation(&self) -> TimeDelta {
        TimeDelta::minutes(self.reservation_minutes)
    }

    /// How long the answer to a command is kept.
    pub fn commands_kept(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.commands_kept_days))
    }

    /// What the stream may take of NATS.
    pub fn stream_limits(&self) -> Limits {
        let replicas = usize::from(self.event_stream_replicas);
        Limits { bytes_max: self.event_stream_bytes_max, replicas }
    }

    /// Bounds of the writer: its queue takes what may be under way from all sides.
    pub fn writer(&self) -> writer::Settings {
        let batches = BATCHES_MAX * WINDOW_LINES_MAX;
        let queue_commands_max = self.commands_max as usize + batches;
        writer::Settings { queue_commands_max, ..writer::Settings::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::query_url;

    #[test]
    fn reads_are_somewhere_or_nowhere() {
        assert_eq!(query_url("https://h/read/").as_deref(), Ok("https://h/read"));
        assert_eq!(query_url("").as_deref(), Ok(""));
        assert!(query_url("notaurl").is_err());
    }
}
