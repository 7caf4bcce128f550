//! What of an order is called off: all of it, some units, or what a line has too many of. What
//! becomes of its money is said in [`crate::command`].

use super::fulfilling::{merge, reduced};
use super::{
    CancelReason, Cancelled, Error, Event, FulfilmentClosed, Order, Parcel, ParcelOutcome, Stage,
    Status, Units, UnitsCancelled,
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

    /// Calls units off that are in no parcel. The last ones end the order.
    pub fn cancel_units(&self, lines: Vec<Units>, reason: Note) -> Result<Vec<Event>, Error> {
        let owed = self.owed().ok_or(Error::NotFound)?;
        self.must_be_open()?;
        let lines = merge(lines, |sku| self.unplanned(sku)).map_err(Error::NothingLeft)?;
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
            events.extend(after.cancel_units(unsent, note)?);
        } else {
            let was_confirmed = self.status == Status::Confirmed;
            let units = self.units();
            events.push(Cancelled { reason, was_confirmed, total, units }.into());
        }
        Ok(events)
    }

    fn close_planned(&self) -> Vec<Event> {
        let planned = self.fulfilments.iter().filter(|(_, of)| of.stage == Stage::Planned);
        let close = |(id, parcel): (&FulfilmentId, &Parcel)| {
            let (fulfilment_id, lines) = (*id, parcel.lines.clone());
            let outcome = ParcelOutcome::Cancelled;
            let (again, amount, found, regained) = (vec![], None, false, None);
            let end =
                FulfilmentClosed { fulfilment_id, outcome, lines, again, amount, found, regained };
            end.into()
        };
        planned.map(close).collect()
    }
}
