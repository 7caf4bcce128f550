//! What is paid without a gateway: to a courier, who hands it over later, or elsewhere. What can
//! happen to it, as stored, and the decisions about it; what of it was told wrongly is put right in
//! `correcting`. How much is due at the door is the order's to say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::amount_of;
use super::{Error, Event, Payment, Stage};
use crate::ids::OrderId;
use crate::money::Money;
use crate::text::Note;

/// `payment.collection_due`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CollectionDue {
    /// What is paid.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
}

/// `payment.collected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Collected {
    /// What was paid.
    pub order_id: OrderId,
    /// How much this time.
    pub amount: Money,
}

/// `payment.remitted`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remitted {
    /// What was paid.
    pub order_id: OrderId,
    /// How much this time.
    pub amount: Money,
    /// What of it will not be handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_off: Option<WriteOff>,
}

/// Money that the courier took and will not hand over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteOff {
    /// How much.
    pub amount: Money,
    /// Why: the courier keeps it as a fee, or lost it.
    pub reason: Note,
}

/// `payment.uncollected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Uncollected {
    /// What was to be paid.
    pub order_id: OrderId,
    /// Why, if somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Note>,
}

/// Each gives the events of one decision; none where all is so already.
impl Payment {
    /// The courier collected all that is `due` by now.
    pub fn collect(&self, due: Money) -> Result<Vec<Event>, Error> {
        let order_id = self.ready()?.order_id;
        let Some(open) = self.open_amount().filter(|_| !self.by_gateway()) else {
            return self.wrong("be collected");
        };
        let left = open.at_most(due);
        if left.is_zero() && !open.is_zero() {
            return Err(Error::TooMuch { at_most: left });
        }
        Ok(vec![Collected { order_id, amount: left }.into()])
    }

    /// So much was collected, whatever was due, and whatever has become of the goods or of this
    /// payment since; `at_most` may be in all. What was too much is to be given back.
    pub fn collect_told(&self, amount: Money, at_most: Money) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        let order_id = terms.order_id;
        if terms.by_gateway() {
            return self.never("be collected");
        }
        let amount = amount_of(Some(amount), at_most.less(terms.captured))?;
        Ok(vec![Collected { order_id, amount }.into()])
    }

    /// The courier handed over an amount, or all that was collected; what is written off is waited
    /// for no more.
    pub fn remit(
        &self,
        amount: Option<Money>,
        written_off: Option<WriteOff>,
    ) -> Result<Vec<Event>, Error> {
        let terms = self.ready()?;
        if terms.by_gateway() {
            return self.never("be remitted");
        }
        if terms.captured.is_zero() {
            return self.wrong("be remitted");
        }
        let order_id = terms.order_id;
        let mut left = terms.to_remit();
        let amount = match &written_off {
            None if left.is_zero() && amount.is_none() => return Ok(vec![]),
            None => amount_of(amount, left)?,
            Some(of) => {
                left = left.less(amount_of(Some(of.amount), left)?);
                // Perhaps nothing was handed over, and nothing will be.
                amount
                    .filter(|it| !it.is_zero())
                    .map_or(Ok(left), |it| amount_of(Some(it), left))?
            }
        };
        Ok(vec![Remitted { order_id, amount, written_off }.into()])
    }

    /// Nothing more is collected.
    pub fn uncollect(&self, reason: Option<Note>) -> Result<Vec<Event>, Error> {
        let order_id = self.ready()?.order_id;
        match self.open_amount().filter(|_| !self.by_gateway()) {
            Some(_) => Ok(vec![Uncollected { order_id, reason }.into()]),
            None if self.stage == Stage::Uncollected => Ok(vec![]),
            None => self.wrong("be given up"),
        }
    }
}
