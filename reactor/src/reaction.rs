//! What a reaction is: which events it looks at, what they make of the list of things to do, and
//! how one of them is done.
//!
//! When it is done, by which process and how often it is tried is not its affair.

use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

use domain::Category;
use event_store::Recorded;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use trace::{Kind, Span, TraceParent};

use crate::hands::Hands;
use crate::notes::{Changes, List};
use crate::task::{Done, Retry, Task};

/// Something that happens by itself after an event, now or when its time has come.
///
/// One that was never here before begins at the head of the log, when the first program that has it
/// starts: what happened before is not its affair. Where it is, a migration enters it in
/// `reactions` at position 0.
pub trait Reaction: 'static {
    /// Stands in keys and rows: never rename one.
    const NAME: &'static str;
    /// The kinds of stream whose events it looks at.
    const READS: &'static [Category];
    /// Types of their events that make nothing of the list, and of which there are so many that
    /// they are left in the log.
    const PASSES: &'static [&'static str] = &[];
    /// What a thing to do is about. Its text stands in the list.
    type Subject: Display + FromStr + Send + Sync;

    /// What one event makes of the list. Only of the kinds of stream it reads; the latest word
    /// about a subject counts.
    fn note(event: &Recorded, list: &mut List<'_, Self::Subject>);

    /// Does a thing, as far as it can be done now. It may be called again for the same one, and by
    /// two processes at once: what it does to the outside is done under keys made of the task.
    fn act(
        task: &Task<Self::Subject>,
        hands: &Hands,
    ) -> impl Future<Output = Result<Done, Retry>> + Send;
}

/// A thing being done.
pub(crate) type Acting<'a> = BoxFuture<'a, Result<Done, Retry>>;

/// How one is done.
pub(crate) type Act = for<'a> fn(&'a Task<String>, &'a Hands) -> Acting<'a>;

/// A reaction as the keeper and the doer see it.
pub struct Registered {
    /// [`Reaction::NAME`].
    pub name: &'static str,
    /// [`Reaction::READS`].
    pub reads: &'static [Category],
    /// [`Reaction::PASSES`].
    pub passes: &'static [&'static str],
    pub(crate) note: fn(&Recorded, &mut Changes),
    /// None where a carrier of its own does them, many at once.
    pub(crate) act: Option<Act>,
}

impl Registered {
    /// The entry of a reaction.
    pub const fn of<R: Reaction>() -> Self {
        let (name, reads, passes) = (R::NAME, R::READS, R::PASSES);
        Self { name, reads, passes, note: note::<R>, act: Some(act::<R>) }
    }

    /// One of which the list is kept here, and done elsewhere.
    pub(crate) const fn done_elsewhere(
        name: &'static str,
        reads: &'static [Category],
        note: fn(&Recorded, &mut Changes),
    ) -> Self {
        Self { name, reads, passes: &[], note, act: None }
    }

    /// Whether it looks at events of a type, known or not: by the category that the name begins
    /// with, but for those that it passes.
    pub(crate) fn reads(&self, kind: &str) -> bool {
        let category = kind.split('.').next().unwrap_or_default();
        self.reads.iter().any(|read| read.name() == category) && !self.passes.contains(&kind)
    }
}

fn note<R: Reaction>(event: &Recorded, changes: &mut Changes) {
    R::note(event, &mut List::new(R::NAME, event.position, changes));
}

/// The doing of what an event asks for.
fn acting(reaction: &'static str, cause: i64, asked: TraceParent) -> Option<Span> {
    let name = format!("react {reaction}");
    let mut span = trace::begin(Kind::Consumer, name, Some(asked), SystemTime::now())?;
    span.set(trace::REACTION, reaction);
    span.set(trace::POSITION, cause);
    Some(span)
}

fn act<'a, R: Reaction>(task: &'a Task<String>, hands: &'a Hands) -> Acting<'a> {
    async move {
        let Task { reaction, cause, log_id, correlation_id, trace, attempts, .. } = *task;
        let subject = task.subject.parse().map_err(|_| Retry::Subject)?;
        let mut span = trace.and_then(|trace| acting(reaction, cause, trace));
        let trace = span.as_ref().map(Span::parent).or(trace);
        let task = Task { reaction, subject, cause, log_id, correlation_id, trace, attempts };
        let done = R::act(&task, hands).await;
        if let (Some(span), Err(error)) = (&mut span, &done) {
            span.fail(error.to_string());
        }
        done
    }
    .boxed()
}
