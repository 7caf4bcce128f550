//! Where a payment stands, as people say it: one word for its stage and its sums. Nothing is
//! decided by it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Payment, Stage, Terms};

/// Where a payment stands, as people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PaymentState")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Begun; the gateway is being asked.
    Created,
    /// Waiting for the customer to confirm at their bank.
    RequiresAction,
    /// Set aside.
    Authorized,
    /// Taken in part.
    PartiallyCaptured,
    /// Taken in full.
    Captured,
    /// Given back in part.
    PartiallyRefunded,
    /// Given back in full.
    Refunded,
    /// The bank took back all that was kept.
    ChargedBack,
    /// The authorisation was given back.
    Voided,
    /// The authorisation lapsed.
    Expired,
    /// It will not be paid this way.
    Failed,
    /// The courier is to collect it.
    CodPending,
    /// The courier has some of it.
    PartiallyCollected,
    /// The courier has it.
    Collected,
    /// The courier handed it over.
    Remitted,
    /// The courier could not collect it.
    Uncollected,
}

impl Payment {
    /// Where it stands, as people say it; nothing before it was begun.
    pub fn status(&self) -> Option<Status> {
        let terms = self.terms.as_ref()?;
        let cash = !terms.by_gateway();
        Some(match self.stage {
            Stage::Unborn => return None,
            Stage::Created => Status::Created,
            Stage::RequiresAction => Status::RequiresAction,
            _ if !terms.captured.is_zero() => self.status_of_sums(terms),
            Stage::Open if cash => Status::CodPending,
            Stage::Open => Status::Authorized,
            // Of an order that costs nothing.
            Stage::Done if cash => Status::Collected,
            Stage::Done => Status::Captured,
            Stage::Voided => Status::Voided,
            Stage::Expired => Status::Expired,
            Stage::Failed => Status::Failed,
            Stage::Uncollected => Status::Uncollected,
        })
    }

    fn status_of_sums(&self, terms: &Terms) -> Status {
        let cash = !terms.by_gateway();
        if !terms.charged_back.is_zero() && terms.kept().is_zero() {
            Status::ChargedBack
        } else if !terms.refunded.is_zero() {
            let all = terms.refunded.amount() >= terms.captured.amount();
            if all { Status::Refunded } else { Status::PartiallyRefunded }
        } else if !cash {
            let all = terms.captured.amount() >= terms.amount.amount();
            if all { Status::Captured } else { Status::PartiallyCaptured }
        } else if self.stage == Stage::Open {
            Status::PartiallyCollected
        } else if terms.to_remit().is_zero() {
            Status::Remitted
        } else {
            Status::Collected
        }
    }
}
