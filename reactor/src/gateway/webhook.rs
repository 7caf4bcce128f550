//! What gateways send without being asked: what it says, and why it is not believed.

use domain::PaymentId;
use domain::payment::Report;

/// What a webhook says of one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The gateway's name for the event. Under it it is told once, however often it is sent.
    pub event_id: String,
    /// The payment.
    pub payment_id: PaymentId,
    /// What is told of it.
    pub report: Report,
}

/// A webhook that is the gateway's, with all that it says of payments of ours: often nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The gateway's name for the event.
    pub event_id: String,
    /// Its kind, in the gateway's words.
    pub kind: String,
    /// What it says.
    pub heard: Vec<Told>,
}

/// Why a webhook is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not the gateway's, or too old.
    #[error("the signature is not right for this body at this time")]
    Signature,
    /// It is the gateway's, and is no event.
    #[error("the body is no event of this gateway")]
    Unreadable,
    /// What it is about could not be asked for; the gateway is to send it again.
    #[error("what the event is about could not be asked for now")]
    Later,
    /// The gateway sends none.
    #[error("this gateway sends no webhooks")]
    NoneTaken,
}
