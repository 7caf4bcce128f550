//! What each event makes of a payment. Decides nothing.

use super::{
    Authorized, Created, DisputeStage, Disputed, Event, InFlight, Operation, Payment,
    RefundCorrected, Refunded, Remitted, Reported, Requested, Restoration, Restored, Stage, Terms,
};
use crate::money::Money;

impl Payment {
    /// Folds one event into the state.
    pub fn evolve(&mut self, event: &Event) {
        match event {
            Event::Created(created) => self.begin(created),
            Event::Requested(requested) => {
                let Requested { operation, amount, request, .. } = *requested;
                self.requests = request;
                self.reason.clone_from(&requested.reason);
                self.in_flight = Some(InFlight { operation, amount, request, unknown: false });
            }
            Event::OutcomeUnknown(_) => {
                if let Some(in_flight) = &mut self.in_flight {
                    in_flight.unknown = true;
                }
            }
            Event::ActionRequired(required) => {
                self.settle(Some(required.request));
                self.stage = Stage::RequiresAction;
                self.reference = required.reference.clone().or(self.reference.take());
            }
            Event::Authorized(authorized) => self.set_aside(authorized),
            Event::Captured(captured) => {
                self.settle(Some(captured.request));
                self.counted.extend(captured.reference.clone());
                self.take(captured.amount, captured.last);
            }
            Event::Refunded(refunded) => self.give_back(refunded),
            Event::RefundCorrected(corrected) => self.gave_back(corrected),
            Event::Reported(reported) => self.hear_of(reported),
            Event::Disputed(disputed) => self.dispute(disputed),
            Event::Voided(voided) => {
                self.settle(voided.request);
                self.close(Stage::Voided);
            }
            Event::Expired(_) => self.close(Stage::Expired),
            Event::Failed(_) => {
                self.in_flight = None;
                self.close(Stage::Failed);
            }
            Event::RequestFailed(failed) => {
                self.settle(Some(failed.request));
                self.refused = Some(failed.operation);
            }
            Event::Restored(restored) => self.restore(restored),
            Event::Resolved(_) | Event::Assigned(_) => {}
            Event::CollectionDue(_) => self.stage = Stage::Open,
            Event::Collected(collected) => self.take(collected.amount, false),
            Event::CollectionCorrected(corrected) => self.correct(corrected.amount),
            Event::Remitted(remitted) => self.hand_over(remitted),
            Event::RemittanceCorrected(corrected) => self.sum(|terms| {
                terms.remitted = corrected.amount;
                terms.written_off = corrected.written_off;
            }),
            Event::Uncollected(_) => self.close(Stage::Uncollected),
        }
    }

    fn begin(&mut self, created: &Created) {
        let zero = Money::zero(created.amount.currency());
        self.stage = Stage::Created;
        self.terms = Some(Terms {
            order_id: created.order_id,
            method: created.method,
            capture: created.capture,
            once: created.once,
            amount: created.amount,
            authorized: zero,
            captured: zero,
            refunded: zero,
            refunded_by_hand: zero,
            charged_back: zero,
            remitted: zero,
            written_off: zero,
        });
    }

    fn set_aside(&mut self, authorized: &Authorized) {
        self.settle(authorized.request);
        self.stage = Stage::Open;
        self.reference = Some(authorized.reference.clone());
        self.sum(|terms| terms.authorized = authorized.amount);
        // Told late, it may have been taken by then.
        self.done_if_taken(false);
    }

    fn give_back(&mut self, refunded: &Refunded) {
        self.settle(refunded.request);
        self.counted.extend(refunded.reference.clone());
        self.sum(|terms| {
            add(&mut terms.refunded, refunded.amount);
            if refunded.is_by_hand() {
                add(&mut terms.refunded_by_hand, refunded.amount);
            }
        });
    }

    fn gave_back(&mut self, corrected: &RefundCorrected) {
        self.sum(|terms| {
            terms.refunded = terms.refunded.less(corrected.before);
            add(&mut terms.refunded, corrected.amount);
            terms.refunded_by_hand = corrected.amount;
        });
    }

    fn hand_over(&mut self, remitted: &Remitted) {
        self.sum(|terms| {
            add(&mut terms.remitted, remitted.amount);
            if let Some(of) = &remitted.written_off {
                add(&mut terms.written_off, of.amount);
            }
        });
    }

    fn hear_of(&mut self, reported: &Reported) {
        self.counted.insert(reported.reference.clone());
        match reported.operation {
            Operation::Capture => {
                let once = self.terms.as_ref().is_some_and(|terms| terms.once);
                self.take(reported.amount, once);
            }
            Operation::Refund => self.sum(|terms| add(&mut terms.refunded, reported.amount)),
            Operation::Authorize | Operation::Void => {}
        }
    }

    fn dispute(&mut self, disputed: &Disputed) {
        if disputed.stage != DisputeStage::Opened {
            self.ended_disputes.insert(disputed.reference.clone());
        }
        if disputed.stage == DisputeStage::Lost {
            self.counted.insert(disputed.reference.clone());
            self.sum(|terms| add(&mut terms.charged_back, disputed.amount));
        }
    }

    fn restore(&mut self, restored: &Restored) {
        let (reference, amount) = (&restored.reference, restored.amount);
        match restored.what {
            Restoration::Refund => {
                self.failed_refunds.insert(reference.clone());
                self.sum(|terms| terms.refunded = terms.refunded.less(amount));
            }
            Restoration::Dispute => {
                self.counted.remove(reference);
                self.sum(|terms| terms.charged_back = terms.charged_back.less(amount));
            }
        }
    }

    /// The request was answered.
    fn settle(&mut self, request: Option<u32>) {
        self.refused = None;
        self.in_flight = self.in_flight.filter(|waiting| Some(waiting.request) != request);
        if self.in_flight.is_none() {
            self.reason = None;
        }
    }

    fn sum(&mut self, change: impl FnOnce(&mut Terms)) {
        if let Some(terms) = &mut self.terms {
            change(terms);
        }
    }

    fn take(&mut self, amount: Money, last: bool) {
        self.sum(|terms| add(&mut terms.captured, amount));
        self.done_if_taken(last);
    }

    /// In all so much was collected: the rest is due again, or nothing more is.
    fn correct(&mut self, amount: Money) {
        let Some(terms) = &mut self.terms else { return };
        let all = |taken: Money| taken.amount() >= terms.amount.amount();
        let (was_all, is_all) = (all(terms.captured), all(amount));
        terms.captured = amount;
        self.stage = match self.stage {
            _ if is_all => Stage::Done,
            Stage::Done if was_all => Stage::Open,
            Stage::Done if amount.is_zero() => Stage::Uncollected,
            stage => stage,
        };
    }

    fn done_if_taken(&mut self, last: bool) {
        let Some(terms) = &self.terms else { return };
        // Told before what is set aside: it is done if it was all that is due.
        let early = terms.authorized.is_zero();
        let most = if early { terms.amount } else { terms.at_most_captured() };
        if last || terms.captured.amount() >= most.amount() {
            self.stage = Stage::Done;
        }
    }

    /// Nothing more is taken. What was taken stands.
    fn close(&mut self, without: Stage) {
        let taken = self.terms.as_ref().is_some_and(|terms| !terms.captured.is_zero());
        self.stage = if taken { Stage::Done } else { without };
    }
}

// Sums are checked by the rules; an impossible one leaves the amount as it was.
fn add(sum: &mut Money, amount: Money) {
    *sum = sum.plus(amount).unwrap_or(*sum);
}
