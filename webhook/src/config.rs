//! What a process is told about webhooks.

use chrono::TimeDelta;
use clap::Args;
use service::config::Wrong;

use crate::target::Reach;

/// Settings of whoever sends webhooks.
#[derive(Clone, Debug, Args)]
#[group(id = "webhooks")]
pub struct Settings {
    /// Also send webhooks to this machine and its network, and without TLS: for a machine of one's
    /// own
    #[arg(long, env = "WEBHOOKS_ALLOW_PRIVATE", value_parser = yes_or_no)]
    pub webhooks_allow_private: bool,
    /// How long it is kept which webhooks were delivered or given up, days
    #[arg(long, env = "WEBHOOKS_KEPT_DAYS", default_value_t = 30,
          value_parser = clap::value_parser!(u16).range(1..=3_650))]
    pub webhooks_kept_days: u16,
}

/// Yes or no; nothing, as compose files pass it, is no.
fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "on" | "1" => Ok(true),
        "" | "false" | "f" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err("it is true or false".to_owned()),
    }
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

    /// Refuses, where the internet reaches the process, to send webhooks to what lies behind it:
    /// whoever may subscribe would have it knock there.
    ///
    /// # Errors
    /// It is so.
    pub fn check(&self, exposed: bool) -> Result<(), Wrong> {
        if self.webhooks_allow_private && exposed {
            let reason = "would have webhooks sent to servers behind this process (EXPOSED): leave \
                          it out, and give receivers an https address of the internet";
            return Err(Wrong::new("WEBHOOKS_ALLOW_PRIVATE", reason));
        }
        Ok(())
    }

    pub(crate) fn kept(&self) -> TimeDelta {
        TimeDelta::days(i64::from(self.webhooks_kept_days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_internet_reaches_webhooks_stay_out_of_the_house() {
        for (webhooks_allow_private, exposed, is_refused) in
            [(false, false, false), (false, true, false), (true, false, false), (true, true, true)]
        {
            let settings = Settings { webhooks_allow_private, ..Settings::default() };
            let checked = settings.check(exposed);
            assert_eq!(checked.is_err(), is_refused, "{checked:?}");
            if let Err(wrong) = checked {
                assert_eq!(wrong.name, "WEBHOOKS_ALLOW_PRIVATE");
                assert!(wrong.reason.contains("leave it out"), "{wrong}");
            }
        }
    }

    #[test]
    fn a_typing_error_opens_nothing() {
        for (text, meant) in [("true", true), ("1", true), ("", false), ("Off", false)] {
            assert_eq!(yes_or_no(text), Ok(meant), "{text}");
        }
        for text in ["maybe", "ture", "flase", " "] {
            assert!(yes_or_no(text).is_err(), "{text}");
        }
    }

    #[test]
    fn without_a_word_after_it_it_is_meant() {
        #[derive(Debug, clap::Parser)]
        struct Told {
            #[command(flatten)]
            webhooks: Settings,
        }
        let told = |arguments: &[&str]| {
            let told = <Told as clap::Parser>::try_parse_from(arguments).unwrap();
            told.webhooks.webhooks_allow_private
        };
        assert!(told(&["p", "--webhooks-allow-private"]));
        assert!(!told(&["p"]));
    }
}
