//! What gateways are told from outside: where they are, and what only we know. Read once, at the
//! start. Half of what one needs is refused then, not when somebody pays.

use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use service::config::{Secret, Wrong};

/// How long webhooks are kept unless it is said, and at most, in days.
const EVENTS_DAYS: u16 = 30;
const EVENTS_DAYS_MAX: i64 = 3_650;

/// Settings of the gateways. One without any is not configured, and nobody can pay by it.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// Whether cards may go through the built-in sandbox, which moves no money
    #[arg(long, env = "SANDBOX", value_enum, default_value_t = SandboxMode::Auto)]
    pub sandbox: SandboxMode,
    /// Stripe's secret key (`sk_…` or `rk_…`)
    #[arg(long, env = "STRIPE_SECRET_KEY", hide_env_values = true)]
    pub stripe_secret_key: Option<Secret>,
    /// What Stripe signs its webhooks with (`whsec_…`)
    #[arg(long, env = "STRIPE_WEBHOOK_SECRET", hide_env_values = true)]
    pub stripe_webhook_secret: Option<Secret>,
    /// Where Stripe is [default: `https://api.stripe.com`]
    #[arg(long, env = "STRIPE_API_BASE")]
    pub stripe_api_base: Option<String>,
    /// The client id of the PayPal app
    #[arg(long, env = "PAYPAL_CLIENT_ID", hide_env_values = true)]
    pub paypal_client_id: Option<Secret>,
    /// The secret of the PayPal app
    #[arg(long, env = "PAYPAL_CLIENT_SECRET", hide_env_values = true)]
    pub paypal_client_secret: Option<Secret>,
    /// The id of the webhook at PayPal
    #[arg(long, env = "PAYPAL_WEBHOOK_ID")]
    pub paypal_webhook_id: Option<String>,
    /// Where PayPal is [default: `https://api-m.paypal.com`]
    #[arg(long, env = "PAYPAL_API_BASE")]
    pub paypal_api_base: Option<String>,
    /// How long it is known which webhooks of gateways came, days
    #[arg(long, env = "GATEWAY_EVENTS_DAYS", default_value_t = EVENTS_DAYS,
          value_parser = clap::value_parser!(u16).range(1..=EVENTS_DAYS_MAX))]
    pub gateway_events_days: u16,
}

/// Whether the sandbox is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SandboxMode {
    /// While no other gateway is set up
    Auto,
    /// Beside others too
    True,
    /// Not at all
    False,
}

impl Default for Settings {
    /// No gateway is configured.
    fn default() -> Self {
        Self {
            sandbox: SandboxMode::Auto,
            stripe_secret_key: None,
            stripe_webhook_secret: None,
            stripe_api_base: None,
            paypal_client_id: None,
            paypal_client_secret: None,
            paypal_webhook_id: None,
            paypal_api_base: None,
            gateway_events_days: EVENTS_DAYS,
        }
    }
}

/// What Stripe's file needs.
#[derive(Clone, Debug)]
pub struct Stripe {
    /// Who we are.
    pub secret_key: Secret,
    /// What its webhooks are signed with.
    pub webhook_secret: Secret,
    /// Where it is.
    pub base: String,
}

/// What PayPal's file needs.
#[derive(Clone, Debug)]
pub struct Paypal {
    /// Who we are.
    pub client_id: Secret,
    /// And what only we know.
    pub client_secret: Secret,
    /// Which webhook is ours.
    pub webhook_id: String,
    /// Where it is.
    pub base: String,
}

impl Settings {
    /// How long webhooks are kept.
    pub fn events_term(&self) -> TimeDelta {
        TimeDelta::days(self.gateway_events_days.into())
    }

    /// Whether the sandbox is there: for trying out, until a gateway is that moves money.
    ///
    /// # Errors
    /// With half of what another one needs.
    pub fn sandbox(&self) -> Result<bool, Wrong> {
        let alone = self.stripe()?.is_none() && self.paypal()?.is_none();
        Ok(match self.sandbox {
            SandboxMode::Auto => alone,
            SandboxMode::True => true,
            SandboxMode::False => false,
        })
    }

    /// Refuses the sandbox where the internet reaches: whoever names it has paid.
    ///
    /// # Errors
    /// It is there, or another gateway has half of what it needs.
    pub fn check(&self, exposed: bool) -> Result<(), Wrong> {
        if self.sandbox()? && exposed {
            let reason = "would have anybody pay without money (EXPOSED): set a gateway up, or \
                          say SANDBOX=false";
            return Err(Wrong::new("SANDBOX", reason));
        }
        Ok(())
    }

    /// Stripe's, if it is configured.
    ///
    /// # Errors
    /// With half of it, or an address that gives secrets away.
    pub fn stripe(&self) -> Result<Option<Stripe>, Wrong> {
        let secret_key = said(self.stripe_secret_key.as_ref());
        let webhook_secret = said(self.stripe_webhook_secret.as_ref());
        let (secret_key, webhook_secret) = match (secret_key, webhook_secret) {
            (None, None) => return Ok(None),
            (Some(key), Some(secret)) => (key, secret),
            (None, _) => return Err(lacking("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")),
            (_, None) => return Err(lacking("STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY")),
        };
        let base = base("STRIPE_API_BASE", self.stripe_api_base.as_deref(), "api.stripe.com")?;
        Ok(Some(Stripe { secret_key, webhook_secret, base }))
    }

    /// PayPal's, if it is configured.
    ///
    /// # Errors
    /// With half of it, or an address that gives secrets away.
    pub fn paypal(&self) -> Result<Option<Paypal>, Wrong> {
        let client_id = said(self.paypal_client_id.as_ref());
        let client_secret = said(self.paypal_client_secret.as_ref());
        let webhook_id = self.paypal_webhook_id.clone().filter(|id| !id.is_empty());
        if client_id.is_none() && client_secret.is_none() && webhook_id.is_none() {
            return Ok(None);
        }
        let rest = "other settings of PayPal";
        let base = base("PAYPAL_API_BASE", self.paypal_api_base.as_deref(), "api-m.paypal.com")?;
        Ok(Some(Paypal {
            client_id: client_id.ok_or_else(|| lacking("PAYPAL_CLIENT_ID", rest))?,
            client_secret: client_secret.ok_or_else(|| lacking("PAYPAL_CLIENT_SECRET", rest))?,
            webhook_id: webhook_id.ok_or_else(|| lacking("PAYPAL_WEBHOOK_ID", rest))?,
            base,
        }))
    }
}

/// An empty variable says nothing, as in files of settings.
fn said(secret: Option<&Secret>) -> Option<Secret> {
    secret.filter(|secret| !secret.expose().is_empty()).cloned()
}

fn lacking(name: &'static str, other: &str) -> Wrong {
    Wrong::new(name, format!("is not set, but {other}: a gateway needs both"))
}

/// The address, without a slash at the end. Secrets go there: in the clear to this machine only.
fn base(name: &'static str, given: Option<&str>, usual: &str) -> Result<String, Wrong> {
    let Some(given) = given.filter(|given| !given.is_empty()) else {
        return Ok(format!("https://{usual}"));
    };
    let local = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    let safe = given.starts_with("https://") || local.iter().any(|it| given.starts_with(it));
    if safe {
        Ok(given.trim_end_matches('/').to_owned())
    } else {
        Err(Wrong::new(name, "is neither https nor on this machine".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_gateway_is_refused() {
        let none = Settings::default();
        assert!(none.stripe().unwrap().is_none() && none.paypal().unwrap().is_none());
        let empty = Settings { stripe_secret_key: Some("".into()), ..Settings::default() };
        assert!(empty.stripe().unwrap().is_none());
        let key = Settings { stripe_secret_key: Some("sk".into()), ..Settings::default() };
        assert_eq!(key.stripe().unwrap_err().name, "STRIPE_WEBHOOK_SECRET");
        let secret = Settings { stripe_webhook_secret: Some("s".into()), ..Settings::default() };
        assert_eq!(secret.stripe().unwrap_err().name, "STRIPE_SECRET_KEY");
        let both = Settings { stripe_webhook_secret: Some("s".into()), ..key };
        assert_eq!(both.stripe().unwrap().unwrap().base, "https://api.stripe.com");
        let id = Settings { paypal_client_id: Some("me".into()), ..Settings::default() };
        assert_eq!(id.paypal().unwrap_err().name, "PAYPAL_CLIENT_SECRET");
        let hook = Settings { paypal_webhook_id: Some("W".into()), ..Settings::default() };
        assert_eq!(hook.paypal().unwrap_err().name, "PAYPAL_CLIENT_ID");
    }

    #[test]
    fn the_sandbox_gives_way_to_a_gateway_that_moves_money() {
        let none = Settings::default();
        assert!(none.sandbox().unwrap() && none.check(false).is_ok());
        assert_eq!(none.check(true).unwrap_err().name, "SANDBOX");
        let off = Settings { sandbox: SandboxMode::False, ..none };
        assert!(!off.sandbox().unwrap() && off.check(true).is_ok());
        let stripe = Settings {
            stripe_secret_key: Some("sk".into()),
            stripe_webhook_secret: Some("s".into()),
            ..Settings::default()
        };
        assert!(!stripe.sandbox().unwrap() && stripe.check(true).is_ok());
        let beside = Settings { sandbox: SandboxMode::True, ..stripe };
        assert!(beside.sandbox().unwrap() && beside.check(false).is_ok());
        assert_eq!(beside.check(true).unwrap_err().name, "SANDBOX");
    }

    #[test]
    fn secrets_go_nowhere_in_the_clear() {
        assert!(base("B", Some("http://api.stripe.com"), "x").is_err());
        assert!(base("B", Some("http://127.0.0.1.evil.example"), "x").is_err());
        assert_eq!(base("B", Some("http://127.0.0.1:8/"), "x").unwrap(), "http://127.0.0.1:8");
        assert_eq!(base("B", Some(""), "x").unwrap(), "https://x");
    }
}
