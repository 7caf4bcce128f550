//! A shop in memory, and `given(events).when(command).then(events)` over it. Every decision made
//! here is also held to what all decisions must be.

use std::collections::{HashMap, HashSet};

use domain::command::{Stop, refused};
use domain::state::Lookup;
use domain::{By, Command, Event, Refusal, RefusalRecord, State, StreamId};

/// An event and the stream it stands in.
pub type Fact = (StreamId, Event);

/// Rounds a decision may need: one for each load (its own stream, what that names, what those name,
/// and their payment) and the decision itself.
const ROUNDS_MAX: usize = 5;

/// The streams that have events, folded.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shop(HashMap<StreamId, State>);

/// What a decision asked for so far.
struct Loaded(HashMap<StreamId, State>);

impl Lookup for Loaded {
    fn state(&self, stream: &StreamId) -> Option<&State> {
        self.0.get(stream)
    }
}

impl Shop {
    /// Folds one fact into its stream.
    pub fn evolve(&mut self, (stream, event): &Fact) {
        self.0.entry(stream.clone()).or_insert_with(|| State::initial(stream)).evolve(event);
    }

    /// The state of a stream, whether it has events or not.
    pub fn state(&self, stream: &StreamId) -> State {
        self.0.get(stream).cloned().unwrap_or_else(|| State::initial(stream))
    }

    /// The streams that have events.
    pub fn streams(&self) -> impl Iterator<Item = (&StreamId, &State)> {
        self.0.iter()
    }

    /// Decides as the writer does: from nothing, loading what the decision says it lacks.
    pub fn decide(&self, command: &Command) -> Result<Vec<Fact>, Refusal> {
        self.decide_by(By::Shop, command)
    }

    /// The same, of somebody's.
    pub fn decide_by(&self, by: By, command: &Command) -> Result<Vec<Fact>, Refusal> {
        let mut loaded = Loaded(HashMap::new());
        for _ in 0..ROUNDS_MAX {
            let verdict = match domain::decide(by, command, &loaded) {
                Err(Stop::Missing(missing)) => {
                    assert!(!missing.0.is_empty(), "{command:?} lacks nothing, yet stopped");
                    for stream in missing.0 {
                        let state = self.state(&stream);
                        let before = loaded.0.insert(stream, state);
                        assert_eq!(before, None, "{command:?} asked for a stream it had");
                    }
                    continue;
                }
                Err(Stop::Refused(refusal)) => Err(refusal),
                Ok(facts) => Ok(facts),
            };
            let again = domain::decide(by, command, &loaded).map_err(refused);
            assert_eq!(again, verdict, "{command:?} was decided in two ways");
            verdict.as_ref().map_or_else(|no| check_refusal(command, no), |yes| check_facts(yes));
            return verdict;
        }
        panic!("{command:?} needs more than {ROUNDS_MAX} rounds of loading");
    }

    /// Carries out a command, whatever comes of it.
    pub fn ask(&mut self, command: &Command) -> Result<(), Refusal> {
        self.decide(command)?.iter().for_each(|fact| self.evolve(fact));
        Ok(())
    }

    /// Carries out a command that must be accepted.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence")]
    #[expect(clippy::return_self_not_must_use, reason = "that it is accepted can be all one asks")]
    pub fn done(mut self, command: Command) -> Self {
        if let Err(refusal) = self.ask(&command) {
            panic!("{command:?} was refused: {refusal}");
        }
        self
    }

    /// Every state can be stored and read again.
    pub fn check_states(&self) {
        for state in self.0.values() {
            let stored = serde_json::to_string(state).expect("a state can be stored");
            assert_eq!(serde_json::from_str::<State>(&stored).expect("and read again"), *state);
        }
    }

    /// The command under test.
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence")]
    pub fn when(&self, command: Command) -> Outcome {
        Outcome(self.decide(&command))
    }
}

/// A shop in which all this has happened.
pub fn given(facts: impl IntoIterator<Item = Fact>) -> Shop {
    let mut shop = Shop::default();
    facts.into_iter().for_each(|fact| shop.evolve(&fact));
    shop
}

/// What came of a command.
pub struct Outcome(Result<Vec<Fact>, Refusal>);

impl Outcome {
    /// These facts and no others, in this order.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = Fact>) {
        let expected: Vec<Fact> = expected.into_iter().collect();
        assert_eq!(self.0, Ok(expected));
    }

    /// Nothing: it is so already.
    #[track_caller]
    pub fn then_nothing(self) {
        self.then([]);
    }

    /// A refusal with this code.
    #[track_caller]
    pub fn then_refused(self, code: &str) {
        let refusal = self.0.expect_err("the command should have been refused");
        assert_eq!(refusal.code().0, code, "{refusal}");
    }

    /// Exactly this refusal.
    #[track_caller]
    pub fn then_refused_with(self, refusal: impl Into<Refusal>) {
        assert_eq!(self.0, Err(refusal.into()));
    }
}

fn refused(stop: Stop) -> Refusal {
    match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Missing(missing) => panic!("{missing:?} was loaded"),
    }
}

/// Each stream is decided about once, each event stands in a stream of its kind, and each can be
/// stored and read again.
fn check_facts(facts: &[Fact]) {
    let mut seen = HashSet::new();
    for run in facts.chunk_by(|(one, _), (next, _)| one == next) {
        assert!(seen.insert(&run[0].0), "{} was decided about twice: {facts:?}", run[0].0);
    }
    for (stream, event) in facts {
        assert_eq!(stream.category(), event.category(), "{event:?} cannot be in {stream}");
        assert_eq!(stored_and_read(event), *event);
    }
}

/// The event as it comes back from the log.
pub fn stored_and_read(event: &Event) -> Event {
    let (name, schema) = event.kind();
    let payload = event.encode().expect("events can be stored");
    Event::decode(name, schema, &payload).expect("what was stored can be read")
}

/// A refusal is stored with the command's key, and a retry gets it word for word.
fn check_refusal(command: &Command, refusal: &Refusal) {
    let (code, _) = refusal.code();
    assert!(refused::may_be(command, code), "{code} is not in command/refused.rs of {command:?}");
    let told = RefusalRecord::from(refusal);
    let stored = serde_json::to_string(&told).expect("refusals can be stored");
    let read: RefusalRecord = serde_json::from_str(&stored).expect("what was stored can be read");
    assert_eq!(read, told);
    assert_eq!(read.code(), refusal.code());
    assert!(!refusal.to_string().is_empty());
}
