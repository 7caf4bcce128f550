//! States as snapshots keep them: what they look like, what folds make of events, and that they
//! come back as they were.
//!
//! A fold that changes here means that snapshots taken by older programs are wrong: raise
//! `SCHEMA` of its aggregate, then accept the new fold.

use std::collections::BTreeMap;

use domain::{Category, Event, State, StreamId};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::examples;

/// A stream of every category, and the examples of its events.
fn streams() -> BTreeMap<StreamId, Vec<Event>> {
    let key = |category| match category {
        Category::Sku | Category::Stock => "TOTE".to_owned(),
        Category::Location => "depot".to_owned(),
        _ => Uuid::nil().to_string(),
    };
    let mut streams: BTreeMap<StreamId, Vec<Event>> = BTreeMap::new();
    for event in examples::all() {
        let category = event.category();
        let stream = StreamId::of(category, &key(category)).expect("a key of that category");
        streams.entry(stream).or_default().push(event);
    }
    streams
}

fn stored(state: &State) -> Value {
    serde_json::to_value(state).expect("states can be stored")
}

#[test]
fn every_fold_is_as_its_snapshot_says() {
    insta::with_settings!({
        prepend_module_to_snapshot => false, omit_expression => true, snapshot_path => "folds"
    }, {
        let streams = streams();
        assert_eq!(streams.len(), Category::ALL.len());
        for (stream, events) in streams {
            let mut state = State::initial(&stream);
            let mut folds = vec![];
            for event in events {
                state.evolve(&event);
                folds.push(json!({ "after": event.kind().0, "state": stored(&state) }));
            }
            let folds = json!({ "schema": stream.schema(), "folds": folds });
            insta::assert_json_snapshot!(stream.category().name(), folds);
        }
    });
}

#[test]
fn every_state_comes_back_as_it_was() {
    for (stream, events) in streams() {
        let mut state = State::initial(&stream);
        for event in events {
            state.evolve(&event);
            let read: State = serde_json::from_value(stored(&state)).expect("states can be read");
            assert_eq!(read, state);
        }
    }
}
