//! What was told by hand of a payment and turns out to be wrong: what was collected, what was
//! handed over, what was given back. What can happen, as stored, and the decisions about it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Error, Event, Payment};
use crate::ids::OrderId;
use crate::money::Money;
use crate::text::Note;

/// `payment.collection_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CollectionCorrected {
    /// What was paid.
    pub order_id: OrderId,
    /// How much was said to be collected in all.
    pub before: Money,
    /// How much it was.
    pub amount: Money,
    /// Who says so, and how they know.
    pub reason: Note,
}

/// `payment.remittance_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemittanceCorrected {
    /// What was paid.
    pub order_id: OrderId,
    /// How much was said to be handed over in all.
    pub before: Money,
    /// How much it was.
    pub amount: Money,
    /// How much of the rest was said to be waited for no more.
    pub written_off_before: Money,
    /// How much that is.
    pub written_off: Money,
    /// Who says so, and how they know.
    pub reason: Note,
}

/// `payment.refund_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefundCorrected {
    /// What was paid.
    pub order_id: OrderId,
    /// How much was said to be given back by hand in all.
    pub before: Money,
    /// How much it was.
    pub amount: Money,
    /// Who says so, and how they know.
    pub reason: Note,
}

/// Each gives the events of one decision; none where all is so already.
impl Payment {
    /// In all it was another amount than was told, by mistake: less, but not less than has been
    /// handed over or given back, or more, `at_most` so much.
    pub fn correct_collection(
        &self,
        amount: Money,
        at_most: Money,
        reason: Note,
    ) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        let (order_id, before) = (terms.order_id, terms.captured);
        if terms.by_gateway() {
            return self.never("be corrected");
        }
        if before.is_zero() {
            return self.wrong("be corrected");
        }
        if amount.currency() != before.currency() {
            return Err(Error::BadAmount);
        }
        if amount == before {
            return Ok(vec![]);
        }
        let (handed_over, given_back) = (before.less(terms.to_remit()), before.less(terms.kept()));
        let at_least = handed_over.at_least(given_back);
        amount.minus(at_least).ok_or(Error::TooLittle { at_least })?;
        if before.minus(amount).is_none() {
            at_most.minus(amount).ok_or(Error::TooMuch { at_most })?;
        }
        Ok(vec![CollectionCorrected { order_id, before, amount, reason }.into()])
    }

    /// In all the courier handed over another amount, or will keep another (where none is named, as
    /// much as was told): together no more than was collected.
    pub fn correct_remittance(
        &self,
        amount: Money,
        written_off: Option<Money>,
        reason: Note,
    ) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        let (order_id, before) = (terms.order_id, terms.remitted);
        if terms.by_gateway() {
            return self.never("be corrected");
        }
        let written_off_before = terms.written_off;
        let written_off = written_off.unwrap_or(written_off_before);
        if [amount, written_off].iter().any(|it| it.currency() != before.currency()) {
            return Err(Error::BadAmount);
        }
        if (amount, written_off) == (before, written_off_before) {
            return Ok(vec![]);
        }
        if before.is_zero() && written_off_before.is_zero() {
            return self.wrong("be corrected");
        }
        let at_most = terms.captured;
        let at_most = at_most.minus(written_off).ok_or(Error::TooMuch { at_most })?;
        at_most.minus(amount).ok_or(Error::TooMuch { at_most })?;
        Ok(vec![
            RemittanceCorrected {
                order_id,
                before,
                amount,
                written_off_before,
                written_off,
                reason,
            }
            .into(),
        ])
    }

    /// In all another amount was given back by hand: less, down to nothing, or more, no more than
    /// was kept.
    pub fn correct_refund(&self, amount: Money, reason: Note) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        let (order_id, before) = (terms.order_id, terms.refunded_by_hand);
        if amount.currency() != before.currency() {
            return Err(Error::BadAmount);
        }
        if amount == before {
            return Ok(vec![]);
        }
        if before.is_zero() {
            return self.wrong("be corrected");
        }
        let at_most = before.plus(terms.kept()).unwrap_or(before);
        at_most.minus(amount).ok_or(Error::TooMuch { at_most })?;
        Ok(vec![RefundCorrected { order_id, before, amount, reason }.into()])
    }
}
