//! The log as one writer knows it: a connection, and a cache that is current up to a position.
//!
//! The common case is one statement, which appends if the log is as the batch was decided on. When
//! it was not, or nobody knows what became of an earlier try, the head is taken, what is new is
//! heard, the batch is decided again and appended while nothing can move. That settles it: what
//! was appended after all is found by its keys. How often to try, and whom to answer, is for the
//! task to say.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::StreamId;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

use super::append::{self, Appended, Belief, Kept};
use super::batch::{Decided, KeyedRequest, Undecided};
use super::cache::Cache;
use super::company::{Company, Met};
use super::failure::AppendError;
use super::snapshot::Snapshots;
use super::{Answer, Settings, SubmitError};
use crate::at_hand::{AtHand, Lot};
use crate::{identity, read};

/// Rounds of loading for one batch: a command looks up a cart, then its products, then their
/// stock, and commands that build on each other add rounds. After these the batch is cut short at
/// the first command that still lacks something; as many again for one command alone mean a
/// decision that never ends.
const LOAD_ROUNDS_MAX: u32 = 8;
/// Tries to append a batch with as few round trips as it takes: as things seem, and in turn with
/// others. After these, while nobody else can append.
const TRIES_MAX: u32 = 2;
/// How long to wait for a connection.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long to wait for a turn; longer than Postgres lets anybody wait for one.
const TURN_MAX: Duration = Duration::from_secs(25);
/// Events of others that are read to keep the cache current; after more, it is emptied instead.
const OTHERS_EVENTS_MAX: i64 = 10_000;

/// What became of each command of a batch, in its order; short if the batch was cut.
pub(super) type Results = Vec<Result<Answer, SubmitError>>;

/// What came of a try.
enum Tried {
    Appended(Results),
    /// Others were there first: to be decided anew.
    Stale,
    /// A key was seen before, or a stream taken for new is not.
    Taken,
}

pub(super) struct Appender {
    options: PgConnectOptions,
    /// Its id, once it was reached.
    id: watch::Sender<Option<Uuid>>,
    connection: Option<PgConnection>,
    at_hand: AtHand,
    settings: Settings,
    cache: Cache,
    snapshots: Snapshots,
    /// The cache is current as of this position...
    known: i64,
    /// ...but for what others appended up to this position, before the last batch.
    unheard: Option<RangeInclusive<i64>>,
    company: Company,
    /// The turn that this process has, if it has one: the streams in which others appended.
    turn: Option<HashSet<StreamId>>,
}

impl Appender {
    pub fn new(
        db: &PgPool,
        settings: Settings,
        id: watch::Sender<Option<Uuid>>,
        at_hand: AtHand,
    ) -> Self {
        Self {
            options: (*db.connect_options()).clone(),
            id,
            connection: None,
            at_hand,
            settings,
            cache: Cache::new(settings.cache_items_max),
            snapshots: Snapshots::new(db.clone()),
            known: 0,
            unheard: None,
            company: Company::Alone,
            turn: None,
        }
    }

    /// Keeps the cache within its bound. Between batches: one may need more than the bound.
    pub fn rest(&mut self) {
        self.cache.shrink();
        metrics::gauge!("writer_cache_items").set(self.cache.items() as f64);
    }

    /// One attempt to append a batch. Unless `sure` that it was not appended already, its keys are
    /// looked up first. May be dropped at any point: the connection goes with it, and the keys say
    /// later what became of it.
    pub async fn attempt(
        &mut self,
        entries: &[&KeyedRequest],
        sure: bool,
    ) -> Result<Results, AppendError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let result = self.attempt_on(&mut connection, entries, sure).await;
        // A connection that failed is dropped, not used again: it may be inside a transaction.
        if result.is_ok() {
            self.connection = Some(connection);
        }
        result
    }

    /// Connects ahead of the first batch. What goes wrong goes wrong again with that.
    pub async fn prepare(&mut self) {
        self.connection = self.connect().await.ok();
    }

    /// A new connection, and with it an empty cache. Behind it may be a log that was restored or
    /// that lost its end; and the batch that failed on the old one has left its changes behind.
    async fn connect(&mut self) -> Result<PgConnection, AppendError> {
        self.cache.clear();
        self.unheard = None;
        self.turn = None;
        let connecting = async {
            let mut connection = append::connect(&self.options).await?;
            let identity = identity::settle(&mut connection).await?;
            Ok::<_, AppendError>((connection, identity))
        };
        let (connection, identity) =
            timeout(CONNECT_MAX, connecting).await.map_err(|_| AppendError::Away)??;
        self.known = identity.head;
        self.id.send_replace(Some(identity.log_id));
        Ok(connection)
    }

    /// Which log was found behind the connection.
    fn log_id(&self) -> Uuid {
        self.id.borrow().unwrap_or_default()
    }

    async fn attempt_on(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&KeyedRequest],
        sure: bool,
    ) -> Result<Results, AppendError> {
        if sure {
            for number in 0..TRIES_MAX {
                let tried = self.try_append(connection, entries, number > 0).await?;
                if let Tried::Appended(results) = tried {
                    return Ok(results);
                }
                metrics::counter!("writer_stale_batches_total").increment(1);
                if let Tried::Taken = tried {
                    break;
                }
            }
        }
        self.append_holding_head(connection, entries).await
    }

    /// Decides and appends in as few round trips as it takes; nothing, if something was not as
    /// believed. Who has just met others where he writes waits for his turn first, and hears what
    /// they did.
    async fn try_append(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&KeyedRequest],
        again: bool,
    ) -> Result<Tried, AppendError> {
        let before = self.known;
        let company = self.company;
        let in_turn = matches!(company, Company::Contended { .. });
        let changed =
            if in_turn { self.take_turn(connection).await? } else { self.hear(connection).await? };
        let elsewhere = company == Company::Shared;
        let mut decided = self.decide(connection, entries, true).await?;
        decided.list_beliefs(&self.cache, elsewhere);
        let (log_id, head) = (self.log_id(), self.known);
        let belief = Belief { log_id, head, holds: false, elsewhere, in_turn };
        match append::append(connection, belief, &decided.rows).await {
            Ok(Appended::After(head, recorded)) => {
                let met_since = if head == self.known { Met::Nobody } else { Met::Elsewhere };
                self.company = match company {
                    // What a stale try had read is no longer in the cache, and so has not changed.
                    Company::Contended { quiet } if again || decided.has_read(&changed) => {
                        Company::after_turn(quiet, Met::Here)
                    }
                    Company::Contended { quiet } if self.known != before => {
                        Company::after_turn(quiet, Met::Elsewhere)
                    }
                    Company::Contended { quiet } => Company::after_turn(quiet, met_since),
                    Company::Alone | Company::Shared => Company::of(met_since),
                };
                Ok(Tried::Appended(self.conclude(decided, head, recorded)))
            }
            Ok(Appended::Stale) => {
                decided.undo(&mut self.cache);
                self.company = Company::Contended { quiet: 0 };
                Ok(Tried::Stale)
            }
            Err(error) if !append::is_taken(&error) => Err(error.into()),
            Ok(Appended::Taken) | Err(_) => {
                decided.undo(&mut self.cache);
                if in_turn {
                    append::end_turn(connection).await?;
                }
                Ok(Tried::Taken)
            }
        }
    }

    /// Decides and appends while the head is held: nothing can move meanwhile.
    async fn append_holding_head(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&KeyedRequest],
    ) -> Result<Results, AppendError> {
        let mut transaction = append::hold_head(connection).await?;
        let head = read::head(&mut *transaction).await?;
        // What came before the last batch, and then what has come since.
        let mut changed = self.hear(&mut transaction).await?;
        self.unheard = (self.known != head).then_some(self.known + 1..=head);
        let grown = self.unheard.is_some() || !changed.is_empty();
        changed.extend(self.hear(&mut transaction).await?);
        self.known = head;
        let keys: Vec<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        let kept = append::kept(&mut transaction, &keys).await?;
        let is_fresh = |entry: &&KeyedRequest| !kept.contains_key(&entry.key);
        let fresh: Vec<&KeyedRequest> = entries.iter().copied().filter(is_fresh).collect();

        let mut results = Vec::new();
        let mut contended = false;
        if fresh.is_empty() {
            // Said aloud: a dropped transaction lets go of the head only with the next statement.
            transaction.rollback().await?;
        } else {
            let mut decided = self.decide(&mut transaction, &fresh, false).await?;
            decided.list_beliefs(&self.cache, false);
            contended = decided.has_read(&changed);
            let log_id = self.log_id();
            let belief = Belief { log_id, head, holds: true, elsewhere: false, in_turn: false };
            let appended = append::append(&mut transaction, belief, &decided.rows).await?;
            let Appended::After(head, recorded) = appended else {
                return Err(AppendError::Moved);
            };
            transaction.commit().await?;
            results = self.conclude(decided, head, recorded);
        }
        self.company = Company::of(match (contended, grown) {
            (true, _) => Met::Here,
            (false, true) => Met::Elsewhere,
            (false, false) => Met::Nobody,
        });
        Ok(merge(entries, kept, results))
    }

    /// If others write where this process does, waits for its turn: commands that come meanwhile
    /// can take part in it. Whatever goes wrong is met again by the append.
    pub async fn wait_for_turn(&mut self) {
        let Company::Contended { .. } = self.company else { return };
        let Some(mut connection) = self.connection.take() else { return };
        if let Ok(Ok(changed)) = timeout(TURN_MAX, self.take_turn(&mut connection)).await {
            self.turn = Some(changed);
            self.connection = Some(connection);
        }
    }

    /// Gives up a turn of which nothing was made.
    pub async fn give_turn_up(&mut self) {
        if self.turn.take().is_some()
            && let Some(mut connection) = self.connection.take()
            && append::end_turn(&mut connection).await.is_ok()
        {
            self.connection = Some(connection);
        }
    }

    /// Takes this process's turn, unless it has it already. Returns the streams in which others
    /// have appended.
    async fn take_turn(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<HashSet<StreamId>, AppendError> {
        if let Some(changed) = self.turn.take() {
            return Ok(changed);
        }
        let mut changed = self.hear(connection).await?;
        let taken = append::take_turn(connection, &mut self.cache, self.known, OTHERS_EVENTS_MAX);
        let (head, since) = taken.await?;
        self.known = head;
        changed.extend(since);
        Ok(changed)
    }

    /// Folds what others have appended. Returns the streams in which they did, as far as they are
    /// cached.
    async fn hear(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<HashSet<StreamId>, AppendError> {
        let Some(unheard) = self.unheard.take() else { return Ok(HashSet::new()) };
        let (first, last) = unheard.into_inner();
        // More than is worth reading, or a log that was set back: what is needed is loaded anew.
        if !(0..=OTHERS_EVENTS_MAX).contains(&(last - first + 1)) {
            self.cache.clear();
            return Ok(HashSet::new());
        }
        Ok(append::hear(connection, &mut self.cache, first - 1, last).await?)
    }

    /// Decides, loading what is missing, until nothing is.
    async fn decide(
        &mut self,
        connection: &mut PgConnection,
        entries: &[&KeyedRequest],
        guess: bool,
    ) -> Result<Decided, AppendError> {
        let (mut decided, log_id) = (Decided::default(), self.log_id());
        for round in 1..=2 * LOAD_ROUNDS_MAX {
            match decided.go_on(log_id, entries, &mut self.cache, &self.settings, guess) {
                Ok(()) => return Ok(decided),
                Err(Undecided::Encoding(error)) => return Err(AppendError::Encoding(error)),
                Err(Undecided::Missing(streams)) => {
                    if round > LOAD_ROUNDS_MAX && !decided.outcomes.is_empty() {
                        // What has been decided goes ahead, the rest comes next.
                        return Ok(decided);
                    }
                    append::load(connection, &mut self.cache, &streams).await?;
                }
            }
        }
        Err(AppendError::Endless)
    }

    /// The batch is durable: its states are the new truth, and the answers can be made.
    fn conclude(&mut self, mut decided: Decided, head: i64, recorded: DateTime<Utc>) -> Results {
        let events = decided.rows.streams.len();
        metrics::counter!("writer_events_total").increment(events as u64);
        self.unheard = (head != self.known).then_some(self.known + 1..=head);
        self.known = head + events as i64;
        let log_id = self.log_id();
        for stream in decided.reads() {
            self.cache.touch(stream);
            self.snapshots.consider(log_id, stream, &mut self.cache);
        }
        if events > 0
            && self.at_hand.is_wanted()
            && let Ok(events) = std::mem::take(&mut decided.rows).into_events(head, recorded)
        {
            self.at_hand.put(Lot { log_id, events });
        }
        let answer =
            |(outcome, offset)| Answer { outcome, position: head + offset, replayed: false };
        decided.outcomes.into_iter().map(|outcome| outcome.map(answer)).collect()
    }
}

/// Both kinds of answers in the order of the entries; a batch that was cut short is answered up to
/// the cut.
fn merge(entries: &[&KeyedRequest], mut kept: HashMap<String, Kept>, appended: Results) -> Results {
    let mut appended = appended.into_iter();
    let mut merged = Vec::with_capacity(entries.len());
    for KeyedRequest { key, request } in entries.iter().copied() {
        match kept.remove(key) {
            Some(kept) => merged.push(replay(&kept, request.fingerprint)),
            None => match appended.next() {
                Some(result) => merged.push(result),
                None => break,
            },
        }
    }
    merged
}

fn replay(kept: &Kept, fingerprint: Uuid) -> Result<Answer, SubmitError> {
    if kept.fingerprint != fingerprint {
        return Err(SubmitError::KeyReused);
    }
    let outcome = serde_json::from_str(&kept.outcome).map_err(|error| {
        tracing::error!(%error, position = kept.position, "a kept answer cannot be read");
        SubmitError::AnswerUnreadable { reason: error.to_string() }
    })?;
    Ok(Answer { outcome, position: kept.position, replayed: true })
}
