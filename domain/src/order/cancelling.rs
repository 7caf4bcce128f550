//! What of an order is called off: all of it, some units, or what a line has too many of. What
//! becomes of its money is said in [`crate::command`].

use std::collections::BTreeMap;

use super::fulfilling::{merge, reduced};
use super::{
    CancelReason, Cancelled, Error, Event, FulfilmentClosed, Order, Parcel, ParcelOutcome, Status,
    Units, UnitsCancelled,
};
use crate::ids::FulfilmentId;
use crate::text::{Note, Quantity, Sku};

impl Order {
    /// Calls off as much as a line has beyond `quantity`, none of which has left.
    pub fn shrink_line(&self, sku: &Sku, quantity: u32) -> Result<Vec<Units>, Error> {
        self.must_be_open()?;
        let line = self.lines.iter().find(|line| line.sku == *sku).ok_or(Error::NoSuchLine)?;
        let has = self.kept(line);
        if quantity > has {
            return Err(Error::LineCannotGrow { sku: sku.clone(), has });
        }
        let fewer = Quantity::try_from(has - quantity).ok();
        Ok(fewer.map(|quantity| Units { sku: sku.clone(), quantity }).into_iter().collect())
    }

    /// Calls units off that have not left, those in parcels too but for those that are `packed`.
    /// The last ones end the order.
    pub fn cancel_units(
        &self,
        lines: Vec<Units>,
        packed: &[FulfilmentId],
        reason: Note,
    ) -> Result<Vec<Event>, Error> {
        self.total.ok_or(Error::NotFound)?;
        self.must_be_open()?;
        let lines = merge(lines, |sku| self.unsent(sku)).map_err(Error::NothingLeft)?;
        let mut events = self.open_parcels(&lines, packed)?;
        let mut after = self.clone();
        for event in &events {
            after.evolve(event);
        }
        events.extend(after.call_off(lines, reason)?);
        Ok(events)
    }

    /// Calls off the parcels that hold these units, as far as they are in no other place: as few as
    /// it takes, those that were planned last first. What else is in them is to be planned again.
    fn open_parcels(&self, lines: &[Units], packed: &[FulfilmentId]) -> Result<Vec<Event>, Error> {
        let in_parcels = |Units { sku, quantity }: &Units| {
            (sku.clone(), quantity.get().saturating_sub(self.unplanned(sku)))
        };
        let mut wanted: BTreeMap<Sku, u32> = lines.iter().map(in_parcels).collect();
        wanted.retain(|_, units| *units > 0);
        let holds = |parcel: &Parcel, wanted: &BTreeMap<Sku, u32>| {
            parcel.lines.iter().any(|units| wanted.contains_key(&units.sku))
        };
        let mut events = Vec::new();
        for (id, parcel) in self.planned().rev().filter(|(id, _)| !packed.contains(id)) {
            if !holds(parcel, &wanted) {
                continue;
            }
            for Units { sku, quantity } in &parcel.lines {
                if let Some(units) = wanted.get_mut(sku) {
                    *units = units.saturating_sub(quantity.get());
                }
            }
            wanted.retain(|_, units| *units > 0);
            events.push(called_off((id, parcel)));
        }
        if wanted.is_empty() {
            return Ok(events);
        }
        let rest = self.planned().filter(|(id, of)| packed.contains(id) && holds(of, &wanted));
        Err(Error::Packed { fulfilment_ids: rest.map(|(id, _)| id).collect() })
    }

    /// Calls units off that are in no parcel.
    fn call_off(&self, lines: Vec<Units>, reason: Note) -> Result<Vec<Event>, Error> {
        let owed = self.owed().ok_or(Error::NotFound)?;
        if lines.is_empty() {
            return Ok(vec![]);
        }
        let was_confirmed = self.status == Status::Confirmed;
        let mut after = self.clone();
        let cancelled =
            UnitsCancelled { lines, reason: reason.clone(), amount: owed, was_confirmed };
        after.evolve(&cancelled.clone().into());
        let amount = reduced(owed, &after);
        let mut events = vec![UnitsCancelled { amount, ..cancelled }.into()];
        events.extend(after.end(CancelReason::Requested(reason)));
        events.extend(after.certain_as_free());
        Ok(events)
    }

    /// Calls it off: all of it where nothing has left, otherwise what has not.
    pub fn cancel(&self, reason: CancelReason) -> Result<Vec<Event>, Error> {
        let total = self.owed().ok_or(Error::NotFound)?;
        match self.status {
            Status::Cancelled => return Ok(vec![]),
            Status::Completed => return Err(Error::Completed),
            Status::Unplaced => return Err(Error::NotFound),
            Status::Pending | Status::Confirmed => {}
        }
        let mut after = self.clone();
        let mut events = self.close_planned();
        for event in &events {
            after.evolve(event);
        }
        if after.has_left() {
            let CancelReason::Requested(note) = reason else { return Err(Error::AlreadyShipped) };
            let unsent = after.all_left();
            if unsent.is_empty() {
                return Err(Error::AlreadyShipped);
            }
            events.extend(after.call_off(unsent, note)?);
        } else {
            let was_confirmed = self.status == Status::Confirmed;
            let units = self.units();
            events.push(Cancelled { reason, was_confirmed, total, units }.into());
        }
        Ok(events)
    }

    fn close_planned(&self) -> Vec<Event> {
        self.planned().map(called_off).collect()
    }
}

fn called_off((fulfilment_id, parcel): (FulfilmentId, &Parcel)) -> Event {
    let (lines, outcome) = (parcel.lines.clone(), ParcelOutcome::Cancelled);
    let (again, amount, found, regained) = (vec![], None, false, None);
    FulfilmentClosed { fulfilment_id, outcome, lines, again, amount, found, regained }.into()
}
