//! What is owed for an order, and for how many of its units. Decides nothing.

use super::{Line, LineProgress, Order, Parcel, ParcelOutcome, Stage, Status};
use crate::ids::{FulfilmentId, PaymentId};
use crate::money::Money;
use crate::text::Sku;

impl Order {
    /// How far the units of a line have come.
    pub fn progress(&self, sku: &Sku) -> LineProgress {
        self.progress.get(sku).copied().unwrap_or_default()
    }

    /// Units of a line that were not called off, sent back, lost or returned.
    pub fn kept(&self, line: &Line) -> u32 {
        let LineProgress { off, returned, .. } = self.progress(&line.sku);
        line.quantity.get().saturating_sub(off).saturating_sub(returned)
    }

    /// Units of all lines that are still to be had, or were.
    pub fn units(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(self.kept(line))).sum()
    }

    /// The lines whose units stock is asked for, or has set aside: none of what was recorded.
    pub fn stocked_lines(&self) -> &[Line] {
        if self.recorded { &[] } else { &self.lines }
    }

    /// Units of `sku` that are in no parcel yet, or only in parcels that were called off.
    pub fn unplanned(&self, sku: &Sku) -> u32 {
        let ordered = self.lines.iter().find(|line| line.sku == *sku);
        let LineProgress { planned, moving, delivered, off, .. } = self.progress(sku);
        let gone = planned + moving + delivered + off;
        ordered.map_or(0, |line| line.quantity.get().saturating_sub(gone))
    }

    /// Units of `sku` that have not left, in parcels or in none.
    pub fn unsent(&self, sku: &Sku) -> u32 {
        self.unplanned(sku) + self.progress(sku).planned
    }

    /// Its parcels that have not left.
    pub fn planned(&self) -> impl DoubleEndedIterator<Item = (FulfilmentId, &Parcel)> {
        let planned = self.fulfilments.iter().filter(|(_, parcel)| parcel.stage == Stage::Planned);
        planned.map(|(id, parcel)| (*id, parcel))
    }

    /// What is to be paid for it in the end. Nothing is owed for an order that is off.
    pub fn owed(&self) -> Option<Money> {
        match self.status {
            Status::Cancelled => self.worth(|_, _| 0),
            Status::Unplaced | Status::Pending | Status::Confirmed | Status::Completed => {
                self.owed_unless_off()
            }
        }
    }

    /// What would be owed for it if it were not off.
    pub fn owed_unless_off(&self) -> Option<Money> {
        self.with_withheld(self.worth(Self::kept)?)
    }

    /// What is to be paid for what has left and did not come back.
    pub fn owed_for_sent(&self) -> Option<Money> {
        let sent = self.worth(|order, line| {
            let LineProgress { moving, delivered, returned, .. } = order.progress(&line.sku);
            (moving + delivered).saturating_sub(returned)
        });
        self.with_withheld(sent?)
    }

    /// What is to be paid for what was handed over and did not come back.
    pub fn owed_for_delivered(&self) -> Option<Money> {
        let delivered = self.worth(|order, line| {
            let LineProgress { delivered, returned, .. } = order.progress(&line.sku);
            delivered.saturating_sub(returned)
        });
        self.with_withheld(delivered?)
    }

    /// What was to be paid for what had left and is gone: it was returned, came back as it was
    /// sent, or was lost.
    pub fn worth_of_gone(&self) -> Option<Money> {
        let gone = self.worth(|order, line| {
            let LineProgress { returned, gone, .. } = order.progress(&line.sku);
            returned.saturating_add(gone)
        })?;
        Some(self.withheld.map_or(gone, |withheld| gone.less(withheld)))
    }

    fn with_withheld(&self, sum: Money) -> Option<Money> {
        self.withheld.map_or(Some(sum), |withheld| sum.plus(withheld))
    }

    fn worth(&self, units: impl Fn(&Self, &Line) -> u32) -> Option<Money> {
        let zero = Money::zero(self.total?.currency());
        self.lines.iter().try_fold(zero, |sum, line| {
            sum.plus(line.total.share(units(self, line), line.quantity.get()))
        })
    }

    /// Whether any unit is on its way or was handed over.
    pub fn has_left(&self) -> bool {
        self.progress.values().any(|of| of.moving + of.delivered > 0)
    }

    /// Whether anything of it ever left, whatever became of it since.
    pub fn has_ever_left(&self) -> bool {
        let stayed = |of: &Parcel| {
            matches!(of.stage, Stage::Planned | Stage::Closed(ParcelOutcome::Cancelled))
        };
        self.has_left() || !self.fulfilments.values().all(stayed)
    }

    /// Whether any unit was handed over.
    pub fn any_delivered(&self) -> bool {
        self.progress.values().any(|of| of.delivered > 0)
    }

    /// Whether every unit was delivered or is off.
    pub(super) fn all_done(&self) -> bool {
        self.lines.iter().all(|line| {
            let LineProgress { delivered, off, .. } = self.progress(&line.sku);
            delivered + off >= line.quantity.get()
        })
    }

    /// The payments that did not come to nothing.
    pub fn standing_payments(&self) -> impl Iterator<Item = PaymentId> {
        self.payments.iter().filter(|(_, attempt)| !attempt.ended).map(|(id, _)| *id)
    }
}
