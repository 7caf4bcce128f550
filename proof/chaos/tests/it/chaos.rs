//! A round of `chaos` with each of these faults in it: any process may die at any time, and the
//! promises stand.

use std::process::Command;
use std::sync::PoisonError;

use crate::stack::CLUSTER;

/// The order of the faults, and which of them overlap.
const SEED: &str = "715";
/// The load goes on for at least this long; the faults take as long as they take.
const MINUTES: &str = "0.25";
const CLIENTS: &str = "8";
/// Those that can happen on every machine.
const FAULTS: [&str; 17] = [
    "Postgres killed",
    "command-api 1 killed",
    "command-api frozen",
    "projector 1 killed",
    "query-api killed",
    "command-api 2 stopped in order",
    "projector 2 stopped in order",
    "orders rebuilt and taken back",
    "search rebuilt and taken back",
    "projector frozen",
    "connections cut",
    "stream deleted",
    "index deleted",
    "Stripe's answers lost",
    "refunds declined",
    "webhooks late and twice",
    "refunds in the dashboard",
];

#[test]
fn broken_in_many_ways_the_promises_stand() {
    let _alone = CLUSTER.lock().unwrap_or_else(PoisonError::into_inner);
    let specification = std::env::var("CHAOS_SPECIFICATION")
        .unwrap_or_else(|_| panic!("CHAOS_SPECIFICATION: cargo xtask test sets it"));
    let output = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--specification", &specification, "--seed", SEED, "--rounds", "1", "--each"])
        .args(["--minutes", MINUTES, "--clients", CLIENTS])
        .args(FAULTS.iter().flat_map(|fault| ["--fault", fault]))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    // A fault that did not happen has proved nothing.
    let (rounds, _) = said.split_once("FAULT").unwrap();
    for fault in FAULTS {
        assert!(rounds.contains(fault), "{fault} did not happen: {said}");
    }
}
