//! How orders are paid: what a shop says of it from outside, and what of that is checked at the
//! start.

use clap::{Args, ValueEnum};
use domain::order::PaymentMethod;
use domain::payment::CapturePolicy;
use domain::text::{GatewayName, Invalid};
use reactor::gateway::sandbox::Sandbox;
use reactor::gateway::{self, Gateway as _, Gateways};
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use serde::de::value::Error as NoSuchWord;
use service::config::Wrong;

/// The gateway that payments by `PayPal` go through unless the caller names another.
pub const PAYPAL_GATEWAY: &str = "paypal";
/// Whatever gateway is set up.
const AUTO: &str = "auto";
/// What shoppers may pay by, unless it is said.
const METHODS: &str = "card,paypal,cash_on_delivery";

/// Settings of payments.
#[derive(Clone, Debug, Args)]
pub struct Paying {
    /// What shoppers may pay by, with commas between. The back office may do so by all
    #[arg(long, env = "PAYMENT_METHODS", value_delimiter = ',', default_value = METHODS,
          value_parser = known_method)]
    pub payment_methods: Vec<PaymentMethod>,
    /// The gateway of card payments whose callers name none; `auto`: the sandbox if it is there,
    /// else the first that is set up and takes cards
    #[arg(long, env = "CARD_GATEWAY", default_value = AUTO, value_parser = known_gateway)]
    pub card_gateway: CardGateway,
    /// When the money of a payment is taken whose caller does not say
    #[arg(long, env = "CAPTURE", value_enum, default_value_t = Capture::AtShipment)]
    pub capture: Capture,
}

/// Which gateway cards go through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardGateway {
    /// What is set up.
    Auto,
    /// This one, which has to be.
    Named(GatewayName),
}

/// When the money is taken that a gateway has set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Capture {
    /// As soon as it is set aside
    AtOnce,
    /// When goods leave, as much as they cost
    AtShipment,
    /// When somebody says so: what nobody captures lapses
    ByHand,
}

/// How payments go whose callers do not say, and which there are.
#[derive(Clone, Debug)]
pub struct Payments {
    /// What shoppers may pay by.
    pub methods: Vec<PaymentMethod>,
    /// The gateway of cards.
    pub card_gateway: GatewayName,
    /// When the money is taken that was set aside.
    pub capture: CapturePolicy,
    /// The gateways that are set up: nobody can pay by another.
    pub gateways: Vec<GatewayName>,
}

impl Default for Payments {
    /// As the domain has it (see decision 0024), and as if all gateways were set up.
    fn default() -> Self {
        let methods = METHODS.split(',').filter_map(|method| known_method(method).ok());
        let methods = methods.collect();
        let capture = CapturePolicy::default();
        Self { methods, card_gateway: sandbox(), capture, gateways: gateway::names() }
    }
}

impl Paying {
    /// How payments go, with what is set up.
    ///
    /// # Errors
    /// Cards go through what is not set up, or shoppers may say that they have paid.
    pub fn payments(&self, set_up: &Gateways) -> Result<Payments, Wrong> {
        let mut gateways = gateway::names();
        gateways.retain(|name| set_up.has(name));
        let card_gateway = match &self.card_gateway {
            CardGateway::Named(named) if gateways.contains(named) => named.clone(),
            CardGateway::Named(_) => {
                return Err(Wrong::new("CARD_GATEWAY", "names what is not set up"));
            }
            CardGateway::Auto => {
                let first = gateways.iter().find(|name| name.as_str() != PAYPAL_GATEWAY);
                first.cloned().unwrap_or_else(sandbox)
            }
        };
        let methods = self.payment_methods.clone();
        if methods.contains(&PaymentMethod::External) {
            let reason = "has `external`: whether it was paid elsewhere is for the shop to say";
            return Err(Wrong::new("PAYMENT_METHODS", reason));
        }
        let capture = match self.capture {
            Capture::AtOnce => CapturePolicy::AtOnce,
            Capture::AtShipment => CapturePolicy::AtShipment,
            Capture::ByHand => CapturePolicy::ByHand,
        };
        Ok(Payments { methods, card_gateway, capture, gateways })
    }
}

fn sandbox() -> GatewayName {
    Sandbox::NAME.parse().expect("the constant is a name")
}

fn known_gateway(name: &str) -> Result<CardGateway, String> {
    if name == AUTO {
        return Ok(CardGateway::Auto);
    }
    let gateway: GatewayName = name.parse().map_err(|error: Invalid| error.to_string())?;
    match gateway::takes_once(&gateway) {
        Some(_) => Ok(CardGateway::Named(gateway)),
        None => Err("this program has no such gateway".to_owned()),
    }
}

/// As the API spells it.
fn known_method(word: &str) -> Result<PaymentMethod, NoSuchWord> {
    PaymentMethod::deserialize(word.into_deserializer())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use reactor::gateway::settings::Settings;
    use sqlx::PgPool;

    use super::*;

    #[derive(Parser)]
    struct Told {
        #[command(flatten)]
        paying: Paying,
        #[command(flatten)]
        gateways: Settings,
    }

    fn payments(told: &[&str]) -> Result<Payments, Wrong> {
        let told = Told::parse_from([&["test"], told].concat());
        // No connection is made.
        let db = PgPool::connect_lazy("postgres://nobody@nowhere/no").unwrap();
        told.paying.payments(&Gateways::new(&db, &told.gateways).unwrap())
    }

    const STRIPE: [&str; 4] =
        ["--stripe-secret-key", "sk_test_1", "--stripe-webhook-secret", "whsec_1"];

    #[tokio::test]
    async fn cards_go_through_what_is_set_up() {
        let usual = payments(&[]).unwrap();
        assert_eq!(usual.card_gateway.as_str(), "sandbox");
        assert_eq!(usual.methods, Payments::default().methods);
        let stripe = payments(&STRIPE).unwrap();
        assert_eq!(stripe.card_gateway.as_str(), "stripe");
        assert!(!stripe.gateways.contains(&sandbox()), "it would have anybody pay without money");
        let both = [&STRIPE[..], &["--sandbox", "true", "--card-gateway", "stripe"]].concat();
        let both = payments(&both).unwrap();
        assert_eq!((both.card_gateway.as_str(), both.gateways.len()), ("stripe", 2));
        let nothing = ["--card-gateway", "stripe"];
        assert_eq!(payments(&nothing).unwrap_err().name, "CARD_GATEWAY");
        let off = payments(&["--sandbox", "false"]).unwrap();
        assert!(off.gateways.is_empty(), "cards are refused");
    }

    #[tokio::test]
    async fn a_shop_says_what_it_takes() {
        let cards = payments(&["--payment-methods", "card"]).unwrap();
        assert_eq!(cards.methods, [PaymentMethod::Card]);
        let elsewhere = payments(&["--payment-methods", "card,external"]);
        assert_eq!(elsewhere.unwrap_err().name, "PAYMENT_METHODS");
        assert!(Told::try_parse_from(["test", "--payment-methods", "barter"]).is_err());
    }
}
