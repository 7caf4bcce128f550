//! What the command API is told from outside, beyond what every service is.

use chrono::TimeDelta;
use clap::Args;
use service::config::{Bus, Database, Http};

/// Where the API listens unless it is told.
pub const DEFAULT_PORT: u16 = 8080;
/// The longest reservation, in minutes: a week.
const RESERVATION_MINUTES_MAX: i64 = 7 * 24 * 60;

/// Settings of `command-api serve`.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Where the log is.
    #[command(flatten)]
    pub database: Database,
    /// Where it is relayed to.
    #[command(flatten)]
    pub bus: Bus,
    /// Where to listen, and who may ask.
    #[command(flatten)]
    pub http: Http,
    /// How long a checkout's units stay reserved without a payment, minutes
    #[arg(long, env = "RESERVATION_MINUTES", default_value_t = 15,
          value_parser = clap::value_parser!(i64).range(1..=RESERVATION_MINUTES_MAX))]
    pub reservation_minutes: i64,
}

impl Serve {
    /// How long a checkout's units stay reserved without a payment.
    pub fn reservation(&self) -> TimeDelta {
        TimeDelta::minutes(self.reservation_minutes)
    }
}
