//! One process: started, waited for, stopped in unkind ways, started again.
//!
//! What it is, and what runs beside it, belongs to others.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How long a program may take until it is ready.
pub const READY_TIME_MAX: Duration = Duration::from_mins(1);
/// How long it may take to answer when asked whether it is.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// The pause between two questions: short, for the bench measures how soon a program is ready.
const POLL: Duration = Duration::from_millis(10);
/// The pause before one that has ended by itself is started again.
const RESTART_PAUSE: Duration = Duration::from_millis(100);
/// How long a program may take to end in order before it is killed.
const STOP_TIME_MAX: Duration = Duration::from_secs(40);
/// Lines of a log shown with a failure.
const LOG_TAIL_LINES: usize = 15;

/// How a process is started.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// What its environment has besides ours; without a value, what it has not.
    #[serde(default)]
    pub environment: BTreeMap<String, Option<String>>,
    /// Where it stands.
    pub folder: Option<PathBuf>,
    /// Who it runs as; only root can choose.
    pub user: Option<User>,
}

/// A user and a group, by number.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

impl Launch {
    /// What the system is told.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        if let Some(User { uid, gid }) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Runs it to its end, with its output for the failure.
    pub fn run(&self) -> Result<()> {
        let name = self.program.display();
        let output = self.command().output().with_context(|| format!("cannot run {name}"))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{name} failed ({}): {said}", output.status);
        Ok(())
    }
}

/// How a program shows that it can do its work.
#[derive(Clone, Debug)]
pub enum Ready {
    /// This URL answers with success.
    Http(String),
    /// The Postgres of this URL lets somebody in.
    Postgres(String),
    /// The NATS server of this address greets.
    Nats(String),
}

impl Ready {
    async fn holds(&self) -> bool {
        let answer = async {
            match self {
                Self::Http(url) => {
                    let client = reqwest::Client::builder().no_proxy().build()?;
                    ensure!(client.get(url).send().await?.status().is_success(), "not yet");
                }
                Self::Postgres(url) => {
                    // What a pooler in front of it takes, too.
                    let options = PgConnectOptions::from_str(url)?.extra_float_digits(None::<i8>);
                    options.database("postgres").connect().await?.close().await?;
                }
                Self::Nats(address) => {
                    let mut greeting = String::new();
                    let server = TcpStream::connect(address).await?;
                    BufReader::new(server).read_line(&mut greeting).await?;
                    ensure!(greeting.starts_with("INFO "), "not yet");
                }
            }
            anyhow::Ok(())
        };
        matches!(timeout(ANSWER_TIME_MAX, answer).await, Ok(Ok(())))
    }
}

/// A program that runs, or could. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    /// What people call it.
    pub name: String,
    /// Where it listens, on the loopback address.
    pub port: u16,
    launch: Launch,
    /// The same program of an earlier build, while this one runs; and the other way round.
    other: Option<PathBuf>,
    is_older: bool,
    ready: Ready,
    log: PathBuf,
    child: Option<Child>,
}

impl Program {
    /// A program that does not run yet. What it prints is added to the file `log`.
    pub fn new(name: String, port: u16, launch: Launch, ready: Ready, log: PathBuf) -> Self {
        let (other, is_older, child) = (None, false, None);
        Self { name, port, launch, other, is_older, ready, log, child }
    }

    /// With the same program of an earlier build, if there is one.
    #[must_use]
    pub fn or_older(mut self, older: Option<PathBuf>) -> Self {
        self.other = older;
        self
    }

    /// Whether there is an earlier build of it.
    pub fn has_older(&self) -> bool {
        self.other.is_some()
    }

    /// Which build the next start is of, if there are two.
    pub fn choose(&mut self, older: bool) {
        if let Some(other) = self.other.as_mut().filter(|_| older != self.is_older) {
            std::mem::swap(other, &mut self.launch.program);
            self.is_older = older;
        }
    }

    /// Starts it and waits until it is ready. One that ends before that is started again, as a
    /// supervisor would: its predecessor's port may take a moment to be free.
    pub async fn start(&mut self) -> Result<()> {
        let deadline = Instant::now() + READY_TIME_MAX;
        if self.child.is_none() {
            self.spawn()?;
        }
        loop {
            if self.ended()?.is_some() {
                sleep(RESTART_PAUSE).await;
                self.spawn()?;
            }
            if self.ready.holds().await {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("{} is not ready: {}", self.name, self.log_tail());
            }
            sleep(POLL).await;
        }
    }

    /// Starts it and does not wait.
    pub fn spawn(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.with_context(|| format!("cannot write {}", self.log.display()))?;
        let child = self
            .launch
            .command()
            // Ctrl-C goes to us alone, and we stop the others.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.name))?;
        self.child = Some(child);
        Ok(())
    }

    /// How it ended, if it was started and has ended without being asked to.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        let Some(child) = &mut self.child else { return Ok(None) };
        child.try_wait().with_context(|| format!("cannot ask after {}", self.name))
    }

    /// Asks it by a signal to end, and waits until it has; kills it when it takes too long.
    pub async fn stop(&mut self, signal: &str) -> Result<()> {
        self.signal(signal);
        let deadline = Instant::now() + STOP_TIME_MAX;
        while self.child.is_some() && self.ended()?.is_none() {
            if Instant::now() > deadline {
                self.kill();
                bail!("{} did not stop within {} s", self.name, STOP_TIME_MAX.as_secs());
            }
            sleep(POLL).await;
        }
        self.child = None;
        Ok(())
    }

    /// As if the machine had lost power: it and the processes it made are gone, with no chance to
    /// do anything about it.
    pub fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let id = child.id().to_string();
        // Stopped, it makes no more children while they are killed.
        let _gone = send("STOP", &id);
        let _none = quietly(Command::new("pkill").args(["-KILL", "-P", &id]));
        let _gone = child.kill();
        let _gone = child.wait();
    }

    /// Sends a signal by name: `STOP`, `CONT`, `TERM`. Nothing happens if it does not run.
    pub fn signal(&self, signal: &str) {
        if let Some(child) = &self.child {
            let _gone = send(signal, &child.id().to_string());
        }
    }

    /// Waits for the end of a program that was asked to stop.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let mut child = self.child.take().with_context(|| format!("{} is not up", self.name))?;
        Ok(child.wait()?)
    }

    /// The memory that it holds, in MiB.
    pub fn memory_mib(&self) -> Result<u64> {
        self.memory("VmRSS:")
    }

    /// The most memory that it has held, in MiB.
    pub fn memory_peak_mib(&self) -> Result<u64> {
        self.memory("VmHWM:")
    }

    /// A line of the process's status.
    fn memory(&self, line: &str) -> Result<u64> {
        let child = self.child.as_ref().with_context(|| format!("{} is not up", self.name))?;
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()))
            .with_context(|| format!("cannot ask how much memory {} holds", self.name))?;
        let size = status.lines().find_map(|found| found.strip_prefix(line));
        let kib = size.and_then(|size| size.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kib.context("the system does not say how much memory a process holds")?.div_ceil(1024))
    }

    /// The end of its log, ready to stand after a sentence.
    fn log_tail(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(LOG_TAIL_LINES)..];
        format!("the end of {}:\n    {}", self.log.display(), tail.join("\n    "))
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn send(signal: &str, id: &str) -> std::io::Result<ExitStatus> {
    quietly(Command::new("kill").args([&format!("-{signal}"), id]))
}

fn quietly(command: &mut Command) -> std::io::Result<ExitStatus> {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status()
}
