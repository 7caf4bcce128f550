//! What rows stand on: servers, services and programs, started for one row and gone with it.
//!
//! Owns how they are started and what they are told. What a row does with them is the row's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::Measured;
use crate::layout::Layout;
use crate::ports::{self, HOST};
use crate::process::{Spec, run_logged};
use crate::projections::{self, Projection};
use crate::record::StopWith;
use crate::servers::{Durability, Program, Throwaway, find, meilisearch, nats, postgres};
use crate::{cargo, http, interrupt, progress};

/// How long the projections may take to show a catalogue.
const SHOWN_TIMEOUT: Duration = Duration::from_mins(2);
/// Pause between two looks whether they do.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The programs that all rows use.
pub struct Tools<'a> {
    layout: &'a Layout,
    postgres: Program,
    binaries: BTreeMap<String, PathBuf>,
    seconds: u64,
    quick: bool,
    log_sizes: Vec<u64>,
}

/// The servers and services of one row. Dropping it stops and removes them.
pub struct Ground<'a> {
    /// What each side is to be measured for, in seconds, after its warm-up.
    pub seconds: u64,
    /// Whether catalogues and logs are to be small, so that making them takes little time.
    pub quick: bool,
    tools: &'a Tools<'a>,
    earlier: &'a [Measured],
    throwaway: Throwaway,
    database: Option<String>,
    nats: Option<String>,
    meilisearch: Option<String>,
}

/// A service that runs.
#[derive(Clone)]
pub struct Service {
    /// What [`Ground`] knows it by.
    pub name: String,
    /// `host:port`
    pub address: String,
}

impl Service {
    /// `http://host:port`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl<'a> Tools<'a> {
    /// Finds Postgres and builds the services and the load.
    pub fn build(layout: &'a Layout, seconds: u64, quick: bool, log_sizes: &[u64]) -> Result<Self> {
        let postgres = find::postgres(layout, None)?;
        let pgbench = postgres.path.with_file_name("pgbench");
        ensure!(
            pgbench.exists(),
            "the baselines need pgbench beside {}; Debian's package postgresql has it",
            postgres.path.display()
        );
        let packages = ["command-api", "projector", "query-api", "bench"];
        progress::step("Building", &format!("{} (release)", packages.join(", ")));
        let binaries = cargo::build_release(&packages)?;
        let log_sizes = log_sizes.to_vec();
        Ok(Self { layout, postgres, binaries, seconds, quick, log_sizes })
    }
}

impl<'a> Ground<'a> {
    /// Nothing runs yet. `earlier` is what the run has measured so far.
    pub fn new(tools: &'a Tools<'a>, earlier: &'a [Measured]) -> Result<Self> {
        Ok(Self {
            seconds: tools.seconds,
            quick: tools.quick,
            tools,
            earlier,
            throwaway: Throwaway::new(tools.layout)?,
            database: None,
            nats: None,
            meilisearch: None,
        })
    }

    /// The workspace, the build folder and the like.
    pub fn layout(&self) -> &Layout {
        self.tools.layout
    }

    /// The row's folder: what lies in it goes with it.
    pub fn folder(&self) -> &Path {
        self.throwaway.folder.path()
    }

    /// What a line measured earlier in this run came to.
    pub fn earlier(&self, line: &str) -> Option<f64> {
        self.earlier.iter().find(|measured| measured.name == line).map(|measured| measured.value)
    }

    /// The URL of a database with the engine's schema, on a durable Postgres that is started with
    /// the first call. Services started from now on are told of it.
    pub fn database(&mut self) -> Result<String> {
        if let Some(url) = &self.database {
            return Ok(url.clone());
        }
        let folder = self.folder().join("postgres");
        let stack = &mut self.throwaway.stack;
        let (layout, port) = (self.tools.layout, ports::free()?);
        let program = &self.tools.postgres;
        let url = postgres::start(program, layout, stack, &folder, port, Durability::Durable)?;
        self.database = Some(url.clone());
        let log = self.log("migrate");
        run_logged(self.program("command-api")?.arg("migrate"), "migrate the database", &log)?;
        Ok(url)
    }

    /// The URL of a NATS that is started with the first call. Services started from now on are
    /// told of it: command-api then runs its relay.
    pub fn nats(&mut self) -> Result<String> {
        if let Some(url) = &self.nats {
            return Ok(url.clone());
        }
        let program = find::nats(self.tools.layout)?;
        let folder = self.folder().join("nats");
        let url = nats::start(&program, &mut self.throwaway.stack, &folder, ports::free()?)?;
        Ok(self.nats.insert(url).clone())
    }

    /// The URL of a Meilisearch that is started with the first call; its key is
    /// [`meilisearch::MASTER_KEY`]. Services started from now on are told of it.
    pub fn meilisearch(&mut self) -> Result<String> {
        if let Some(url) = &self.meilisearch {
            return Ok(url.clone());
        }
        let program = find::meilisearch(self.tools.layout)?;
        let folder = self.folder().join("meilisearch");
        let url = meilisearch::start(&program, &mut self.throwaway.stack, &folder, ports::free()?)?;
        Ok(self.meilisearch.insert(url).clone())
    }

    /// Starts a command-api on the database. Of several, each needs a name of its own.
    pub fn command_api(&mut self, name: &str) -> Result<Service> {
        self.database()?;
        self.serve("command-api", &["serve"], name)
    }

    /// Starts a query-api on the database.
    pub fn query_api(&mut self) -> Result<Service> {
        self.database()?;
        self.serve("query-api", &["serve"], "query-api")
    }

    /// Starts a projector of these projections, or of all when none is named.
    pub fn projector(&mut self, projections: &[&str]) -> Result<Service> {
        self.database()?;
        let mut arguments = vec!["run"];
        arguments.extend(projections.iter().flat_map(|name| ["--projection", name]));
        self.serve("projector", &arguments, "projector")
    }

    fn serve(&mut self, program: &str, arguments: &[&str], name: &str) -> Result<Service> {
        let mut command = self.program(program)?;
        let address = format!("{HOST}:{}", ports::free()?);
        command.args(arguments).env("LISTEN", &address).env("RUST_LOG", "warn");
        let service = Service { name: name.to_owned(), address };
        let (url, ready) = (service.url(), format!("{}/ready", service.url()));
        let spec = Spec { name, command, stop_with: StopWith::Terminate, url };
        self.throwaway.stack.start(spec, || http::is_ok(&ready))?;
        Ok(service)
    }

    /// Starts the load program as a server (a baseline that answers HTTP) and waits until `path`
    /// answers 200.
    pub fn serve_load(&mut self, arguments: &[&str], name: &str, path: &str) -> Result<Service> {
        let mut command = self.program("bench")?;
        let address = format!("{HOST}:{}", ports::free()?);
        command.args(arguments).args(["--listen", &address]);
        let service = Service { name: name.to_owned(), address };
        let (url, ready) = (service.url(), format!("{}{path}", service.url()));
        let spec = Spec { name, command, stop_with: StopWith::Terminate, url };
        self.throwaway.stack.start(spec, || http::is_ok(&ready))?;
        Ok(service)
    }

    /// Stops a service.
    pub fn stop(&mut self, service: &Service) -> Result<()> {
        self.throwaway.stack.stop(&service.name)
    }

    /// The sizes of the logs of `scale`, in events.
    pub fn log_sizes(&self) -> &[u64] {
        &self.tools.log_sizes
    }

    /// The memory that a running process holds, in MiB.
    pub fn memory_mib(&self, name: &str) -> Result<u64> {
        self.throwaway.stack.memory_mib(name)
    }

    /// The most memory that a running process has held, in MiB.
    pub fn memory_peak_mib(&self, name: &str) -> Result<u64> {
        self.throwaway.stack.memory_peak_mib(name)
    }

    /// Where a step of that name writes.
    pub fn log(&self, name: &str) -> PathBuf {
        self.throwaway.stack.log(name)
    }

    /// One of the engine's programs, or `bench`, told of the servers that run by now.
    pub fn program(&self, name: &str) -> Result<Command> {
        let binaries = &self.tools.binaries;
        let path = binaries.get(name).with_context(|| format!("cargo built no program {name}"))?;
        let mut command = Command::new(path);
        self.tell(&mut command);
        Ok(command)
    }

    /// Tells a program of the servers that run by now, and of no others.
    pub fn tell(&self, command: &mut Command) {
        let key = self.meilisearch.as_ref().map(|_| meilisearch::MASTER_KEY.to_owned());
        let variables = [
            ("DATABASE_URL", &self.database),
            ("NATS_URL", &self.nats),
            ("MEILI_URL", &self.meilisearch),
            ("MEILI_MASTER_KEY", &key),
        ];
        for (variable, value) in variables {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        command.env_remove("API_TOKEN").env("RUST_LIB_BACKTRACE", "0");
        // A proxy of the developer's cannot reach this machine's loopback address.
        command.env("NO_PROXY", HOST.to_string()).env("no_proxy", HOST.to_string());
    }

    /// Runs the load program and reads the figures that it prints.
    pub fn load(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.program("bench")?;
        let output = output(command.args(arguments), "the load")?;
        serde_json::from_slice(&output.stdout)
            .context("the load printed something else than its figures")
    }

    /// Runs pgbench on the row's database. Returns transactions per second.
    pub fn pgbench(&self, arguments: &[&str], script: &Path) -> Result<f64> {
        let mut command = self.beside_postgres("pgbench");
        command.args(["--no-vacuum", "--protocol=prepared"]).args(arguments);
        command.arg("--file").arg(script).arg(self.running_database()?);
        let output = output(&mut command, "pgbench")?;
        // tps = 21000.1 (without initial connection time)
        let text = String::from_utf8_lossy(&output.stdout);
        let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        rate.context("pgbench printed no rate")?.parse().context("pgbench printed no number")
    }

    /// Runs SQL on the row's database, each statement by itself. Returns what it printed, without
    /// heads and alignment.
    pub fn sql(&self, sql: &str) -> Result<String> {
        let output = self.psql("", sql)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs one statement on the row's database and returns how long the server took, in seconds.
    pub fn timed_sql(&self, statement: &str) -> Result<f64> {
        let output = self.psql("\\timing on\n", statement)?;
        // Time: 1234.567 ms (00:01.235)
        let text = String::from_utf8_lossy(&output.stdout);
        let time = text.lines().find_map(|line| line.strip_prefix("Time: ")?.split(' ').next());
        let ms: f64 = time.context("psql printed no time")?.parse().context("no number")?;
        Ok(ms / 1_000.0)
    }

    fn psql(&self, before: &str, sql: &str) -> Result<Output> {
        let script = self.folder().join("statement.sql");
        fs::write(&script, format!("{before}{sql};\n"))
            .with_context(|| format!("cannot write {}", script.display()))?;
        let mut command = self.beside_postgres("psql");
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        command.arg("--set=ON_ERROR_STOP=1").arg("--file").arg(&script);
        output(command.arg(self.running_database()?), "psql")
    }

    fn beside_postgres(&self, name: &str) -> Command {
        let mut command = Command::new(self.tools.postgres.path.with_file_name(name));
        command.env_remove("PGOPTIONS").env_remove("PGSERVICE");
        command
    }

    fn running_database(&self) -> Result<&str> {
        self.database.as_deref().context("the row has not started its database")
    }
}

/// Measures two sides in turns of equal length, so that what else the machine does falls on both,
/// and returns the mean of each.
pub fn in_turns(
    turns: u32,
    mut one: impl FnMut() -> Result<f64>,
    mut other: impl FnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut ones, mut others) = (0.0, 0.0);
    for _ in 0..turns {
        ones += one()?;
        others += other()?;
    }
    Ok((ones / f64::from(turns), others / f64::from(turns)))
}

/// Waits until readers see all of the log in these projections, or in all when none is named; and
/// in Meilisearch if search is one of them.
pub fn wait_until_shown(query_api: &Service, names: &[&str]) -> Result<()> {
    let deadline = Instant::now() + SHOWN_TIMEOUT;
    loop {
        let mut awaited = projections::list(&query_api.url())?;
        awaited.retain(|one| names.is_empty() || names.contains(&one.name.as_str()));
        let begun = !awaited.is_empty() && awaited.len() >= names.len();
        if begun && awaited.iter().all(Projection::is_caught_up) {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "the projections do not catch up");
        interrupt::check()?;
        thread::sleep(POLL_INTERVAL);
    }
}

/// A figure that the load printed.
pub fn number(figures: &Value, name: &str) -> Result<f64> {
    figures[name].as_f64().with_context(|| format!("the load printed no {name}"))
}

/// Runs a command to its end; `Err` carries what it said.
pub fn output(command: &mut Command, what: &str) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot run {what}"))?;
    interrupt::check()?;
    if !output.status.success() {
        bail!("{what} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}
