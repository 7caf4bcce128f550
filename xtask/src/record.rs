//! The record of running processes: what `up` writes and `down` and `status` read.
//!
//! A process is its number and its start time together, so that a number given anew by the
//! system is never taken for one of ours.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde::{Deserialize, Serialize};

use crate::progress;

/// Name of the record in the folder of its run.
pub const RECORD_FILE: &str = "run.json";
/// How long a process may take to end in order before it is killed.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);
/// Pause between two looks at a process.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Field of `/proc/<pid>/stat` after the name that holds the state, and the one of the start time.
const STATE_FIELD: usize = 0;
const START_TIME_FIELD: usize = 19;

/// How a process is asked to stop.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopWith {
    /// SIGTERM: the usual.
    Terminate,
    /// SIGINT: Postgres's fast shutdown, which does not wait for its clients.
    Interrupt,
}

/// A process of this machine, told apart from a later one with the same number.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct ProcessId {
    pub pid: i32,
    /// Start time in the kernel's ticks; unknown on systems without `/proc`.
    started: Option<u64>,
}

/// A process that was started.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Recorded {
    pub name: String,
    pub id: ProcessId,
    pub stop_with: StopWith,
    /// Where it listens.
    pub url: String,
    pub log: PathBuf,
}

/// All processes of one run, in the order they were started.
#[derive(Debug, Deserialize, Serialize)]
pub struct Record {
    /// The `cargo xtask` that started them.
    pub owner: ProcessId,
    pub processes: Vec<Recorded>,
}

impl ProcessId {
    /// The process that now has this number.
    pub fn of(pid: i32) -> Self {
        Self { pid, started: start_time(pid) }
    }

    /// This process.
    pub fn this() -> Self {
        Self::of(rustix::process::getpid().as_raw_nonzero().get())
    }

    /// Whether it still runs.
    pub fn is_alive(self) -> bool {
        let Some(pid) = Pid::from_raw(self.pid) else { return false };
        match stat_field(self.pid, STATE_FIELD) {
            // Ended, only not yet collected by its parent.
            Some(state) if state == "Z" || state == "X" => false,
            Some(_) => start_time(self.pid) == self.started,
            None => self.started.is_none() && test_kill_process(pid).is_ok(),
        }
    }

    /// Asks it to stop with `how` and waits until it has; kills it when it takes too long.
    pub fn stop(self, name: &str, how: StopWith) {
        self.signal(match how {
            StopWith::Terminate => Signal::TERM,
            StopWith::Interrupt => Signal::INT,
        });
        let deadline = Instant::now() + STOP_TIMEOUT;
        while self.is_alive() {
            if Instant::now() > deadline {
                let seconds = STOP_TIMEOUT.as_secs();
                progress::warning(&format!("{name} did not stop within {seconds} s: killing it"));
                self.signal(Signal::KILL);
                return;
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// A failure to signal means the process has just ended, which the caller sees for itself.
    fn signal(self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ended = kill_process(pid, signal);
        }
    }
}

impl Record {
    /// The record at `path`, if there is one.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        match fs::read(path) {
            Ok(bytes) => {
                let record = serde_json::from_slice(&bytes);
                record
                    .map(Some)
                    .with_context(|| format!("cannot read {}: remove it to go on", path.display()))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("cannot open {}", path.display())),
        }
    }

    /// Writes the record to `path` in one step, so that a reader never meets half of it.
    pub fn save(&self, path: &Path) -> Result<()> {
        let draft = path.with_extension("json.new");
        fs::write(&draft, serde_json::to_vec_pretty(self)?)
            .and_then(|()| fs::rename(&draft, path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Whether any of its processes still runs.
    pub fn is_alive(&self) -> bool {
        self.processes.iter().any(|process| process.id.is_alive())
    }

    /// Stops all, the last started first.
    pub fn stop(&self) {
        for process in self.processes.iter().rev().filter(|process| process.id.is_alive()) {
            progress::step("Stopping", &process.name);
            process.id.stop(&process.name, process.stop_with);
        }
    }
}

/// The start time of a process in ticks since boot.
fn start_time(pid: i32) -> Option<u64> {
    stat_field(pid, START_TIME_FIELD)?.parse().ok()
}

/// A field of `/proc/<pid>/stat`, counted after the name in brackets, which may hold spaces.
fn stat_field(pid: i32, field: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(field).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_number_given_anew_is_not_ours() {
        let ours = ProcessId::this();
        assert!(ours.is_alive());
        let reused = ProcessId { started: ours.started.map(|ticks| ticks + 1), ..ours };
        assert!(!reused.is_alive());
    }

    #[test]
    fn a_record_survives_its_file() {
        let path = std::env::temp_dir().join(format!("xtask-record-{}.json", std::process::id()));
        let record = Record { owner: ProcessId::this(), processes: Vec::new() };
        record.save(&path).unwrap();
        assert!(Record::load(&path).unwrap().is_some());
        fs::remove_file(&path).unwrap();
        assert!(Record::load(&path).unwrap().is_none());
    }
}
