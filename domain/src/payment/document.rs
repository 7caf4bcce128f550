//! The document of a payment. The card's token is not in it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::ids::{CustomerId, GuestId, OrderId, PaymentId};
use crate::money::Money;
use crate::order::PaymentMethod;
use crate::payment::{
    self, CapturePolicy, DisputeStage, InFlight, Operation, Payment, Refund, Stage, Status, Terms,
    refunds,
};
use crate::seen::{Seen, stamp};
use crate::text::{GatewayName, MediaUrl, Note, Token};

/// What the gateway is being asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pending {
    /// What.
    pub operation: Operation,
    /// How much of it.
    pub amount: Money,
    /// The number of the request, from 1.
    pub request: u32,
    /// Whether the gateway's answer was lost.
    pub unknown: bool,
}

/// A dispute that the customer began at their bank.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dispute {
    /// The gateway's name for it.
    pub reference: Token,
    /// How much.
    pub amount: Money,
    /// How far it has come.
    pub stage: DisputeStage,
}

/// One attempt to pay an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Payment", extend("examples" = [crate::page::example::payment()]))]
pub struct Document {
    /// Its id.
    pub id: PaymentId,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// What is paid.
    pub order_id: OrderId,
    /// Whose order that is, unless a guest's.
    pub customer_id: Option<CustomerId>,
    /// The guest whose order that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_id: Option<GuestId>,
    /// How.
    pub method: PaymentMethod,
    /// Through which gateway; none for cash.
    pub gateway: Option<GatewayName>,
    /// When the money is taken.
    pub capture: CapturePolicy,
    /// Whether the gateway takes money once and lets go of the rest with that.
    pub once: bool,
    /// Where it stands, as people say it.
    pub status: Status,
    /// What may still come of it.
    pub stage: Stage,
    /// How much is due.
    pub amount: Money,
    /// How much was set aside.
    pub authorized: Money,
    /// How much was taken.
    pub captured: Money,
    /// How much was given back.
    pub refunded: Money,
    /// How much of that by hand, and by no gateway.
    pub refunded_by_hand: Money,
    /// What was given back and stands, the first one first: the last hundred.
    pub refunds: Vec<Refund>,
    /// How much the bank took back after a dispute.
    pub charged_back: Money,
    /// How much the courier handed over.
    pub remitted: Money,
    /// How much of what the courier took is waited for no more.
    pub written_off: Money,
    /// What of what was taken in cash is still to be handed over.
    pub to_remit: Money,
    /// What the gateway keeps for itself, as far as it says.
    pub fees: Money,
    /// What the gateway is being asked for.
    pub pending: Option<Pending>,
    /// How many requests were made.
    pub requests: u32,
    /// The gateway's name for it.
    pub reference: Option<Token>,
    /// When the authorisation lapses.
    pub expires_at: Option<DateTime<Utc>>,
    /// Where the customer must confirm, without what lets them in there: that lies sealed.
    pub action_url: Option<MediaUrl>,
    /// Why it, or the last request, failed.
    pub failure: Option<Note>,
    /// The latest dispute.
    pub dispute: Option<Dispute>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Payment(event), StreamId::Payment(id)) = (seen.event, seen.stream) else {
        return document;
    };
    if let payment::Event::Created(created) = event {
        return document.or_else(|| Some(create(*id, created, seen)));
    }
    let mut document = document?;
    if document.id == *id {
        let mut state = document.state();
        state.evolve(event);
        document.take(state);
        document.note(event);
        refunds::fold(&mut document.refunds, event, seen.occurred_at);
        stamp!(document, seen);
    }
    Some(document)
}

fn create(id: PaymentId, created: &payment::Created, seen: &Seen) -> Document {
    let zero = Money::zero(created.amount.currency());
    Document {
        id,
        version: seen.version,
        position: seen.position,
        order_id: created.order_id,
        customer_id: created.customer_id,
        guest_id: created.guest_id,
        method: created.method,
        gateway: created.gateway.clone(),
        capture: created.capture,
        once: created.once,
        status: Status::Created,
        stage: Stage::Created,
        amount: created.amount,
        authorized: zero,
        captured: zero,
        refunded: zero,
        refunded_by_hand: zero,
        refunds: vec![],
        charged_back: zero,
        remitted: zero,
        written_off: zero,
        to_remit: zero,
        fees: zero,
        pending: None,
        requests: 0,
        reference: None,
        expires_at: None,
        action_url: None,
        failure: None,
        dispute: None,
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    /// What was taken of it and neither given back nor taken back.
    pub(crate) fn kept(&self) -> Money {
        self.captured.less(self.refunded).less(self.charged_back)
    }

    /// The state of the payment's rules, so that they are not written twice.
    fn state(&self) -> Payment {
        let in_flight = self.pending.as_ref().map(|pending| InFlight {
            operation: pending.operation,
            amount: pending.amount,
            request: pending.request,
            unknown: pending.unknown,
        });
        let terms = Terms {
            order_id: self.order_id,
            method: self.method,
            capture: self.capture,
            once: self.once,
            amount: self.amount,
            authorized: self.authorized,
            captured: self.captured,
            refunded: self.refunded,
            refunded_by_hand: self.refunded_by_hand,
            charged_back: self.charged_back,
            remitted: self.remitted,
            written_off: self.written_off,
        };
        let (stage, requests, reference) = (self.stage, self.requests, self.reference.clone());
        // What was counted, refused and meant is asked by the rules alone.
        let (terms, none) = (Some(terms), BTreeSet::new);
        let (counted, failed_refunds, ended_disputes) = (none(), none(), none());
        Payment {
            stage,
            terms,
            in_flight,
            reason: None,
            requests,
            reference,
            counted,
            failed_refunds,
            ended_disputes,
            refused: None,
        }
    }

    fn take(&mut self, state: Payment) {
        self.status = state.status().unwrap_or(self.status);
        let Payment { stage, terms, in_flight, requests, reference, .. } = state;
        self.stage = stage;
        self.requests = requests;
        self.reference = reference;
        self.pending = in_flight.map(|InFlight { operation, amount, request, unknown }| Pending {
            operation,
            amount,
            request,
            unknown,
        });
        if let Some(terms) = terms {
            self.authorized = terms.authorized;
            self.captured = terms.captured;
            self.refunded = terms.refunded;
            self.refunded_by_hand = terms.refunded_by_hand;
            self.charged_back = terms.charged_back;
            self.remitted = terms.remitted;
            self.written_off = terms.written_off;
            if terms.method == PaymentMethod::CashOnDelivery {
                self.to_remit = terms.to_remit();
            }
        }
    }

    /// What readers are told that the rules do not need.
    fn note(&mut self, event: &payment::Event) {
        match event {
            payment::Event::ActionRequired(required) => {
                self.action_url = Some(required.url.clone());
            }
            payment::Event::Authorized(authorized) => {
                self.expires_at = Some(authorized.expires_at);
                self.action_url = None;
            }
            payment::Event::Failed(failed) => {
                self.failure = Some(failed.reason.clone());
                self.action_url = None;
            }
            payment::Event::RequestFailed(failed) => self.failure = Some(failed.reason.clone()),
            payment::Event::Captured(captured) => {
                let fees = captured.fee.and_then(|fee| self.fees.plus(fee));
                self.fees = fees.unwrap_or(self.fees);
            }
            payment::Event::Disputed(disputed) => {
                let payment::Disputed { reference, amount, stage, .. } = disputed.clone();
                self.dispute = Some(Dispute { reference, amount, stage });
            }
            payment::Event::Uncollected(uncollected) => {
                self.failure.clone_from(&uncollected.reason);
            }
            payment::Event::Restored(restored) => self.failure.clone_from(&restored.reason),
            payment::Event::Requested(_) => self.failure = None,
            payment::Event::Assigned(assigned) => {
                self.customer_id = Some(assigned.customer_id);
                self.guest_id = None;
            }
            payment::Event::Created(_)
            | payment::Event::Voided(_)
            | payment::Event::Expired(_)
            | payment::Event::Refunded(_)
            | payment::Event::RefundCorrected(_)
            | payment::Event::OutcomeUnknown(_)
            | payment::Event::CollectionDue(_)
            | payment::Event::Collected(_)
            | payment::Event::CollectionCorrected(_)
            | payment::Event::Resolved(_)
            | payment::Event::Reported(_)
            | payment::Event::RemittanceCorrected(_)
            | payment::Event::Remitted(_) => {}
        }
    }
}
