//! What the command line says of what was done by hand, on standard output, and what it exits with.

use std::process::ExitCode;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use service::say;

use crate::building::rebuild::Report;
use crate::building::rollback::WentBack;
use crate::building::switching::Filled;
use crate::care::CalledOff;
use crate::printout;
use crate::projection::Projection;
use crate::working::retry::Retried;

/// Of `pause`.
pub fn paused(projection: &Projection, done: bool) -> ExitCode {
    let state = if done { "paused" } else { "paused already" };
    say(format!("{}: {state}; `projector resume` lets it go on", projection.name));
    ExitCode::SUCCESS
}

/// Of `resume`.
pub fn resumed(projection: &Projection, done: bool) -> ExitCode {
    let state = if done { "goes on" } else { "was not paused" };
    say(format!("{}: {state}", projection.name));
    ExitCode::SUCCESS
}

/// Of `cancel`.
pub fn cancelled(projection: &Projection, called_off: Option<CalledOff>) -> ExitCode {
    let name = projection.name;
    let Some(CalledOff { build, kept }) = called_off else {
        say(format!("{name}: nothing is being made"));
        return ExitCode::FAILURE;
    };
    let became = if kept { "kept as before" } else { "deleted" };
    say(format!("{name}: build {build} is called off and {became}"));
    ExitCode::SUCCESS
}

/// Of `release`.
pub fn released(projection: &Projection, holders: &[String], keep_from: Duration) -> ExitCode {
    let (name, seconds) = (projection.name, keep_from.as_secs());
    if holders.is_empty() {
        say(format!("nobody works on {name}"));
        return ExitCode::FAILURE;
    }
    for holder in holders {
        say(format!("{name}: released by {holder}, which leaves it to others for {seconds} s"));
    }
    ExitCode::SUCCESS
}

/// Of `retry`.
pub fn retried(projection: &Projection, stream: Option<&str>, retried: &Retried) -> ExitCode {
    if retried.released.is_empty() && retried.stuck.is_empty() {
        if let Some(stream) = stream {
            say(format!("{stream} is not parked in {}", projection.name));
            return ExitCode::FAILURE;
        }
        say("nothing is parked");
    }
    taken_up(retried)
}

/// Of `skip`.
pub fn skipped(stream: &str, position: i64, retried: &Retried) -> ExitCode {
    say(format!("skipped the event of {stream} at {position}"));
    taken_up(retried)
}

fn taken_up(retried: &Retried) -> ExitCode {
    for stream in &retried.released {
        say(format!("released {stream}"));
    }
    for (stream, reason) in &retried.stuck {
        say(format!("still parked: {stream}: {reason}"));
    }
    if retried.stuck.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Of `rebuild`.
pub fn rebuilt(projection: &Projection, report: &Report) -> ExitCode {
    say(printout::summary(projection, report));
    shown(projection, report.to, report.kept.then_some(report.from), report.filled);
    ExitCode::SUCCESS
}

/// Of `rollback`.
pub fn went_back(projection: &Projection, went_back: &WentBack) -> ExitCode {
    let WentBack { from, to, kept, parked, filled } = *went_back;
    if parked > 0 {
        let name = projection.name;
        say(format!("{name}: streams parked: {parked} (projector retry {name})"));
    }
    shown(projection, to, kept.then_some(from), filled);
    ExitCode::SUCCESS
}

fn shown(projection: &Projection, build: i16, kept: Option<i16>, filled: Option<Filled>) {
    let name = projection.name;
    if let Some(Filled { documents, took }) = filled {
        let seconds = took.as_secs_f64();
        say(format!("{name}: {documents} documents in a new index after {seconds:.3} s"));
    }
    say(format!("{name}: readers see build {build} now"));
    if let Some(kept) = kept {
        say(format!("{name}: build {kept} is kept (projector rollback {name}, or drop {name})"));
    }
}

/// Of `drop`.
pub fn dropped(projection: &Projection, build: Option<i16>) -> ExitCode {
    let name = projection.name;
    let Some(build) = build else {
        say(format!("{name}: no build is kept"));
        return ExitCode::FAILURE;
    };
    say(format!("{name}: build {build} is deleted"));
    ExitCode::SUCCESS
}

/// Of `reset`, where nobody said that it is meant.
pub fn would_reset(projection: &Projection) -> ExitCode {
    let name = projection.name;
    say(format!(
        "{name}: `projector reset {name} --yes` would delete all that it has made, what is parked \
         and skipped too, and begin at the start of the log; readers would see what there is of it \
         by then"
    ));
    ExitCode::FAILURE
}

/// Of `reset`.
pub fn was_reset(projection: &Projection, build: i16) -> ExitCode {
    say(format!("{}: readers see build {build} as it grows from now on", projection.name));
    ExitCode::SUCCESS
}

/// How far something has come that takes its time, as it is shown where a person looks.
pub fn bar(projection: &Projection) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:>10} {wide_bar} {human_pos}/{human_len} events, {per_sec}, {eta} left",
    );
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_prefix(projection.name)
}
