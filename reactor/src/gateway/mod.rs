//! What the engine needs of a payment gateway, and which it has. A new gateway is a file here, or a
//! folder where it says much, and a line in the list below.
//!
//! * [`settings`]: what they are told from outside; `wire`: how they are asked over HTTP;
//! * [`webhook`]: what they tell without being asked; [`inbox`]: where that is kept.

pub mod inbox;
pub mod settings;
pub mod webhook;
mod wire;

use chrono::{DateTime, Utc};
use domain::command::payment::Verdict;
use domain::payment::Operation;
use domain::text::{GatewayName, MediaUrl, Token};
use domain::{Money, OrderId, PaymentId};
use http::HeaderMap;
use service::config::Wrong;
use sqlx::PgPool;

use settings::Settings;
use webhook::{Webhook, WebhookError};

/// One thing a gateway is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The payment it is about.
    pub payment_id: PaymentId,
    /// The order that is paid.
    pub order_id: OrderId,
    /// The number of the request among those of the payment, from 1.
    pub request: u32,
    /// What is asked for. To authorise a payment that has a reference is to go on with that.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The customer's card, as the gateway calls it.
    pub token: Option<Token>,
    /// The gateway's name for what earlier requests began.
    pub reference: Option<Token>,
    /// Its names for what it took, the first one first, and how much of each was not given back.
    pub captures: Vec<(Token, Money)>,
    /// Where the customer comes back to from their bank.
    pub return_url: Option<MediaUrl>,
}

impl Call {
    /// The key under which the gateway does it once, however often it is asked.
    pub fn key(&self) -> String {
        format!("{}:{}", self.payment_id, self.request)
    }
}

/// A payment gateway. Asked again under the same key, it must not do the thing again.
pub trait Gateway: Sized + Send + Sync + 'static {
    /// Its name, as it stands in events: never rename one.
    const NAME: &'static str;
    /// Whether it takes money once and lets go of the rest with that.
    const ONCE: bool;

    /// Does what is asked, or says what became of it. An answer that was lost or late is
    /// [`Verdict::Unknown`], never an error.
    fn perform(&self, call: &Call) -> impl Future<Output = Verdict> + Send;

    /// What became of a request whose answer was lost, without doing it: none if it never arrived,
    /// [`Verdict::Unknown`] if that cannot be told.
    fn find(&self, call: &Call) -> impl Future<Output = Option<Verdict>> + Send;

    /// What a webhook says, once it is sure whose it is and that it is not old. It may come twice,
    /// late, or before the answer to what it is about.
    fn read_webhook(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> impl Future<Output = Result<Webhook, WebhookError>> + Send {
        let _ = (headers, body, now);
        std::future::ready(Err(WebhookError::NoneTaken))
    }
}

/// Why a gateway cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting of it cannot be meant.
    #[error(transparent)]
    Settings(#[from] Wrong),
    /// It could not be known over TLS.
    #[error("this machine has no certificates to know a gateway by")]
    Certificates(#[from] reqwest::Error),
}

/// The gateways.
macro_rules! gateways {
    ($( $module:ident::$gateway:ident; )+) => {
        $( pub mod $module; )+

        /// All gateways that are configured.
        #[derive(Debug)]
        pub struct Gateways { $( $module: Option<$module::$gateway>, )+ }

        impl Gateways {
            /// Asks the gateway of that name; `None` if this program has none.
            pub async fn perform(&self, name: &GatewayName, call: &Call) -> Option<Verdict> {
                $( if name.as_str() == $module::$gateway::NAME {
                    return Some(self.$module.as_ref()?.perform(call).await);
                } )+
                None
            }

            /// What the gateway of that name knows of a request; `None` if this program has none.
            pub async fn find(&self, name: &GatewayName, call: &Call) -> Option<Option<Verdict>> {
                $( if name.as_str() == $module::$gateway::NAME {
                    return Some(self.$module.as_ref()?.find(call).await);
                } )+
                None
            }

            /// What a webhook to the gateway of that name says; `None` if this program has none.
            pub async fn read_webhook(
                &self,
                name: &GatewayName,
                headers: &HeaderMap,
                body: &[u8],
                now: DateTime<Utc>,
            ) -> Option<Result<Webhook, WebhookError>> {
                $( if name.as_str() == $module::$gateway::NAME {
                    return Some(self.$module.as_ref()?.read_webhook(headers, body, now).await);
                } )+
                None
            }

            /// Whether the gateway of that name is configured.
            pub fn has(&self, name: &GatewayName) -> bool {
                $( (name.as_str() == $module::$gateway::NAME && self.$module.is_some()) || )+ false
            }
        }

        /// All gateways there are, configured or not.
        pub fn names() -> Vec<GatewayName> {
            let names = [$( $module::$gateway::NAME ),+];
            names.map(|name| name.parse().expect("the constant is a name")).into()
        }

        /// Whether the gateway of that name takes money once; `None` if there is none.
        pub fn takes_once(name: &GatewayName) -> Option<bool> {
            $( if name.as_str() == $module::$gateway::NAME {
                return Some($module::$gateway::ONCE);
            } )+
            None
        }
    };
}

gateways! {
    sandbox::Sandbox;
    stripe::Stripe;
    paypal::Paypal;
}

impl Gateways {
    /// Makes those ready that are configured. They may keep what they have to in tables of their
    /// own.
    ///
    /// # Errors
    /// With half of what one needs.
    pub fn new(db: &PgPool, settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            sandbox: settings.sandbox()?.then(|| sandbox::Sandbox::new(db)),
            stripe: settings.stripe()?.map(stripe::Stripe::new).transpose()?,
            paypal: settings.paypal()?.map(paypal::Paypal::new).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_is_asked_who_is_not_known() {
        // No connection is made.
        let db = PgPool::connect_lazy("postgres://nobody@nowhere/no").unwrap();
        let gateways = Gateways::new(&db, &Settings::default()).unwrap();
        let call = Call {
            payment_id: PaymentId(uuid::Uuid::nil()),
            order_id: OrderId(uuid::Uuid::nil()),
            request: 1,
            operation: Operation::Authorize,
            amount: Money::zero("EUR".parse().unwrap()),
            token: None,
            reference: None,
            captures: vec![],
            return_url: None,
        };
        let nobody = "nobody".parse().unwrap();
        assert_eq!(gateways.perform(&nobody, &call).await, None);
        assert_eq!(gateways.find(&nobody, &call).await, None);
        let told = gateways.read_webhook(&nobody, &HeaderMap::new(), b"", Utc::now()).await;
        assert_eq!(told, None);
        assert_eq!(takes_once(&nobody), None);
        let (sandbox, stripe) = ("sandbox".parse().unwrap(), "stripe".parse().unwrap());
        assert_eq!((takes_once(&sandbox), takes_once(&stripe)), (Some(false), Some(true)));
        // Not configured, it is as if it were not there.
        assert_eq!((gateways.has(&sandbox), gateways.has(&stripe)), (true, false));
        assert_eq!(gateways.perform(&stripe, &call).await, None);
    }
}
