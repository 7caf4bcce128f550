//! What one part of the engine did about something, from when to when.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::SystemTime;

use opentelemetry::global::{BoxedSpan, BoxedTracer};
use opentelemetry::trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, Value};

use crate::parent::TraceParent;

/// The attribute that says where an event stands in the log.
pub const POSITION: &str = "commerce.position";
/// The attribute that says which projection folds it.
pub const PROJECTION: &str = "commerce.projection";
/// The attribute that says what is done because of it.
pub const REACTION: &str = "commerce.reaction";

static TRACER: OnceLock<BoxedTracer> = OnceLock::new();

/// Has all spans of this process made by it from now on. A second call changes nothing.
pub fn record_with(tracer: BoxedTracer) {
    let _said_before = TRACER.set(tracer);
}

/// Whether spans are made in this process at all.
pub fn is_recorded() -> bool {
    TRACER.get().is_some()
}

/// What a span is to the others of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request was answered.
    Server,
    /// Something was handed to others who will see to it later.
    Producer,
    /// What others handed over was seen to.
    Consumer,
}

impl From<Kind> for SpanKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Server => Self::Server,
            Kind::Producer => Self::Producer,
            Kind::Consumer => Self::Consumer,
        }
    }
}

/// What is being done. It ends when it is dropped.
#[derive(Debug)]
pub struct Span(BoxedSpan);

/// Begins a span at a time; the first of a trace, if there is no parent. `None` in a process that
/// makes none.
pub fn begin(
    kind: Kind,
    name: impl Into<Cow<'static, str>>,
    parent: Option<TraceParent>,
    began: SystemTime,
) -> Option<Span> {
    let tracer = TRACER.get()?;
    let builder = SpanBuilder::from_name(name).with_kind(kind.into()).with_start_time(began);
    // Never below what happens to be current: who began this says what it belongs to.
    let mut context = Context::new();
    if let Some(parent) = parent {
        context = context.with_remote_span_context(parent.context());
    }
    Some(Span(tracer.build_with_context(builder, &context)))
}

impl Span {
    /// What is brought about by it belongs here.
    pub fn parent(&self) -> TraceParent {
        TraceParent::of(self.0.span_context())
    }

    /// Calls it otherwise than at its beginning.
    pub fn call(&mut self, name: String) {
        self.0.update_name(name);
    }

    /// Says something of it, under a name of OpenTelemetry's semantic conventions where there is
    /// one.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if self.0.is_recording() {
            self.0.set_attribute(KeyValue::new(name, value));
        }
    }

    /// It came to nothing.
    pub fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        self.0.set_status(Status::error(why));
    }
}
