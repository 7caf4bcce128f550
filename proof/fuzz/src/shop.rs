//! A shop in memory, empty at first, that decides commands as the writer does. Every event it comes
//! to is stored and read again on the way.

use std::collections::BTreeMap;

use domain::State;
use domain::command::Stop;
use domain::state::Lookup;
use domain::{Command, Event, Refusal, StreamId, decide};

/// A shop in memory.
#[derive(Default)]
pub struct Shop {
    states: BTreeMap<StreamId, State>,
}

impl Lookup for Shop {
    fn state(&self, stream: &StreamId) -> Option<&State> {
        self.states.get(stream)
    }
}

impl Shop {
    /// Decides a command and folds what happened.
    pub fn ask(&mut self, command: &Command) -> Result<(), Refusal> {
        loop {
            match decide(command, self) {
                Ok(events) => {
                    self.fold(events);
                    return Ok(());
                }
                Err(Stop::Refused(refusal)) => return Err(refusal),
                Err(Stop::Missing(missing)) => {
                    for stream in missing.0 {
                        let state = State::initial(&stream);
                        assert!(self.states.insert(stream, state).is_none(), "asked for twice");
                    }
                }
            }
        }
    }

    fn fold(&mut self, events: Vec<(StreamId, Event)>) {
        for (stream, event) in events {
            let (name, schema) = event.kind();
            let stored = event.encode().expect("what was decided can be stored");
            let read = Event::decode(name, schema, &stored).expect("and read again");
            assert_eq!(read, event);
            self.states.get_mut(&stream).expect("it was decided about").evolve(&read);
        }
    }

    /// Checks that every state can be stored and read again.
    pub fn check_states(&self) {
        for state in self.states.values() {
            let stored = serde_json::to_string(state).expect("a state can be stored");
            assert_eq!(serde_json::from_str::<State>(&stored).expect("and read again"), *state);
        }
    }
}
