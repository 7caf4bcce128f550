//! What a stretch of the log makes of the list: what is due, what is settled, which streams wait.
//! Pure: no clock, no database.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use event_store::{RawEvent, causes};

use crate::reaction::Registered;

/// The latest word of the log about a thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Do it.
    Due {
        /// When.
        at: DateTime<Utc>,
        /// The position of the event that asks for it.
        cause: i64,
    },
    /// It is done, or no longer needed.
    Settled,
}

/// The latest word about each thing, by reaction and subject.
pub type Changes = HashMap<(&'static str, String), Change>;

/// Streams that wait, by reaction.
pub(crate) type Waiting = HashMap<&'static str, HashSet<String>>;

/// The list as a reaction writes it while it looks at one event.
pub struct List<'a, S> {
    reaction: &'static str,
    cause: i64,
    changes: &'a mut Changes,
    subject: PhantomData<S>,
}

impl<'a, S: Display> List<'a, S> {
    pub(crate) fn new(reaction: &'static str, cause: i64, changes: &'a mut Changes) -> Self {
        Self { reaction, cause, changes, subject: PhantomData }
    }

    /// This is to be done at that time, because of the event that is looked at.
    pub fn due(&mut self, subject: &S, at: DateTime<Utc>) {
        self.put(subject, Change::Due { at, cause: self.cause });
    }

    /// This is done, or no longer needed.
    pub fn settled(&mut self, subject: &S) {
        self.put(subject, Change::Settled);
    }

    fn put(&mut self, subject: &S, change: Change) {
        self.changes.insert((self.reaction, subject.to_string()), change);
    }
}

/// The first event of a stream that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    /// Its place in the stream.
    pub version: i64,
    /// Its place in the log.
    pub position: i64,
    /// What is wrong with it.
    pub reason: String,
}

/// Streams that wait from that event on, by reaction and name.
pub(crate) type StuckStreams = HashMap<(&'static str, String), Stuck>;

/// What a stretch of the log makes of the list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Notes {
    pub changes: Changes,
    pub stuck: StuckStreams,
}

impl Notes {
    /// Takes events into account, in their order. What stands in a stream that waits is left out:
    /// it is taken up with the event that the stream waits for.
    pub fn take(
        &mut self,
        events: &[RawEvent],
        reactions: &[&'static Registered],
        waiting: &Waiting,
    ) {
        for event in events {
            let mut readers = reactions.iter().filter(|known| known.reads(&event.kind)).peekable();
            if readers.peek().is_none() {
                continue;
            }
            let read = event.decode();
            for reaction in readers {
                let waits =
                    waiting.get(reaction.name).is_some_and(|all| all.contains(&event.stream));
                if waits || self.is_stuck(reaction.name, &event.stream) {
                    continue;
                }
                match &read {
                    Ok(recorded) => (reaction.note)(recorded, &mut self.changes),
                    Err(error) => {
                        // Postgres keeps no NUL.
                        let reason = causes(error).replace('\0', "");
                        let (version, position) = (event.version, event.position);
                        let stuck = Stuck { version, position, reason };
                        self.stuck.insert((reaction.name, event.stream.clone()), stuck);
                    }
                }
            }
        }
    }

    /// Whether anything has to be written now: what is due only after `soon` may wait, to be
    /// written together with what follows.
    pub fn are_urgent(&self, soon: DateTime<Utc>) -> bool {
        let urgent = |change: &Change| match change {
            Change::Due { at, .. } => *at <= soon,
            Change::Settled => true,
        };
        !self.stuck.is_empty() || self.changes.values().any(urgent)
    }

    /// Whether there is anything to be written.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.stuck.is_empty()
    }

    fn is_stuck(&self, reaction: &'static str, stream: &str) -> bool {
        !self.stuck.is_empty() && self.stuck.contains_key(&(reaction, stream.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;
    use crate::given::order_id;
    use crate::reactions;

    fn event(position: i64, stream: &str, kind: &str) -> RawEvent {
        let at = "2026-03-01T12:00:00Z";
        let data = json!({"reason": "expired", "was_confirmed": false, "units": 1,
                          "total": {"amount": "1.00", "currency": "EUR"}});
        serde_json::from_value(json!({
            "position": position, "stream": stream, "version": position, "type": kind, "schema": 1,
            "slot": 0, "occurred_at": at, "recorded_at": at, "metadata": {}, "data": data,
        }))
        .unwrap()
    }

    fn taken(events: &[RawEvent], waiting: &Waiting) -> Notes {
        // One that reads orders, and one that does not.
        let some = ["ask_gateway", "expire_order"].map(|name| reactions::find(name).unwrap());
        let mut notes = Notes::default();
        notes.take(events, &some, waiting);
        notes
    }

    #[test]
    fn a_stream_waits_from_the_first_event_that_cannot_be_read() {
        let stream = format!("order-{}", order_id());
        let other = format!("order-{}", uuid::Uuid::from_u128(9));
        let notes = taken(
            &[
                event(1, &stream, "order.dreamt_of"),
                event(2, &stream, "order.cancelled"),
                event(3, &stream, "order.vanished"),
                event(4, &other, "order.cancelled"),
                event(5, "cart-1", "cart.dreamt_of"),
            ],
            &Waiting::new(),
        );
        let stuck: Vec<_> = notes.stuck.iter().map(|(key, stuck)| (key, stuck.position)).collect();
        assert_eq!(stuck, [(&("expire_order", stream), 1)], "only for those that read orders");
        let other = ("expire_order", uuid::Uuid::from_u128(9).to_string());
        assert_eq!(notes.changes, Changes::from([(other, Change::Settled)]));
    }

    #[test]
    fn what_is_due_much_later_may_wait_and_nothing_else() {
        let at: DateTime<Utc> = "2026-03-01T12:00:00Z".parse().unwrap();
        let noted = |change| Notes {
            changes: Changes::from([(("expire_cart", "one".to_owned()), change)]),
            ..Notes::default()
        };
        let due = noted(Change::Due { at, cause: 7 });
        assert!(!due.are_urgent(at - TimeDelta::milliseconds(1)));
        assert!(due.are_urgent(at));
        assert!(noted(Change::Settled).are_urgent(at));
        let stuck = taken(
            &[event(1, &format!("order-{}", order_id()), "order.dreamt_of")],
            &Waiting::new(),
        );
        assert!(stuck.are_urgent(at));
        assert!(!Notes::default().are_urgent(at));
    }

    #[test]
    fn what_stands_in_a_stream_that_waits_is_left_out() {
        let stream = format!("order-{}", order_id());
        let waiting = Waiting::from([("expire_order", HashSet::from([stream.clone()]))]);
        let events = [event(7, &stream, "order.cancelled"), event(8, &stream, "order.dreamt_of")];
        assert!(taken(&events, &waiting).is_empty());
        assert!(!taken(&events, &Waiting::new()).is_empty());
    }
}
