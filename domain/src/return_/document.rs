//! The document of a return. It is served as part of its order's.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Event;
use crate::StreamId;
use crate::ids::{OrderId, ReturnId};
use crate::money::Money;
use crate::order::Units;
use crate::return_::{self, Arrival, Status, Withheld};
use crate::seen::{Seen, stamp};
use crate::text::Note;

/// A return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Return", extend("examples" = [crate::page::example::return_()]))]
pub struct Document {
    /// Its id.
    pub id: ReturnId,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Whose goods.
    pub order_id: OrderId,
    /// Where it stands in its life.
    pub status: Status,
    /// What is to come back.
    pub lines: Vec<Units>,
    /// Why.
    pub reason: Note,
    /// Why it was refused.
    pub rejection: Option<Note>,
    /// What arrived.
    pub received: Vec<Arrival>,
    /// What of their price is not given back.
    pub withheld: Vec<Withheld>,
    /// How much less is owed for the order since, once something arrived.
    pub amount: Option<Money>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Return(event), StreamId::Return(id)) = (seen.event, seen.stream) else {
        return document;
    };
    if let return_::Event::Requested(requested) = event {
        return document.or_else(|| Some(create(*id, requested, seen)));
    }
    let mut document = document?;
    if document.id == *id {
        document.apply(event);
        stamp!(document, seen);
    }
    Some(document)
}

fn create(id: ReturnId, requested: &return_::Requested, seen: &Seen) -> Document {
    Document {
        id,
        version: seen.version,
        position: seen.position,
        order_id: requested.order_id,
        status: Status::Requested,
        lines: requested.lines.clone(),
        reason: requested.reason.clone(),
        rejection: None,
        received: vec![],
        withheld: vec![],
        amount: None,
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    fn apply(&mut self, event: &return_::Event) {
        match event {
            return_::Event::Requested(_) => {}
            return_::Event::Approved(_) => self.status = Status::Approved,
            return_::Event::Rejected(rejected) => {
                self.status = Status::Rejected;
                self.rejection = Some(rejected.reason.clone());
            }
            return_::Event::Received(received) => {
                self.status = Status::Received;
                self.received.extend(received.lines.clone());
                self.withheld.extend(received.withheld.clone());
            }
            return_::Event::ReceiptCorrected(corrected) => {
                self.status = corrected.leads_to(self.status);
                self.received.clone_from(&corrected.lines);
                if let Some(amount) = corrected.withheld {
                    let told = Withheld { amount, reason: corrected.reason.clone() };
                    self.withheld = if amount.is_zero() { vec![] } else { vec![told] };
                }
            }
            return_::Event::Withdrawn(_) => self.status = Status::Withdrawn,
            return_::Event::Closed(_) => self.status = Status::Closed,
        }
    }
}
