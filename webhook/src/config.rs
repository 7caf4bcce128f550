//! What a process is told about webhooks.

use chrono::TimeDelta;
use clap::Args;
use clap::builder::FalseyValueParser;

use crate::target::Reach;

/// Settings of whoever sends webhooks.
#[derive(Clone, Debug, Args)]
#[group(id = "webhooks")]
pub struct Settings {
    /// Also send webhooks to this machine and its network, and without TLS: for a machine of one's
    /// own
    #[arg(long, env = "WEBHOOKS_ALLOW_PRIVATE", value_parser = FalseyValueParser::new())]
    pub webhooks_allow_private: bool,
    /// How long it is kept which webhooks were delivered or given up, days
    #[arg(long, env = "WEBHOOKS_KEPT_DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub webhooks_kept_days: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { webhooks_allow_private: false, webhooks_kept_days: 30 }
    }
}

impl Settings {
    /// Which addresses may be reached.
    pub fn reach(&self) -> Reach {
        if self.webhooks_allow_private { Reach::Anywhere } else { Reach::Public }
    }

    pub(crate) fn kept(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.webhooks_kept_days))
    }
}
