//! Follows the log and keeps the list: one pass over the log for all reactions.
//!
//! Several processes may keep the list: whoever moves on first has done it, by compare-and-set on
//! the position, and the others go on from there.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use event_store::listen::HeadListener;
use event_store::{heard, read};
use service::outage::Outage;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

use crate::cdn;
use crate::list::{self, Place};
use crate::notes::{Notes, StuckStreams, Waiting};
use crate::reaction::Registered;
use crate::reactions::{self, PURGE_CDN};
use crate::waiting::{self, Round};

/// How often the log is looked at without a reason.
const POLL: Duration = Duration::from_secs(1);
/// The pause in which events gather while there are some: a busy log is read in pages, not one by
/// one.
const GATHER: Duration = Duration::from_millis(10);
/// Positions after which the place in the log is kept even if nothing there matters.
const KEEP_POSITIONS: i64 = 10_000;
/// How long what is not urgent is put off, to be written with what follows it, and how many things
/// at most: a cart's term is days, and a busy log opens thousands of them a second.
const PUT_OFF: Duration = Duration::from_secs(1);
const PUT_OFF_THINGS_MAX: usize = 1_000;
/// How often streams that wait are tried again.
const TAKE_UP_PERIOD: Duration = Duration::from_secs(2);
/// How far the one that purges a CDN may be behind: the log is read for who is hindmost, and the
/// others wait meanwhile.
const CDN_BEHIND_MAX: i64 = 100_000;
/// The pause after a failure.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps the list from the log, for ever. Notifies `more` when there is more to do.
pub(crate) async fn keep(db: PgPool, reactions: &[&'static Registered], more: &Notify) {
    let outage = Outage::new("the log, of which the reactor keeps its list,");
    loop {
        if let Err(error) = follow(&db, reactions, more, &outage).await {
            outage.goes_on(&heard(&db, &error).await);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow(
    db: &PgPool,
    reactions: &[&'static Registered],
    more: &Notify,
    outage: &Outage,
) -> sqlx::Result<()> {
    let mut listener = HeadListener::connect(db).await?;
    let names: Vec<String> = reactions.iter().map(|known| known.name.to_owned()).collect();
    list::register(db, &names).await?;
    if reactions.iter().any(|known| known.name == PURGE_CDN.name) {
        cdn::catch_up(db, CDN_BEHIND_MAX).await?;
    }
    let group = Group::hindmost(db, &names).await?;
    let (notes, noted_at) = (Notes::default(), None);
    let mut keeper = Keeper { db, more, names: &names, group, scanned: 0, notes, noted_at };
    keeper.scanned = keeper.group.position;
    let mut rounds: Vec<Round> = reactions.iter().map(|known| Round::new(known)).collect();
    let mut next_round = Instant::now();
    loop {
        if next_round <= Instant::now() {
            for round in &mut rounds {
                if round.go_on(db).await? {
                    more.notify_one();
                    keeper.look_again().await?;
                }
            }
            next_round = Instant::now() + TAKE_UP_PERIOD;
        }
        let idle = keeper.read_on().await?;
        outage.ended();
        if idle {
            listener.changed(POLL).await;
        } else {
            tokio::time::sleep(GATHER).await;
        }
    }
}

/// The reactions that are furthest behind, all equally far: the log is read for them next. Mostly
/// these are all. One is behind after a program that does not have it was the quicker one.
struct Group {
    places: Vec<Place>,
    reactions: Vec<&'static Registered>,
    /// How far the log was read for them.
    position: i64,
    /// Where they meet the next one.
    until: Option<i64>,
    /// Whether streams wait for any of them.
    waits: bool,
    /// The log in which they are there.
    log_id: Option<Uuid>,
}

impl Group {
    async fn hindmost(db: &PgPool, names: &[String]) -> sqlx::Result<Self> {
        let places = list::places(db, names).await?;
        Self::of(places).ok_or(sqlx::Error::RowNotFound)
    }

    /// Of all reactions, the hindmost first.
    fn of(mut places: Vec<Place>) -> Option<Self> {
        let (position, log_id) = (places.first()?.position, places.first()?.log_id);
        let until = places.iter().map(|place| place.position).find(|&other| other > position);
        places.retain(|place| place.position == position);
        let waits = places.iter().any(|place| place.waits);
        let found = |place: &Place| reactions::find(&place.reaction);
        let reactions = places.iter().filter_map(found).collect();
        Some(Self { places, reactions, position, until, waits, log_id })
    }

    fn categories(&self) -> Vec<String> {
        let reads = self.reactions.iter().flat_map(|reaction| reaction.reads);
        let mut names: Vec<String> = reads.map(|category| category.name().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Types of events that none of them looks at, though it reads their kind.
    fn passes(&self) -> Vec<String> {
        let all = self.reactions.iter().flat_map(|reaction| reaction.passes);
        let unread = |kind: &&&str| !self.reactions.iter().any(|reaction| reaction.reads(kind));
        all.filter(unread).map(|kind| (*kind).to_owned()).collect()
    }

    fn move_to(&mut self, position: i64) {
        self.position = position;
        for place in &mut self.places {
            place.position = position;
        }
    }
}

struct Keeper<'a> {
    db: &'a PgPool,
    more: &'a Notify,
    /// Of the reactions that this process has.
    names: &'a [String],
    group: Group,
    /// How far the log was read; most of it is of no interest, and this is kept now and then.
    scanned: i64,
    /// What that made of the list and is yet to be written; and since when there is any.
    notes: Notes,
    noted_at: Option<Instant>,
}

impl Keeper<'_> {
    /// Reads the next stretch of the log. Says whether there was none.
    async fn read_on(&mut self) -> sqlx::Result<bool> {
        let left = self.group.until.map_or(i64::MAX, |until| until - self.scanned);
        let limit = left.min(read::PAGE_EVENTS_MAX);
        let kinds = (self.group.categories(), self.group.passes());
        let page = read::of_categories(self.db, self.scanned, (&kinds.0, &kinds.1), limit).await?;
        let idle = page.scanned_to == self.scanned;
        if idle && self.group.log_id != Some(read::log(self.db).await?.id) {
            // What was read may never have happened.
            self.look_again().await?;
            return Ok(false);
        }
        self.scanned = page.scanned_to;
        let waiting = if self.group.waits && !page.events.is_empty() {
            let streams: Vec<String> =
                page.events.iter().map(|event| event.stream.clone()).collect();
            waiting::among(self.db, &self.group.reactions, &streams).await?
        } else {
            Waiting::new()
        };
        self.notes.take(&page.events, &self.group.reactions, &waiting);
        let meets = self.group.until.is_some_and(|until| self.scanned >= until);
        let far = self.scanned - self.group.position >= KEEP_POSITIONS;
        if self.is_time() || meets || far {
            self.keep(meets).await?;
        }
        Ok(idle)
    }

    /// Whether what was noted is to be written now.
    fn is_time(&mut self) -> bool {
        if self.notes.is_empty() {
            return false;
        }
        let noted_at = *self.noted_at.get_or_insert_with(Instant::now);
        noted_at.elapsed() >= PUT_OFF
            || self.notes.changes.len() >= PUT_OFF_THINGS_MAX
            || self.notes.are_urgent(Utc::now() + PUT_OFF)
    }

    async fn keep(&mut self, meets: bool) -> sqlx::Result<()> {
        let notes = self.take_notes();
        let due = !notes.changes.is_empty();
        let stuck = notes.stuck.clone();
        let kept = list::keep(self.db, &self.group.places, self.scanned, notes).await?;
        if kept {
            self.group.waits |= !stuck.is_empty();
            report(stuck);
            self.group.move_to(self.scanned);
        }
        if !kept || meets {
            self.look_again().await?;
        }
        if due {
            self.more.notify_one();
        }
        Ok(())
    }

    fn take_notes(&mut self) -> Notes {
        self.noted_at = None;
        std::mem::take(&mut self.notes)
    }

    /// Goes on from where the reactions are now: somebody else has moved them, or the log is
    /// another one. What was put off is read again.
    async fn look_again(&mut self) -> sqlx::Result<()> {
        self.take_notes();
        self.group = Group::hindmost(self.db, self.names).await?;
        self.scanned = self.group.position;
        Ok(())
    }
}

/// Tells of events that wait, each once.
fn report(stuck: StuckStreams) {
    let events: BTreeMap<i64, (String, String)> = stuck
        .into_iter()
        .map(|((_, stream), stuck)| (stuck.position, (stream, stuck.reason)))
        .collect();
    for (position, (stream, reason)) in events {
        tracing::error!(position, stream, reason, "an event is parked, and its stream waits");
        metrics::counter!("reaction_events_parked_total").increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(reaction: &str, position: i64) -> Place {
        Place { reaction: reaction.to_owned(), position, taken_up: 0, waits: false, log_id: None }
    }

    #[test]
    fn those_at_one_position_go_on_together() {
        let all = reactions::ALL.iter().map(|known| place(known.name, 7)).collect();
        let group = Group::of(all).unwrap();
        let all = reactions::ALL.len();
        assert_eq!((group.reactions.len(), group.position, group.until), (all, 7, None));
        assert_eq!(group.categories(), ["cart", "fulfilment", "order", "payment", "return"]);
        assert!(group.passes().contains(&"cart.line_added".to_owned()));
    }

    #[test]
    fn one_that_is_behind_goes_on_alone_until_it_meets_the_others() {
        let places = [("expire_order", 3), ("ask_gateway", 9), ("expire_authorization", 12)]
            .map(|(reaction, position)| place(reaction, position));
        let group = Group::of(places.to_vec()).unwrap();
        assert_eq!((group.reactions.len(), group.position, group.until), (1, 3, Some(9)));
        assert_eq!(group.categories(), ["order"]);
    }
}
