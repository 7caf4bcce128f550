//! The document of a medlar.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::QuinceId;
use crate::quince;
use crate::seen::{Seen, stamp};
use crate::text::Label;
use crate::{Event, StreamId};

/// Where a medlar stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "QuinceStatus")]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In use.
    Open,
    /// Not used any more.
    Retired,
}

/// A medlar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Quince")]
pub struct Document {
    /// Its id.
    pub id: QuinceId,
    /// The version of its stream.
    pub version: i64,
    /// The position of the last event in it.
    pub position: i64,
    /// Where it stands in its life.
    pub status: Status,
    /// What people call it.
    pub title: Label,
    /// When it came into being.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// The document after an event.
pub fn fold(document: Option<Document>, seen: &Seen) -> Option<Document> {
    let (Event::Quince(event), StreamId::Quince(id)) = (seen.event, seen.stream) else {
        return document;
    };
    if let quince::Event::Created(created) = event {
        return document.or_else(|| Some(create(*id, created, seen)));
    }
    let mut document = document?;
    if document.id == *id {
        document.apply(event);
        stamp!(document, seen);
    }
    Some(document)
}

fn create(id: QuinceId, created: &quince::Created, seen: &Seen) -> Document {
    Document {
        id,
        version: seen.version,
        position: seen.position,
        status: Status::Open,
        title: created.title.clone(),
        created_at: seen.occurred_at,
        updated_at: seen.occurred_at,
    }
}

impl Document {
    fn apply(&mut self, event: &quince::Event) {
        match event {
            quince::Event::Created(_) => {}
            quince::Event::Retired(_) => self.status = Status::Retired,
        }
    }
}
