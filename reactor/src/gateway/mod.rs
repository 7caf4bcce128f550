//! What the engine needs of a payment gateway, and which it has. A new gateway is a file here and a
//! line in the list below.

use domain::command::payment::Verdict;
use domain::order::PaymentMethod;
use domain::payment::Operation;
use domain::text::Token;
use domain::{Money, PaymentId};
use sqlx::PgPool;

/// One thing a gateway is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The payment it is about.
    pub payment_id: PaymentId,
    /// The how manieth request of the payment.
    pub request: u32,
    /// What is asked for.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The customer's card, as the gateway calls it.
    pub token: Option<Token>,
}

impl Call {
    /// The key under which the gateway does it once, however often it is asked.
    pub fn key(&self) -> String {
        format!("{}:{}", self.payment_id, self.request)
    }
}

/// A payment gateway. Asked again under the same key, it must not do the thing again, and must say
/// what became of it: that is how an unknown outcome is settled.
pub trait Gateway: Sized + Send + Sync + 'static {
    /// Makes it ready. It may keep what it has to in tables of its own.
    fn new(db: &PgPool) -> Self;

    /// Does what is asked, or says what became of it. An answer that was lost or late is
    /// [`Verdict::Unknown`], never an error.
    fn perform(&self, call: &Call) -> impl Future<Output = Verdict> + Send;
}

/// The gateways, each with the method of the payments that are its own.
macro_rules! gateways {
    ($( $method:ident => $module:ident::$gateway:ident; )+) => {
        $( pub mod $module; )+

        /// All gateways.
        pub struct Gateways { $( $module: $module::$gateway, )+ }

        impl Gateways {
            /// Makes them ready.
            pub fn new(db: &PgPool) -> Self {
                Self { $( $module: $module::$gateway::new(db), )+ }
            }

            /// Asks the gateway of a payment's method; `None` if it has none, as cash.
            pub async fn perform(&self, method: PaymentMethod, call: &Call) -> Option<Verdict> {
                match method {
                    $( PaymentMethod::$method => Some(self.$module.perform(call).await), )+
                    _ => None,
                }
            }
        }
    };
}

gateways! {
    Card => sandbox::Sandbox;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_is_asked_about_cash() {
        // No connection is made.
        let gateways =
            Gateways::new(&PgPool::connect_lazy("postgres://nobody@nowhere/no").unwrap());
        let call = Call {
            payment_id: PaymentId(uuid::Uuid::nil()),
            request: 1,
            operation: Operation::Authorize,
            amount: Money::zero("EUR".parse().unwrap()),
            token: None,
        };
        assert_eq!(gateways.perform(PaymentMethod::CashOnDelivery, &call).await, None);
    }
}
