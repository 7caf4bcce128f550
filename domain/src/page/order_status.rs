//! What has come of paying and sending an order, in one word each: rolled up over its payments and
//! its parcels.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Document, OrderLine};
use crate::fulfilment;
use crate::money::Money;
use crate::payment::Status as Paying;
use crate::payment::document as payment;

/// What has come of paying, over all payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Nobody has begun.
    None,
    /// Begun: the gateway, the customer or the courier is to act.
    Awaiting,
    /// Set aside.
    Authorized,
    /// Taken in part.
    PartiallyPaid,
    /// Taken in full.
    Paid,
    /// Given back in part.
    PartiallyRefunded,
    /// All that was taken was given back.
    Refunded,
    /// The bank took back all that was kept.
    ChargedBack,
    /// The authorisation was given back.
    Voided,
    /// The authorisation lapsed.
    Expired,
    /// Declined.
    Failed,
    /// The courier could not collect it.
    Uncollected,
}

/// What has come of sending, over all parcels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FulfilmentStatus {
    /// Nothing has left.
    Unfulfilled,
    /// Some units have left.
    Partial,
    /// All units have left.
    Fulfilled,
    /// All units were handed over that did not come back or get lost.
    Delivered,
    /// All units that had left came back, or some did and the others were lost.
    Returned,
    /// All units that had left were lost.
    Lost,
}

/// Whether some of a payment is kept, or may still be taken.
fn stands(of: &payment::Document) -> bool {
    of.stage.is_alive() || !of.kept().is_zero()
}

impl Document {
    /// A payment of which all has gone back is not counted while another stands; nor is it a
    /// refund that what was taken beyond the price was given back.
    pub(super) fn paid(&self) -> PaymentStatus {
        let zero = Money::zero(self.total.currency());
        let another_stands = self.payments.iter().any(stands);
        let has_gone_back = |of: &payment::Document| !of.captured.is_zero() && !stands(of);
        let counted = || self.payments.iter().filter(|of| !another_stands || !has_gone_back(of));
        let sum = |of: fn(&payment::Document) -> Money| {
            counted().map(of).try_fold(zero, Money::plus).unwrap_or(zero)
        };
        let (captured, refunded) =
            (sum(|payment| payment.captured), sum(|payment| payment.refunded));
        let charged_back = sum(|payment| payment.charged_back);
        if self.paid.is_zero() && !charged_back.is_zero() {
            return PaymentStatus::ChargedBack;
        }
        let too_much = captured.less(charged_back).less(self.total);
        if !refunded.less(too_much).is_zero() {
            let all = refunded.amount() >= captured.amount();
            return if all { PaymentStatus::Refunded } else { PaymentStatus::PartiallyRefunded };
        }
        if !captured.is_zero() {
            let all = self.paid.amount() >= self.owed.amount();
            return if all { PaymentStatus::Paid } else { PaymentStatus::PartiallyPaid };
        }
        // Nothing has been taken yet: the latest attempt tells.
        counted().next_back().map_or(PaymentStatus::None, |payment| match payment.status {
            Paying::Created | Paying::RequiresAction | Paying::CodPending => {
                PaymentStatus::Awaiting
            }
            Paying::Authorized => PaymentStatus::Authorized,
            // Of an order that costs nothing.
            Paying::PartiallyCaptured
            | Paying::Captured
            | Paying::PartiallyCollected
            | Paying::Collected
            | Paying::Remitted => PaymentStatus::Paid,
            Paying::PartiallyRefunded | Paying::Refunded => PaymentStatus::Refunded,
            Paying::ChargedBack => PaymentStatus::ChargedBack,
            Paying::Voided => PaymentStatus::Voided,
            Paying::Expired => PaymentStatus::Expired,
            Paying::Failed => PaymentStatus::Failed,
            Paying::Uncollected => PaymentStatus::Uncollected,
        })
    }

    /// Whether any unit that had left came back.
    fn came_back(&self) -> bool {
        let returned = self.lines.iter().any(|line| line.progress.returned > 0);
        let sent_back = fulfilment::document::Status::ReturnedToSender;
        returned || self.fulfilments.iter().any(|of| of.status == sent_back && of.is_gone())
    }

    pub(super) fn fulfilled(&self) -> FulfilmentStatus {
        let sum = |units: fn(&OrderLine) -> u32| {
            self.lines.iter().map(|line| u64::from(units(line))).sum::<u64>()
        };
        let waiting = sum(|line| line.unplanned + line.progress.planned);
        let moving = sum(|line| line.progress.moving);
        let delivered = sum(|line| line.progress.delivered - line.progress.returned);
        let left = self.fulfilments.iter().any(fulfilment::document::Document::is_gone);
        if !left {
            FulfilmentStatus::Unfulfilled
        } else if waiting > 0 {
            FulfilmentStatus::Partial
        } else if moving > 0 {
            FulfilmentStatus::Fulfilled
        } else if delivered > 0 {
            FulfilmentStatus::Delivered
        } else if self.came_back() {
            FulfilmentStatus::Returned
        } else {
            FulfilmentStatus::Lost
        }
    }
}
