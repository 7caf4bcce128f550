//! What a command sets going is one trace, from its request through the relay and a projector to
//! the row that readers see: [`TraceParent`] goes with the event, a [`Span`] is what each of them
//! did about it.
//!
//! Nothing here knows where spans go: a program says so once, by [`record_with`]. Until then none
//! is made, and the trace that a caller gave is passed on as it is.

mod parent;
mod span;

pub use parent::TraceParent;
pub use span::{Kind, POSITION, PROJECTION, REACTION, Span, begin, is_recorded, record_with};
