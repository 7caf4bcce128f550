//! What was given back of a payment, one by one, as its readers see it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Money;
use crate::payment::{Event, Operation, Restoration};
use crate::text::{Note, Token};

/// Refunds of a payment that are shown: the latest ones.
pub const REFUNDS_SHOWN_MAX: usize = 100;

/// Money that was given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refund {
    /// How much.
    pub amount: Money,
    /// Why, if somebody said so.
    pub reason: Option<Note>,
    /// Whether by hand, and by no gateway. What was told wrongly of these is one of them all.
    pub by_hand: bool,
    /// The gateway's name for it.
    pub reference: Option<Token>,
    /// When.
    pub at: DateTime<Utc>,
}

/// The refunds that stand after an event, the first one first.
pub(super) fn fold(refunds: &mut Vec<Refund>, event: &Event, at: DateTime<Utc>) {
    match event {
        // The answer to what was reported before says why.
        Event::Refunded(told) if told.amount.is_zero() => {
            if let Some(known) = named(refunds, told.reference.as_ref()) {
                known.reason.clone_from(&told.reason);
            }
        }
        Event::Refunded(told) => {
            let (by_hand, reason) = (told.is_by_hand(), told.reason.clone());
            let (amount, reference) = (told.amount, told.reference.clone());
            refunds.push(Refund { amount, reason, by_hand, reference, at });
        }
        Event::Reported(told) if told.operation == Operation::Refund => {
            let (amount, reference) = (told.amount, Some(told.reference.clone()));
            refunds.push(Refund { amount, reason: None, by_hand: false, reference, at });
        }
        Event::RefundCorrected(told) => {
            refunds.retain(|refund| !refund.by_hand);
            if !told.amount.is_zero() {
                let (amount, reason) = (told.amount, Some(told.reason.clone()));
                refunds.push(Refund { amount, reason, by_hand: true, reference: None, at });
            }
        }
        Event::Restored(told) if told.what == Restoration::Refund => {
            refunds.retain(|refund| refund.reference.as_ref() != Some(&told.reference));
        }
        _ => {}
    }
    if refunds.len() > REFUNDS_SHOWN_MAX {
        refunds.remove(0);
    }
}

fn named<'a>(refunds: &'a mut [Refund], reference: Option<&Token>) -> Option<&'a mut Refund> {
    refunds.iter_mut().find(|refund| reference.is_some() && refund.reference.as_ref() == reference)
}
