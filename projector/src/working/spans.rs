//! The folding of a batch, as a span of each trace that one of its events belongs to.

use std::sync::Arc;
use std::time::SystemTime;

use event_store::RawEvent;
use trace::{Kind, Span};

use crate::checkpoint::Lease;
use crate::working::fold::BatchError;

/// What is being folded, of events that are traced. Ends when it is dropped.
pub struct Spans(Vec<Span>);

impl Spans {
    /// Begins to fold a batch. Without any, where no spans are made.
    pub fn begin(lease: &Lease, events: &[Arc<RawEvent>]) -> Self {
        if !trace::is_recorded() {
            return Self(Vec::new());
        }
        let began = SystemTime::now();
        let wanted = events.iter().filter(|event| lease.reads(event));
        Self(wanted.filter_map(|event| folding(lease, event, began)).collect())
    }

    /// Nothing was folded.
    pub fn fail(mut self, error: &BatchError) {
        for span in &mut self.0 {
            span.fail(error.to_string());
        }
    }
}

fn folding(lease: &Lease, event: &RawEvent, began: SystemTime) -> Option<Span> {
    let name = lease.projection.name;
    let called = format!("fold {name} {}", event.kind);
    let mut span = trace::begin(Kind::Consumer, called, Some(event.trace()?), began)?;
    span.set(trace::PROJECTION, name);
    span.set(trace::POSITION, event.position);
    Some(span)
}
