//! What of an order comes back after it was delivered: what is decided and folded of it, and how it
//! is put right.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fulfilling::{reduced, regained};
use super::rules::Error;
use super::{
    Event, Order, RETURNS_EVER_MAX, RETURNS_MAX, ReturnClosed, ReturnOpened, Units, UnitsReturned,
    add, merge, units_of, without,
};
use crate::ids::ReturnId;
use crate::money::Money;
use crate::text::Sku;

/// `order.return_corrected`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReturnCorrected {
    /// The return.
    pub return_id: ReturnId,
    /// What had been told to be back and is not: it is expected, or stays with the customer if the
    /// return is closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_back: Vec<Units>,
    /// What is back and had not been told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub back: Vec<Units>,
    /// How much less is owed by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// How much more is owed by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regained: Option<Money>,
    /// What of the return's price stayed owed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld_before: Option<Money>,
    /// What of it stays owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<Money>,
    /// Whether the return is closed: nothing is expected of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed: bool,
}

/// What was told of a return in all: its units, and what of their price is withheld.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReturnTold {
    /// What is back.
    pub lines: Vec<Units>,
    /// What of its price stays owed.
    pub withheld: Option<Money>,
}

/// Each gives the events of one decision; none where all is so already.
impl Order {
    /// Delivered units are to come back.
    pub fn open_return(&self, return_id: ReturnId, lines: Vec<Units>) -> Result<Vec<Event>, Error> {
        self.total.ok_or(Error::NotFound)?;
        let ever = self.returns_ever >= RETURNS_EVER_MAX;
        if ever || self.returns.len() >= RETURNS_MAX {
            return Err(Error::TooManyReturns { ever });
        }
        let lines = merge(lines, |sku| self.returnable(sku)).map_err(Error::NothingToReturn)?;
        Ok(vec![ReturnOpened { return_id, lines }.into()])
    }

    /// Units of an open return came back, of whose price some is withheld.
    pub fn take_back_units(
        &self,
        return_id: ReturnId,
        lines: Vec<Units>,
        withheld: Option<Money>,
    ) -> Result<Vec<Event>, Error> {
        let owed = self.owed().ok_or(Error::NotFound)?;
        let open = self.returns.get(&return_id).ok_or(Error::NoSuchReturn)?;
        let lines = merge(lines, |sku| units_of(open, sku)).map_err(Error::NothingToReturn)?;
        let mut after = self.clone();
        let returned = UnitsReturned { return_id, lines, amount: owed, withheld: None };
        after.evolve(&returned.clone().into());
        let worth = reduced(owed, &after);
        let amount = left_of(worth, withheld)?;
        Ok(vec![UnitsReturned { amount, withheld, ..returned }.into()])
    }

    /// What did not come back of a return stays with the customer.
    pub fn close_return(&self, return_id: ReturnId) -> Vec<Event> {
        let closed = |lines: &Vec<Units>| ReturnClosed { return_id, lines: lines.clone() }.into();
        self.returns.get(&return_id).map(closed).into_iter().collect()
    }

    /// Other units of a return came back than was told, or another part of their price is withheld:
    /// as many as were announced with it while it is open, and otherwise as were delivered.
    pub fn correct_return(
        &self,
        return_id: ReturnId,
        before: &ReturnTold,
        told: ReturnTold,
    ) -> Result<Vec<Event>, Error> {
        let owed = self.owed().ok_or(Error::NotFound)?;
        let open = self.returns.get(&return_id);
        let left = |sku: &Sku| {
            let more = open.map_or_else(|| self.returnable(sku), |open| units_of(open, sku));
            more.saturating_add(units_of(&before.lines, sku))
        };
        let lines = merge(told.lines, left).map_err(Error::NothingToReturn)?;
        let was = merge(before.lines.clone(), |_| u32::MAX).unwrap_or_default();
        let withheld = told.withheld.filter(|part| !part.is_zero());
        let corrected = ReturnCorrected {
            return_id,
            not_back: without(&was, &lines),
            back: without(&lines, &was),
            amount: None,
            regained: None,
            withheld_before: before.withheld.filter(|part| !part.is_zero()),
            withheld,
            closed: open.is_none(),
        };
        let moved = !corrected.not_back.is_empty() || !corrected.back.is_empty();
        if !moved && corrected.withheld == corrected.withheld_before {
            return Ok(vec![]);
        }
        let mut after = self.clone();
        after.correct_what_came(&ReturnCorrected { withheld: None, ..corrected.clone() });
        left_of(after.worth_of(&lines)?, withheld)?;
        after.withhold(withheld);
        let some = |amount: Money| Some(amount).filter(|amount| !amount.is_zero());
        let (amount, regained) = (some(reduced(owed, &after)), regained(owed, &after));
        Ok(vec![ReturnCorrected { amount, regained, ..corrected }.into()])
    }

    /// How much more would be owed if these units, which are back, were not.
    fn worth_of(&self, back: &[Units]) -> Result<Money, Error> {
        let mut without = self.clone();
        without.count(back, |of, units| of.returned = of.returned.saturating_sub(units));
        Ok(reduced(without.owed().ok_or(Error::NotFound)?, self))
    }

    pub(super) fn take_back(&mut self, returned: &UnitsReturned) {
        self.withhold(returned.withheld);
        self.come_back(returned.return_id, &returned.lines, true);
    }

    pub(super) fn correct_what_came(&mut self, corrected: &ReturnCorrected) {
        let ReturnCorrected { return_id, not_back, back, .. } = corrected;
        if let Some(before) = corrected.withheld_before {
            self.withheld = self.withheld.map(|sum| sum.less(before));
        }
        self.withhold(corrected.withheld);
        let is_open = !corrected.closed;
        self.count(not_back, |of, units| {
            of.returned = of.returned.saturating_sub(units);
            of.returning += if is_open { units } else { 0 };
        });
        if let Some(open) = self.returns.get_mut(return_id) {
            let all = std::mem::take(open).into_iter().chain(not_back.clone()).collect();
            *open = merge(all, |_| u32::MAX).unwrap_or_default();
        }
        self.come_back(*return_id, back, is_open);
        if let Some(regained) = corrected.regained {
            add(&mut self.regained, regained);
        }
        // What was said to be back, was not, and is after all.
        if let Some(amount) = corrected.amount {
            self.regained = self.regained.map(|sum| sum.less(amount));
        }
    }

    pub(super) fn expect_no_more(&mut self, closed: &ReturnClosed) {
        self.returns.remove(&closed.return_id);
        self.count(&closed.lines, |of, units| of.returning = of.returning.saturating_sub(units));
    }

    fn come_back(&mut self, return_id: ReturnId, lines: &[Units], were_announced: bool) {
        self.count(lines, |of, units| {
            if were_announced {
                of.returning = of.returning.saturating_sub(units);
            }
            of.returned += units;
        });
        if let Some(open) = self.returns.get_mut(&return_id) {
            *open = without(open, lines);
        }
    }

    fn withhold(&mut self, part: Option<Money>) {
        if let Some(part) = part {
            add(&mut self.withheld, part);
        }
    }
}

/// What is given back of what goods are worth, if some of it is withheld.
fn left_of(worth: Money, withheld: Option<Money>) -> Result<Money, Error> {
    match withheld {
        None => Ok(worth),
        Some(part) if part.currency() != worth.currency() => Err(Error::WithheldElsewhere),
        Some(part) => worth.minus(part).ok_or(Error::WithheldTooMuch { withheld: part, worth }),
    }
}
