//! Random lives of a small shop. After every command its books must balance, whatever was asked,
//! in whatever order, and however the gateway answered.

mod asks;
mod books;
mod commands;
mod exits;
mod money;
mod step;

use domain::command::product as products;
use domain::command::{cart, fulfilment, order, payment, return_, stock};
use domain::refusal::Kind;
use domain::{By, Command, Event, Refusal, Shopper, StreamId};
use proptest::prelude::*;

use kit::*;

/// Lives tried in one run of the tests.
const CASES: u32 = 400;
/// Lives within which every kind of event is met; some are rare.
const SEEN_WITHIN: u32 = 16 * CASES;
/// Commands in one life.
const STEPS_MAX: usize = 120;

/// An event as it stands in the log.
struct Stored {
    stream: String,
    name: &'static str,
    schema: u16,
    payload: String,
}

impl Stored {
    fn of((stream, event): &Fact) -> Self {
        let (name, schema) = event.kind();
        let payload = event.encode().expect("events can be stored");
        Self { stream: stream.to_string(), name, schema, payload }
    }

    fn read(&self) -> Fact {
        let stream: StreamId = self.stream.parse().expect("the name of a stream");
        let event = Event::decode(self.name, self.schema, &self.payload);
        (stream, event.expect("what was stored can be read"))
    }
}

/// Asked twice, these do it twice (a client that repeats them needs an idempotency key), or say it
/// twice: deciding keeps no descriptions to compare a product's changes with.
fn repeats(command: &Command) -> bool {
    if let Command::Fulfilment(_, fulfilment::Command::Deliver { lines }) = command {
        return !lines.is_empty();
    }
    matches!(
        command,
        Command::Stock(
            _,
            stock::Command::Receive { .. }
                | stock::Command::Transfer { .. }
                | stock::Command::Adjust { .. },
        ) | Command::Cart(_, cart::Command::AddLine { .. })
            | Command::Product(_, products::Command::Change(_))
            | Command::Order(
                _,
                order::Command::Cancel { .. }
                    | order::Command::ChangeAddress { .. }
                    | order::Command::AddNote { .. }
            )
            | Command::Fulfilment(_, fulfilment::Command::Fail { .. })
            | Command::Return(_, return_::Command::Receive { .. })
            | Command::Payment(
                _,
                payment::Command::Collect { .. }
                    | payment::Command::Remit { .. }
                    | payment::Command::Refund { .. }
                    | payment::Command::Report { .. }
            )
    )
}

/// Whoever may ask for it: who signed in takes their guest's order along, the rest is for the shop.
fn decide(shop: &Shop, command: &Command) -> Result<Vec<Fact>, Refusal> {
    let by = match command {
        Command::Order(_, order::Command::Assign { customer_id, .. }) => {
            By::Shopper(Shopper::Customer(*customer_id))
        }
        _ => By::Shop,
    };
    shop.decide_by(by, command)
}

/// Whether it is kept under its key, whatever happens then. Of what does not exist nobody knows.
fn stays(refusal: &Refusal) -> bool {
    matches!(refusal.code().1, Kind::Conflict | Kind::Invalid)
}

fn live(steps: Vec<step::Step>) {
    let mut shop: Shop = catalogue();
    let mut log: Vec<Stored> = Vec::new();
    let mut sales = money::Sales::default();
    let mut kept: Vec<(Command, Refusal)> = Vec::new();
    for step in steps {
        let command = step.command(&shop);
        let facts = match decide(&shop, &command) {
            Ok(facts) => facts,
            Err(no) => {
                kept.extend(stays(&no).then_some((command, no)));
                continue;
            }
        };
        let before = shop.clone();
        for fact in &facts {
            shop.evolve(fact);
        }
        log.extend(facts.iter().map(Stored::of));
        books::check_step(&before, &facts, &shop);
        money::check(&before, &facts, &shop);
        sales.check(&facts, &shop);
        books::check(&shop);
        money::check_waits(&shop);
        if !repeats(&command) {
            let again = decide(&shop, &command).unwrap_or_default();
            assert_eq!(again, [], "{command:?} took effect twice");
        }
    }
    for (command, no) in kept {
        let again = decide(&shop, &command).unwrap_or_default();
        assert_eq!(again, [], "{command:?} was refused for good: {no}");
    }
    let mut replayed = catalogue();
    for stored in &log {
        replayed.evolve(&stored.read());
    }
    assert_eq!(replayed, shop, "the log tells another story");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_books_balance_whatever_happens(
        steps in prop::collection::vec(step::any(), 1..STEPS_MAX)
    ) {
        live(steps);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES / 2,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_a_dead_end(steps in prop::collection::vec(step::any(), 1..STEPS_MAX)) {
        let mut shop: Shop = catalogue();
        for step in steps {
            for fact in decide(&shop, &step.command(&shop)).unwrap_or_default() {
                shop.evolve(&fact);
            }
        }
        exits::check_other_ways(&shop);
        exits::check_alone(&shop);
        exits::check_never_came(&shop);
        exits::check_typed_wrong(&shop);
        exits::check_told_back(&shop);
        exits::check(&shop, exits::Wish::GiveUp);
        exits::check(&shop, exits::Wish::GoThrough);
    }
}

/// The random lives reach every kind of event, and every command comes to something in one; a rule
/// about what never happens proves nothing.
#[test]
fn random_lives_see_everything() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut unseen: std::collections::BTreeSet<&str> =
        Event::types().map(|(name, _)| name).chain(commands::ALL.iter().copied()).collect();
    for _ in 0..SEEN_WITHIN {
        if unseen.is_empty() {
            break;
        }
        let steps = prop::collection::vec(step::any(), 1..STEPS_MAX);
        let mut shop = catalogue();
        for step in steps.new_tree(&mut runner).expect("steps").current() {
            let command = step.command(&shop);
            let facts = decide(&shop, &command).unwrap_or_default();
            if !facts.is_empty() {
                unseen.remove(commands::name(&command));
            }
            for fact in &facts {
                unseen.remove(fact.1.kind().0);
                shop.evolve(fact);
            }
        }
    }
    assert!(unseen.is_empty(), "never seen: {unseen:?}");
}
