//! What a reaction is: which events it looks at, what they make of the list of things to do, and
//! how one of them is done.
//!
//! When it is done, by which process and how often it is tried is not its affair.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use domain::Category;
use event_store::{Recorded, SubmitError};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use uuid::Uuid;
use vault::VaultError;

use crate::hands::Hands;
use crate::notes::{Changes, List};
use crate::tokens::TokenError;

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

/// A thing to do that somebody has claimed.
#[derive(Clone, Debug)]
pub struct Task<S> {
    /// Whose it is.
    pub reaction: &'static str,
    /// What it is about.
    pub subject: S,
    /// The position of the event that asks for it.
    pub cause: i64,
    /// What that event belongs to.
    pub correlation_id: Option<Uuid>,
    /// The how manieth try this is, from 1.
    pub attempts: i32,
}

/// What came of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It is off the list, unless the log has asked for it anew meanwhile.
    Finished,
    /// The log says so: the keeper reads it there and takes it off the list.
    Recorded,
    /// It is to be tried again after this time.
    Later(Duration),
}

/// Why a thing could not be done now. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum Retry {
    /// Postgres said no, or is away.
    #[error("the database is away")]
    Database(#[from] sqlx::Error),
    /// A stream that it is about holds what this program cannot read.
    #[error("a stream cannot be read")]
    Unreadable(#[from] event_store::Unreadable),
    /// The log did not take the command.
    #[error("the command was not taken")]
    Submit(#[from] SubmitError),
    /// What is known of somebody cannot be had now.
    #[error("the vault cannot be opened")]
    Vault(#[from] VaultError),
    /// What a payment is made with cannot be had now.
    #[error("a token cannot be opened")]
    Token(#[from] TokenError),
    /// The list says what the reaction cannot read; a newer program wrote it.
    #[error("the subject cannot be read")]
    Subject,
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
    pub(crate) note: fn(&Recorded, &mut Changes),
    /// None where a carrier of its own does them, many at once.
    pub(crate) act: Option<Act>,
}

impl Registered {
    /// The entry of a reaction.
    pub const fn of<R: Reaction>() -> Self {
        Self { name: R::NAME, reads: R::READS, note: note::<R>, act: Some(act::<R>) }
    }

    /// One of which the list is kept here, and done elsewhere.
    pub(crate) const fn done_elsewhere(
        name: &'static str,
        reads: &'static [Category],
        note: fn(&Recorded, &mut Changes),
    ) -> Self {
        Self { name, reads, note, act: None }
    }

    /// Whether it looks at events of a type, known or not: by the category that the name begins
    /// with.
    pub(crate) fn reads(&self, kind: &str) -> bool {
        let category = kind.split('.').next().unwrap_or_default();
        self.reads.iter().any(|read| read.name() == category)
    }
}

fn note<R: Reaction>(event: &Recorded, changes: &mut Changes) {
    R::note(event, &mut List::new(R::NAME, event.position, changes));
}

fn act<'a, R: Reaction>(task: &'a Task<String>, hands: &'a Hands) -> Acting<'a> {
    async move {
        let Task { reaction, cause, correlation_id, attempts, .. } = *task;
        let subject = task.subject.parse().map_err(|_| Retry::Subject)?;
        let task = Task { reaction, subject, cause, correlation_id, attempts };
        R::act(&task, hands).await
    }
    .boxed()
}
