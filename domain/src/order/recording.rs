//! Orders that were sold before they came to this log, as other books have them: at the prices and
//! totals that stand there. What becomes of them here is decided as of all others.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::rules::{begun, sum};
use super::{Error, Event, Line, Order, Placed, RECORDED_LINES_MAX, Status};
use crate::ids::{AddressId, CustomerId};
use crate::text::{Quantity, Sku};

/// What an order was that was sold before it came to this log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// Whose it is, unless a guest's.
    pub customer_id: Option<CustomerId>,
    /// Where it went, if that is known.
    pub address_id: Option<AddressId>,
    /// What was bought. A SKU named twice is one line of both.
    pub lines: Vec<Line>,
    /// When it was placed.
    pub at: DateTime<Utc>,
}

impl Order {
    /// Makes it out of what other books say was bought, and what that cost there. Nothing of it is
    /// reserved, so there is nothing to end but the moment it was placed at.
    pub fn record(&self, recording: Recording) -> Result<Vec<Event>, Error> {
        if self.status != Status::Unplaced {
            return Err(Error::AlreadyExists);
        }
        let Recording { customer_id, address_id, lines, at } = recording;
        let lines = merged(lines).ok_or(Error::TotalOutOfBounds)?;
        if lines.len() > RECORDED_LINES_MAX {
            return Err(Error::TooManyLines);
        }
        let total = sum(&lines).ok_or(Error::TotalOutOfBounds)?;
        if lines.iter().any(|line| line.unit_price.currency() != total.currency()) {
            return Err(Error::TotalOutOfBounds);
        }
        Ok(begun(Placed {
            cart_id: None,
            customer_id,
            guest_id: None,
            address_id,
            lines,
            total,
            reserved_until: at,
            recorded: true,
        }))
    }
}

/// Each SKU once, as it was named first.
fn merged(lines: Vec<Line>) -> Option<Vec<Line>> {
    let mut merged: Vec<Line> = Vec::with_capacity(lines.len());
    let mut places: BTreeMap<Sku, usize> = BTreeMap::new();
    for line in lines {
        let place = *places.entry(line.sku.clone()).or_insert(merged.len());
        match merged.get_mut(place) {
            None => merged.push(line),
            Some(first) => {
                let units = first.quantity.get().checked_add(line.quantity.get())?;
                first.quantity = Quantity::try_from(units).ok()?;
                first.total = first.total.plus(line.total)?;
            }
        }
    }
    Some(merged)
}
