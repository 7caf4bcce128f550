//! What a run of `chaos` tells: a line as each round ends, the table at the end, and what is needed
//! to have a failure again.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::round::Outcome;

/// One line for each round: what was asked, what happened, what is broken.
pub fn round(number: u32, outcome: &Outcome) -> String {
    let seed = outcome.settings.seed;
    let faults: Vec<&str> = outcome.healed.iter().map(|(name, _)| *name).collect();
    let faults = if faults.is_empty() { "no faults".to_owned() } else { faults.join(", ") };
    let mut text = format!(
        "round {number}, seed {seed}: {} violations\n    {faults}\n    {}; {} events; at rest \
         after {:.1} s, checked in {:.1} s",
        outcome.violations.len(),
        outcome.history.summary(),
        outcome.events,
        outcome.rest.as_secs_f64(),
        outcome.checks.as_secs_f64(),
    );
    for note in &outcome.notes {
        let _ = write!(text, "\n    note: {note}");
    }
    for violation in &outcome.violations {
        let _ = write!(text, "\n    VIOLATION: {}: {}", violation.promise, violation.what);
    }
    text
}

/// What the checks of a round looked at, each on a line.
pub fn checked(outcome: &Outcome) -> String {
    let mut text = format!("The checks of seed {} looked at:", outcome.settings.seed);
    for (promise, covered) in &outcome.checked {
        let _ = write!(text, "\n    {promise}: {covered}");
    }
    text
}

/// How long it took from healing to all caught up, by fault; and what could not happen here.
#[derive(Debug, Default)]
pub struct Table {
    times: BTreeMap<&'static str, Vec<Duration>>,
    kept_rates: BTreeMap<&'static str, Vec<f64>>,
    missing: Vec<(&'static str, String)>,
}

impl Table {
    /// A fault of which there are no times yet.
    pub fn expect(&mut self, fault: &'static str) {
        self.times.entry(fault).or_default();
    }

    /// A fault that cannot happen on this machine.
    pub fn miss(&mut self, fault: &'static str, why: String) {
        self.missing.push((fault, why));
    }

    /// Adds what happened in a round.
    pub fn add(&mut self, outcome: &Outcome) {
        for (name, time) in &outcome.healed {
            self.times.entry(name).or_default().push(*time);
        }
        for (name, kept) in &outcome.kept_rates {
            self.kept_rates.entry(name).or_default().push(*kept);
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (fault, kept) = ("FAULT", "OTHER KEPT");
        writeln!(f, "{fault:<28} {:>5} {:>10} {:>10} {kept:>12}", "TIMES", "MEDIAN", "WORST")?;
        for (name, times) in &self.times {
            let mut times = times.clone();
            times.sort_unstable();
            let shown = |time: Option<&Duration>| {
                time.map_or("-".to_owned(), |time| format!("{:.1} s", time.as_secs_f64()))
            };
            let (median, worst) = (shown(times.get(times.len() / 2)), shown(times.last()));
            let kept = self.kept_rates.get(name).into_iter().flatten().copied().reduce(f64::min);
            let kept = kept.map_or("-".to_owned(), |kept| format!("{kept:.2}"));
            writeln!(f, "{name:<28} {:>5} {median:>10} {worst:>10} {kept:>12}", times.len())?;
        }
        for (name, why) in &self.missing {
            writeln!(f, "{name:<28} left out: {why}")?;
        }
        writeln!(
            f,
            "Times are from healing until everybody had caught up with the log as it was."
        )?;
        write!(
            f,
            "Kept is the least part of its rate before that the other command-api went on with."
        )
    }
}
