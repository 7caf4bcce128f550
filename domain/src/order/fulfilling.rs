//! Decisions about what of an order is sent, and what of that comes back undelivered.

use std::collections::BTreeMap;

use super::rules::{Error, UnitsLeft};
use super::{
    CancelReason, DeliveryCorrected, Event, FULFILMENTS_EVER_MAX, FULFILMENTS_MAX,
    FulfilmentClosed, FulfilmentPlanned, FulfilmentShipped, Order, Parcel, ParcelOutcome, Stage,
    Status, Units, UnitsDelivered,
};
use crate::ids::FulfilmentId;
use crate::money::Money;
use crate::text::{Quantity, Sku};

/// Each gives the events of one decision; none where all is so already.
impl Order {
    /// Sends some of it in a parcel; nothing named means all that is left.
    pub fn plan_fulfilment(
        &self,
        fulfilment_id: FulfilmentId,
        lines: Vec<Units>,
    ) -> Result<Vec<Event>, Error> {
        self.must_be_confirmed()?;
        if self.fulfilments.contains_key(&fulfilment_id) {
            return Err(Error::FulfilmentExists);
        }
        let stands = |parcel: &&Parcel| parcel.stage != Stage::Closed(ParcelOutcome::Cancelled);
        let standing = self.fulfilments.values().filter(stands).count();
        let ever = self.fulfilments.len() >= FULFILMENTS_EVER_MAX;
        if ever || standing >= FULFILMENTS_MAX {
            return Err(Error::TooManyFulfilments { ever });
        }
        let lines = if lines.is_empty() { self.all_left() } else { lines };
        if lines.is_empty() {
            return Err(Error::AllPlanned);
        }
        let lines = merge(lines, |sku| self.unplanned(sku)).map_err(Error::NothingLeft)?;
        Ok(vec![FulfilmentPlanned { fulfilment_id, lines }.into()])
    }

    /// A parcel leaves.
    pub fn ship_fulfilment(&self, fulfilment_id: FulfilmentId) -> Result<Vec<Event>, Error> {
        self.must_be_confirmed()?;
        let parcel = self.fulfilments.get(&fulfilment_id).ok_or(Error::NoSuchFulfilment)?;
        if parcel.stage != Stage::Planned {
            return Ok(vec![]);
        }
        Ok(vec![FulfilmentShipped { fulfilment_id, lines: parcel.lines.clone() }.into()])
    }

    /// Some of a parcel was handed over; the rest of it goes on.
    pub fn deliver_units(
        &self,
        fulfilment_id: FulfilmentId,
        lines: Vec<Units>,
    ) -> Result<Vec<Event>, Error> {
        let parcel = self.fulfilments.get(&fulfilment_id).ok_or(Error::NoSuchFulfilment)?;
        let found = parcel.stage == Stage::Closed(ParcelOutcome::Lost);
        let owed = self.owed().ok_or(Error::NotFound)?;
        let mut after = self.clone();
        let delivered = UnitsDelivered { fulfilment_id, lines, found, regained: None };
        after.evolve(&delivered.clone().into());
        let end = after.end(CancelReason::Undeliverable);
        if let Some(end) = &end {
            after.evolve(end);
        }
        let delivered = UnitsDelivered { regained: regained(owed, &after), ..delivered };
        Ok([delivered.into()].into_iter().chain(end).collect())
    }

    /// A parcel that was told to be handed over was not: all that is in it is on its way.
    pub fn correct_delivery(
        &self,
        fulfilment_id: FulfilmentId,
        lines: Vec<Units>,
    ) -> Result<Vec<Event>, Error> {
        self.fulfilments.get(&fulfilment_id).ok_or(Error::NoSuchFulfilment)?;
        let lines = merge(lines, |sku| self.returnable(sku)).map_err(Error::CameBack)?;
        Ok(vec![DeliveryCorrected { fulfilment_id, lines }.into()])
    }

    /// A parcel that was told to be handed over never came.
    pub fn lose_delivered(
        &self,
        fulfilment_id: FulfilmentId,
        lines: Vec<Units>,
    ) -> Result<Vec<Event>, Error> {
        let mut events = self.correct_delivery(fulfilment_id, lines)?;
        let mut after = self.clone();
        for event in &events {
            after.evolve(event);
        }
        events.extend(after.close_fulfilment(fulfilment_id, ParcelOutcome::Lost)?);
        Ok(events)
    }

    /// A parcel reached its end.
    pub fn close_fulfilment(
        &self,
        fulfilment_id: FulfilmentId,
        outcome: ParcelOutcome,
    ) -> Result<Vec<Event>, Error> {
        self.end_parcel(fulfilment_id, outcome, vec![])
    }

    /// A parcel came back, of which these units go out again in another: they are in none now.
    pub fn take_parcel_back(
        &self,
        fulfilment_id: FulfilmentId,
        again: Vec<Units>,
    ) -> Result<Vec<Event>, Error> {
        self.end_parcel(fulfilment_id, ParcelOutcome::Returned, again)
    }

    fn end_parcel(
        &self,
        fulfilment_id: FulfilmentId,
        outcome: ParcelOutcome,
        again: Vec<Units>,
    ) -> Result<Vec<Event>, Error> {
        let owed = self.owed().ok_or(Error::NotFound)?;
        let parcel = self.fulfilments.get(&fulfilment_id).ok_or(Error::NoSuchFulfilment)?;
        match (parcel.stage, outcome) {
            // Found: what became of its money because it was lost stands.
            (
                Stage::Closed(ParcelOutcome::Lost),
                ParcelOutcome::Delivered | ParcelOutcome::Returned,
            )
            // It was told to have come back, and is off as before.
            | (Stage::Closed(ParcelOutcome::Returned), ParcelOutcome::Lost)
            | (Stage::Planned | Stage::Shipped, _) => {}
            (Stage::Closed(_), _) => return Ok(vec![]),
        }
        let lines = parcel.lines.clone();
        let off = [ParcelOutcome::Lost, ParcelOutcome::Returned].map(Stage::Closed);
        let found = off.contains(&parcel.stage);
        if found && !again.is_empty() {
            return Err(Error::GivenUp);
        }
        let (amount, none) = (None, None);
        let closed = FulfilmentClosed {
            fulfilment_id,
            outcome,
            lines,
            again,
            amount,
            found,
            regained: none,
        };
        let mut after = self.clone();
        after.evolve(&closed.clone().into());
        let amount = Some(reduced(owed, &after)).filter(|amount| !amount.is_zero());
        let end = after.end(CancelReason::Undeliverable);
        if let Some(end) = &end {
            after.evolve(end);
        }
        let closed = FulfilmentClosed { amount, regained: regained(owed, &after), ..closed };
        Ok([closed.into()].into_iter().chain(end).collect())
    }

    /// Units of `sku` that were delivered and are neither back nor announced.
    pub fn returnable(&self, sku: &Sku) -> u32 {
        let of = self.progress(sku);
        of.delivered.saturating_sub(of.returned).saturating_sub(of.returning)
    }

    /// Everything that is in no parcel.
    pub(super) fn all_left(&self) -> Vec<Units> {
        let left = self.lines.iter().filter_map(|line| {
            let quantity = Quantity::try_from(self.unplanned(&line.sku)).ok()?;
            Some(Units { sku: line.sku.clone(), quantity })
        });
        left.collect()
    }

    fn must_be_confirmed(&self) -> Result<(), Error> {
        match self.status {
            Status::Confirmed => Ok(()),
            Status::Cancelled => Err(Error::Cancelled),
            Status::Completed => Err(Error::Completed),
            Status::Pending => Err(Error::NotConfirmed),
            Status::Unplaced => Err(Error::NotFound),
        }
    }
}

/// How much less is owed for an order than before.
pub(super) fn reduced(before: Money, after: &Order) -> Money {
    after.owed().map_or(before, |owed| before.less(owed))
}

/// How much more is owed for an order than before, if anything.
pub(super) fn regained(before: Money, after: &Order) -> Option<Money> {
    let more = after.owed()?.less(before);
    (!more.is_zero()).then_some(more)
}

/// The same SKU named twice is one line of both. Names all lines of which fewer are left.
pub(crate) fn merge(
    wanted: Vec<Units>,
    left: impl Fn(&Sku) -> u32,
) -> Result<Vec<Units>, Vec<UnitsLeft>> {
    let mut sums: BTreeMap<Sku, u32> = BTreeMap::new();
    for Units { sku, quantity } in wanted {
        let sum = sums.entry(sku).or_default();
        *sum = sum.saturating_add(quantity.get());
    }
    let (mut lines, mut short) = (Vec::new(), Vec::new());
    for (sku, wanted) in sums {
        let left = left(&sku);
        match Quantity::try_from(wanted) {
            Ok(quantity) if wanted <= left => lines.push(Units { sku, quantity }),
            _ => short.push(UnitsLeft { sku, wanted, left }),
        }
    }
    if short.is_empty() { Ok(lines) } else { Err(short) }
}

/// Units of `sku` in `lines`.
pub(crate) fn units_of(lines: &[Units], sku: &Sku) -> u32 {
    lines.iter().filter(|units| units.sku == *sku).map(|units| units.quantity.get()).sum()
}

/// `lines` without `gone`.
pub(crate) fn without(lines: &[Units], gone: &[Units]) -> Vec<Units> {
    let left = |Units { sku, quantity }: &Units| {
        let left = quantity.get().saturating_sub(units_of(gone, sku));
        Some(Units { sku: sku.clone(), quantity: Quantity::try_from(left).ok()? })
    };
    lines.iter().filter_map(left).collect()
}
