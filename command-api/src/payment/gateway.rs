//! What the engine needs of a payment gateway.

use domain::command::payment::Verdict;
use domain::payment::Operation;
use domain::text::Token;
use domain::{Money, PaymentId};

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
pub trait Gateway: Send + Sync + 'static {
    /// Does what is asked, or says what became of it. An answer that was lost or late is
    /// [`Verdict::Unknown`], never an error.
    fn perform(&self, call: &Call) -> impl Future<Output = Verdict> + Send;
}
