//! What all payments of an order have come to together, against what it owes. Decides nothing:
//! what is asked for by it stands in [`super::settling`], [`super::payment`] and
//! [`super::fulfilment`].

use super::Stop;
use crate::StreamId;
use crate::ids::PaymentId;
use crate::money::Money;
use crate::order::{self, Order};
use crate::payment::{Operation, Payment};
use crate::state::Streams;

/// The money of one order, of all its payments, also of those that came to an end.
pub(super) struct Balance {
    /// What is owed in the end.
    pub owed: Money,
    /// What was taken and kept, less what is being given back.
    kept: Money,
    /// What is being taken.
    coming: Money,
    /// What may still be taken: set aside, or due in cash, and not being let go.
    open: Money,
    /// What was given back, or is, for no units that are gone and beyond what was too much: more
    /// may leave without it.
    goodwill: Money,
    /// What of that was not given back for units that were lost and turned up: nobody is asked for
    /// it again.
    forgiven: Money,
}

impl Balance {
    /// Of the payments of `order`, as they stand.
    pub fn load(order: &Order, streams: Streams) -> Result<Self, Stop> {
        streams.require(order.payments.keys().map(|id| StreamId::Payment(*id)))?;
        let mut payments = Vec::with_capacity(order.payments.len());
        for (id, attempt) in &order.payments {
            payments.push((streams.payment(id)?, attempt.ended));
        }
        Ok(Self::of(order, payments).ok_or(order::Error::NotFound)?)
    }

    /// Likewise, but of payment `id` as it is now, and whether the order has done with that.
    pub fn load_with(
        order: &Order,
        (id, own, ended): (PaymentId, &Payment, bool),
        streams: Streams,
    ) -> Result<Self, Stop> {
        let others = || order.payments.iter().filter(|(other, _)| **other != id);
        streams.require(others().map(|(id, _)| StreamId::Payment(*id)))?;
        let mut payments = vec![(own, ended)];
        for (other, attempt) in others() {
            payments.push((streams.payment(other)?, attempt.ended));
        }
        Ok(Self::of(order, payments).ok_or(order::Error::NotFound)?)
    }

    /// Of these payments, each with whether the order has done with it; none of an order that was
    /// never placed.
    pub fn of<'a>(
        order: &Order,
        payments: impl IntoIterator<Item = (&'a Payment, bool)>,
    ) -> Option<Self> {
        let (owed, gone) = (order.owed()?, order.worth_of_gone()?);
        let zero = Money::zero(owed.currency());
        let [mut kept, mut taken, mut back, mut coming, mut going, mut open] = [zero; 6];
        for (payment, ended) in payments {
            let Some(terms) = &payment.terms else { continue };
            add(&mut kept, terms.kept());
            add(&mut taken, terms.captured);
            add(&mut back, terms.refunded);
            let asked = payment.in_flight.map(|asked| (asked.operation, asked.amount));
            match asked {
                Some((Operation::Capture, amount)) => add(&mut coming, amount),
                Some((Operation::Refund, amount)) => add(&mut going, amount),
                Some((Operation::Authorize | Operation::Void, _)) | None => {}
            }
            let let_go = ended || asked.is_some_and(|(operation, _)| operation == Operation::Void);
            add(&mut open, payment.open_amount().filter(|_| !let_go).unwrap_or(zero));
        }
        add(&mut back, going);
        let beyond = plus(taken, coming).less(owed);
        let goodwill = back.less(gone.at_least(beyond));
        let gone = order.regained.map_or(gone, |regained| plus(gone, regained));
        let forgiven = goodwill.at_most(back.less(gone));
        Some(Self { owed, kept: kept.less(going), coming, open, goodwill, forgiven })
    }

    /// What was taken for `order` in all by payments other than `id`.
    pub fn taken_by_others(
        order: &Order,
        id: PaymentId,
        streams: Streams,
    ) -> Result<Option<Money>, Stop> {
        let others = || order.payments.keys().filter(|other| **other != id);
        streams.require(others().map(|id| StreamId::Payment(*id)))?;
        let mut sum = None;
        for other in others() {
            let Some(terms) = &streams.payment(other)?.terms else { continue };
            sum = Some(sum.map_or(terms.captured, |sum| plus(sum, terms.captured)));
        }
        Ok(sum)
    }

    /// What stands for its money: taken and kept, set aside, or due in cash. Goodwill stands too,
    /// but for nothing alone.
    pub fn secured(&self) -> Money {
        let firm = plus(self.kept, self.open);
        if firm.is_zero() { firm } else { plus(firm, self.goodwill) }
    }

    /// What of `wanted` was neither taken nor is being taken.
    pub fn lacking(&self, wanted: Money) -> Money {
        wanted.less(self.kept).less(self.coming).less(self.forgiven)
    }

    /// What another payment is for: what nothing stands for, or was given back for what turned up.
    pub fn due(&self) -> Money {
        let (missing, lacking) =
            (self.owed.less(self.secured()), self.lacking(self.owed).less(self.open));
        missing.at_least(lacking)
    }

    /// Whether all that can still be owed was taken: what is set aside beside it is for nothing.
    pub fn is_covered(&self) -> bool {
        let open = Money::zero(self.open.currency());
        Self { open, ..*self }.due().is_zero()
    }

    /// What was taken beyond what is owed, and is not being given back.
    pub fn excess(&self) -> Money {
        self.kept.less(self.owed)
    }

    /// Counts what is asked for now.
    pub fn take(&mut self, amount: Money) {
        add(&mut self.coming, amount);
    }

    /// Counts what is given back now.
    pub fn give_back(&mut self, amount: Money) {
        self.kept = self.kept.less(amount);
    }
}

// Payments of an order are in its currency, and their sums within what money can be.
fn plus(one: Money, other: Money) -> Money {
    one.plus(other).unwrap_or(one)
}

fn add(sum: &mut Money, amount: Money) {
    *sum = plus(*sum, amount);
}
