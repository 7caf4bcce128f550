//! Processes we start: each writes to its log, is waited for until ready, and is stopped in the
//! reverse order of starting, whatever ends the run.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::layout::{create_dir, remove_dir};
use crate::record::{ProcessId, RECORD_FILE, Record, Recorded, StopWith};
use crate::{interrupt, progress};

/// How long a server or service may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_mins(1);
/// Pause between two looks whether it is.
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Lines of a log shown with a failure.
const LOG_TAIL_LINES: usize = 15;

/// What to start.
pub struct Spec<'a> {
    pub name: &'a str,
    pub command: Command,
    pub stop_with: StopWith,
    /// Where it will listen, for the record.
    pub url: String,
}

/// The processes of one run, oldest first. Dropping it stops them.
pub struct Stack {
    record_path: PathBuf,
    logs: PathBuf,
    record: Record,
    children: Vec<Child>,
    stop_on_drop: bool,
}

impl Stack {
    /// An empty stack that keeps its logs and its record below `folder`.
    pub fn new(folder: &Path) -> Result<Self> {
        let logs = folder.join("logs");
        create_dir(&logs)?;
        let record_path = folder.join(RECORD_FILE);
        let record = Record { owner: ProcessId::this(), processes: Vec::new() };
        record.save(&record_path)?;
        Ok(Self { record_path, logs, record, children: Vec::new(), stop_on_drop: true })
    }

    /// Where a process or step of that name writes.
    pub fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{name}.log"))
    }

    /// Starts a process and waits until `ready` says so.
    pub fn start(&mut self, spec: Spec<'_>, ready: impl Fn() -> bool) -> Result<()> {
        let Spec { name, mut command, stop_with, url } = spec;
        let log = self.log(name);
        let (stdout, stderr) = create_log(&log)?;
        // A process group of its own: Ctrl-C goes to us alone, and we stop the others in order.
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .with_context(|| {
                format!("cannot start {name} ({})", command.get_program().display())
            })?;
        let pid = i32::try_from(child.id()).context("the process number is out of range")?;
        let (name_owned, id) = (name.to_owned(), ProcessId::of(pid));
        self.record.processes.push(Recorded { name: name_owned, id, stop_with, url, log });
        self.children.push(child);
        self.record.save(&self.record_path)?;
        self.wait_until_ready(name, ready)
    }

    fn wait_until_ready(&mut self, name: &str, ready: impl Fn() -> bool) -> Result<()> {
        let deadline = Instant::now() + READY_TIMEOUT;
        while !ready() {
            interrupt::check()?;
            self.check_running()?;
            if Instant::now() > deadline {
                let tail = log_tail(&self.log(name));
                bail!("{name} was not ready within {} s{tail}", READY_TIMEOUT.as_secs());
            }
            thread::sleep(POLL_INTERVAL);
        }
        // What answered may be another program that took the port meanwhile.
        self.check_running()
    }

    /// Fails with the tail of the log when a process has ended.
    pub fn check_running(&mut self) -> Result<()> {
        for (child, process) in self.children.iter_mut().zip(&self.record.processes) {
            if let Some(status) = child.try_wait().context("cannot ask after a process")? {
                let tail = log_tail(&process.log);
                bail!("{} ended ({status}){tail}", process.name);
            }
        }
        Ok(())
    }

    /// Leaves the processes running and keeps their record for `down`.
    pub fn leave_running(mut self) {
        self.stop_on_drop = false;
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if !self.stop_on_drop {
            return;
        }
        self.record.stop();
        for child in &mut self.children {
            let _already_gone = child.wait();
        }
        let _already_gone = fs::remove_file(&self.record_path);
    }
}

/// Runs a command to its end with its output in `log`; `Err` carries the tail of it.
pub fn run_logged(command: &mut Command, what: &str, log: &Path) -> Result<()> {
    let (stdout, stderr) = create_log(log)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .status()
        .with_context(|| format!("cannot run {} to {what}", command.get_program().display()))?;
    interrupt::check()?;
    if !status.success() {
        bail!("could not {what} ({status}){}", log_tail(log));
    }
    Ok(())
}

/// Runs a command that shares our terminal, to its end. When a stop is asked for it gets time to
/// end by itself (Ctrl-C reaches it too) and is then made to.
pub fn run_in_terminal(command: &mut Command) -> Result<ExitStatus> {
    /// How long after Ctrl-C.
    const GRACE: Duration = Duration::from_secs(3);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    let mut asked_at = None;
    loop {
        if let Some(status) = child.try_wait().context("cannot ask after a process")? {
            interrupt::check()?;
            return Ok(status);
        }
        if interrupt::requested() && asked_at.get_or_insert_with(Instant::now).elapsed() > GRACE {
            let _already_gone = child.kill();
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// Stops what earlier runs left behind below `folder`, when they were killed before they could.
pub fn sweep(folder: &Path) -> Result<()> {
    let Ok(runs) = fs::read_dir(folder) else { return Ok(()) };
    for run in runs.flatten() {
        // Without a record the run is just beginning or just ending.
        let Some(record) = Record::load(&run.path().join(RECORD_FILE))? else { continue };
        if record.owner.is_alive() {
            continue;
        }
        if record.is_alive() {
            progress::step("Sweeping", "servers left over from a run that was killed");
            record.stop();
        }
        remove_dir(&run.path())?;
    }
    Ok(())
}

/// The end of a log, ready to stand after a sentence.
pub fn log_tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    if lines.is_empty() {
        return format!("; its log {} is empty", log.display());
    }
    let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
    format!("; the end of {}:\n    {}", log.display(), tail.join("\n    "))
}

/// An empty log, as two handles that share their place in it. What the last process of that name
/// wrote is kept beside it, for whoever looks why it failed after the next one has begun.
fn create_log(path: &Path) -> Result<(File, File)> {
    // There is none before the first time.
    let _ = fs::rename(path, path.with_extension("log.before"));
    File::create(path)
        .and_then(|log| Ok((log.try_clone()?, log)))
        .with_context(|| format!("cannot write {}", path.display()))
}
