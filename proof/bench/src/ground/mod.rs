//! What rows stand on: servers, services and programs, started for one row and gone with it.
//!
//! Owns how they are started and what they are told. What a row does with them is the row's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::thread;

use anyhow::{Context as _, Result, bail};
use harness::{Launch, Process, Program, Ready, free_port};
use sqlx::migrate::MigrateDatabase as _;
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::measured::Measured;
use crate::specification::Specification;

mod shown;
mod sql;

pub use shown::{Projection, projections, wait_until_shown};

/// What the servers are known by.
const POSTGRES: &str = "postgres";
const NATS: &str = "nats";
const MEILISEARCH: &str = "meilisearch";

/// What command-api seals its signing keys with: 32 bytes that anybody knows.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The servers and services of one row. Dropping it kills them.
pub struct Ground<'a> {
    /// The row's name.
    pub row: &'static str,
    /// What each side is to be measured for, in seconds, after its warm-up.
    pub seconds: u64,
    /// Whether catalogues and logs are to be small, so that making them takes little time.
    pub quick: bool,
    told: &'a Specification,
    earlier: &'a [Measured],
    /// The oldest first.
    running: Vec<Program>,
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

impl<'a> Ground<'a> {
    /// Nothing runs yet. `earlier` is what the run has measured so far.
    pub fn new(row: &'static str, told: &'a Specification, earlier: &'a [Measured]) -> Self {
        let Specification { seconds, quick, .. } = *told;
        Self { row, seconds, quick, told, earlier, running: vec![] }
    }

    /// Stops all that runs, the youngest first, and removes its data.
    pub async fn end(mut self) -> Result<()> {
        while let Some(mut program) = self.running.pop() {
            program.stop(stop_signal(&program.name)).await?;
        }
        let servers = &self.told.processes;
        for process in [&servers.postgres, &servers.nats, &servers.meilisearch] {
            clear(process)?;
        }
        Ok(())
    }

    /// What a line measured earlier in this run came to.
    pub fn earlier(&self, line: &str) -> Option<f64> {
        self.earlier.iter().find(|measured| measured.name == line).map(|measured| measured.value)
    }

    /// The URL of a database with the engine's schema, on a durable Postgres that is started with
    /// the first call. Services started from now on are told of it.
    pub async fn database(&mut self) -> Result<String> {
        let url = self.told.database.clone();
        if !self.runs(POSTGRES) {
            let ready = Ready::Postgres(url.clone());
            self.server(POSTGRES, &self.told.processes.postgres, ready).await?;
            sqlx::Postgres::create_database(&url).await.context("cannot make the database")?;
            output(&mut self.program("command-api", &["migrate"])?, "migrate the database").await?;
        }
        Ok(url)
    }

    /// The URL of a NATS that is started with the first call. Services started from now on are
    /// told of it: command-api then runs its relay.
    pub async fn nats(&mut self) -> Result<String> {
        if !self.runs(NATS) {
            let process = &self.told.processes.nats;
            let ready = Ready::Nats(format!("127.0.0.1:{}", process.port));
            self.server(NATS, process, ready).await?;
        }
        Ok(self.told.nats.clone())
    }

    /// A Meilisearch that is started with the first call. Services started from now on are told of
    /// it.
    pub async fn meilisearch(&mut self) -> Result<Meilisearch> {
        let url = self.told.meilisearch.clone();
        if !self.runs(MEILISEARCH) {
            let ready = Ready::Http(format!("{url}/health"));
            self.server(MEILISEARCH, &self.told.processes.meilisearch, ready).await?;
        }
        Ok(Meilisearch { url, key: self.told.meilisearch_key.clone() })
    }

    async fn server(&mut self, name: &str, process: &'a Process, ready: Ready) -> Result<()> {
        clear(process)?;
        if let Some(store) = &process.store {
            store.create()?;
            store.initialise.as_ref().map_or(Ok(()), Launch::run)?;
        }
        let (launch, log) = (process.launch.clone(), self.log(name)?);
        self.start(Program::new(name.to_owned(), process.port, launch, ready, log)).await
    }

    /// Starts a command-api on the database. Of several, each needs a name of its own.
    pub async fn command_api(&mut self, name: &str) -> Result<Service> {
        self.database().await?;
        self.serve("command-api", &["serve"], name).await
    }

    /// Starts a query-api on the database.
    pub async fn query_api(&mut self) -> Result<Service> {
        self.database().await?;
        self.serve("query-api", &["serve"], "query-api").await
    }

    /// Starts a projector of these projections, or of all when none is named.
    pub async fn projector(&mut self, projections: &[&str]) -> Result<Service> {
        self.database().await?;
        let mut arguments = vec!["run"];
        arguments.extend(projections.iter().flat_map(|name| ["--projection", name]));
        self.serve("projector", &arguments, "projector").await
    }

    async fn serve(&mut self, program: &str, arguments: &[&str], name: &str) -> Result<Service> {
        let launch = self.launch(program, arguments)?;
        self.serve_as(name, launch).await
    }

    /// Starts a part of this very program as a server of its own, for a baseline that answers HTTP.
    pub async fn serve_baseline(&mut self, command: &str) -> Result<Service> {
        let mut launch = self.told_of_servers(std::env::current_exe()?);
        launch.arguments = vec![command.to_owned()];
        self.serve_as(command, launch).await
    }

    async fn serve_as(&mut self, name: &str, mut launch: Launch) -> Result<Service> {
        let port = free_port()?;
        let service = Service { name: name.to_owned(), address: format!("127.0.0.1:{port}") };
        launch.environment.insert("LISTEN".to_owned(), Some(service.address.clone()));
        launch.environment.insert("RUST_LOG".to_owned(), Some("warn".to_owned()));
        let ready = Ready::Http(format!("{}/ready", service.url()));
        let log = self.log(name)?;
        self.start(Program::new(name.to_owned(), port, launch, ready, log)).await?;
        Ok(service)
    }

    async fn start(&mut self, mut program: Program) -> Result<()> {
        program.start().await?;
        self.running.push(program);
        Ok(())
    }

    /// Stops a service.
    pub async fn stop(&mut self, service: &Service) -> Result<()> {
        let place = self.running.iter().position(|program| program.name == service.name);
        let place = place.with_context(|| format!("{} does not run", service.name))?;
        self.running.remove(place).stop(stop_signal(&service.name)).await
    }

    fn runs(&self, name: &str) -> bool {
        self.running.iter().any(|program| program.name == name)
    }

    /// A program that runs.
    pub fn running(&self, name: &str) -> Result<&Program> {
        let found = self.running.iter().find(|program| program.name == name);
        found.with_context(|| format!("{name} does not run"))
    }

    /// The sizes of the logs of `scale`, in events.
    pub fn log_sizes(&self) -> &[i64] {
        &self.told.events
    }

    /// Where Postgres's own user may write; gone with the row.
    pub fn postgres_folder(&self) -> Result<&Path> {
        let store = self.told.processes.postgres.store.as_ref();
        Ok(&store.context("Postgres has no data")?.folder)
    }

    /// A file that is gone with the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.told.folder.join(name)
    }

    fn log(&self, name: &str) -> Result<PathBuf> {
        let folder = self.told.folder.join("logs");
        fs::create_dir_all(&folder)?;
        Ok(folder.join(format!("{}-{name}.log", self.row)))
    }

    /// One of the engine's programs, told of the servers that run by now.
    pub fn program(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        Ok(Command::from(self.launch(name, arguments)?.command()))
    }

    /// The program of the peers, told of the database.
    pub fn peers(&self) -> Result<Command> {
        let peers = self.told.peers.clone().context("the peers were not built")?;
        Ok(Command::from(self.told_of_servers(peers).command()))
    }

    fn launch(&self, name: &str, arguments: &[&str]) -> Result<Launch> {
        let program = self.told.programs.get(name);
        let program = program.with_context(|| format!("there is no program {name}"))?.clone();
        let mut launch = self.told_of_servers(program);
        launch.arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Ok(launch)
    }

    /// A program told of the servers that run by now, and of no others.
    fn told_of_servers(&self, program: PathBuf) -> Launch {
        let told = self.told;
        let of = |server: &str, value: &str| self.runs(server).then(|| value.to_owned());
        // A proxy of the developer's cannot reach this machine's loopback address.
        let here = Some("127.0.0.1".to_owned());
        let environment = [
            ("DATABASE_URL", of(POSTGRES, &told.database)),
            ("NATS_URL", of(NATS, &told.nats)),
            ("MEILI_URL", of(MEILISEARCH, &told.meilisearch)),
            ("MEILI_MASTER_KEY", of(MEILISEARCH, &told.meilisearch_key)),
            ("API_TOKEN", None),
            ("MASTER_KEY", Some(MASTER_KEY.to_owned())),
            ("RUST_LIB_BACKTRACE", Some("0".to_owned())),
            ("NO_PROXY", here.clone()),
            ("no_proxy", here),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value)).into();
        Launch { program, environment, ..Launch::default() }
    }
}

/// Meilisearch, and what lets us in.
pub struct Meilisearch {
    /// Where it is.
    pub url: String,
    /// Its key.
    pub key: String,
}

/// Measures two sides in turns of equal length, so that what else the machine does falls on both,
/// and returns the mean of each.
pub async fn in_turns(
    turns: u32,
    mut one: impl AsyncFnMut() -> Result<f64>,
    mut other: impl AsyncFnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut ones, mut others) = (0.0, 0.0);
    for _ in 0..turns {
        ones += one().await?;
        others += other().await?;
    }
    Ok((ones / f64::from(turns), others / f64::from(turns)))
}

/// Has all processors do what is measured here in this program, instead of only driving it.
pub async fn on_all_threads<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let (sender, done) = oneshot::channel();
    thread::spawn(move || {
        let done = Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(work));
        let _nobody_waits_any_more = sender.send(done);
    });
    done.await?
}

/// Runs a command to its end; `Err` carries what it said.
pub async fn output(command: &mut Command, what: &str) -> Result<Output> {
    let output = command.kill_on_drop(true).output().await;
    let output = output.with_context(|| format!("cannot run {what}"))?;
    if !output.status.success() {
        bail!("{what} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output)
}

/// Postgres waits for its clients unless it is interrupted.
fn stop_signal(name: &str) -> &'static str {
    if name == POSTGRES { "INT" } else { "TERM" }
}

/// Removes what a server had stored; none is fine.
fn clear(process: &Process) -> Result<()> {
    let Some(store) = &process.store else { return Ok(()) };
    match fs::remove_dir_all(&store.folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", store.folder.display()))
        }
        _ => Ok(()),
    }
}
