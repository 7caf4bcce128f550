//! A standby of Postgres, made of the running server and promoted in its place: a failover. What it
//! has not received by then never happened.
//!
//! It takes the primary's address over, as a virtual address or a name in DNS would move: its data
//! become those of the process that the stack calls Postgres.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use harness::{Launch, Program, Ready, Store, free_port};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::time::{Instant, sleep};

use super::{Cluster, Part};

/// How long it may take to be where the primary is.
const CATCH_UP_TIME_MAX: Duration = Duration::from_secs(30);
/// And how long to become one, in seconds.
const PROMOTION_SECONDS_MAX: i32 = 30;
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(20);
const BACKUP: &str = "pg_basebackup";

/// What the primary waits for before it acknowledges.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// Its own disk: the standby may lack the end.
    Asynchronous,
    /// The standby's disk too.
    Synchronous,
}

/// A standby that receives what the primary writes. Dropping it kills it and removes its data.
#[derive(Debug)]
pub struct Standby {
    program: Program,
    options: PgConnectOptions,
    store: Store,
}

impl Cluster {
    /// Why no standby can be made here, if so.
    pub fn lacks_standby(&self) -> Option<String> {
        let tool = self.postgres.program.with_file_name(BACKUP);
        (!tool.exists()).then(|| format!("there is no {}", tool.display()))
    }

    /// Makes a standby and waits until it is where the primary is.
    pub async fn stand_by(&mut self, replication: Replication) -> Result<Standby> {
        let primary = self.program(Part::Postgres).port;
        let (port, folder) = (free_port()?, self.folder.join("standby"));
        let store = Store {
            folder: folder.clone(),
            initialise: None,
            ..self.store(Part::Postgres)?.clone()
        };
        remove(&folder)?;
        store.create()?;
        // Postgres takes no folder that others may look into.
        std::fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        self.tool(
            BACKUP,
            &folder,
            &[
                "--dbname",
                &format!("postgres://commerce@127.0.0.1:{primary}/"),
                "--pgdata",
                text(&folder)?,
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--wal-method=stream",
                "--no-sync",
            ],
        )
        .run()?;
        let launch = elsewhere(&self.postgres, &folder, port)?;
        let options = self.options.clone().port(port).database("postgres");
        let url = format!("postgres://commerce@127.0.0.1:{port}/postgres");
        let log = self.folder.join("standby.log");
        let mut program =
            Program::new("standby".to_owned(), port, launch, Ready::Postgres(url), log);
        program.start().await?;
        let standby = Standby { program, options, store };
        let mut primary = self.options.clone().database("postgres").connect().await?;
        if replication == Replication::Synchronous {
            run(&mut primary, "ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
            run(&mut primary, "SELECT pg_reload_conf()").await?;
        }
        let caught_up = match replication {
            Replication::Synchronous => {
                "SELECT EXISTS (SELECT FROM pg_stat_replication
                 WHERE sync_state = 'sync' AND application_name = 'walreceiver')"
            }
            Replication::Asynchronous => {
                "SELECT EXISTS (SELECT FROM pg_stat_replication
                 WHERE state = 'streaming' AND application_name = 'walreceiver')"
            }
        };
        until(&mut primary, caught_up).await.context("the standby does not follow")?;
        Ok(standby)
    }

    /// This standby shall take over when it comes to that.
    pub fn awaits_failover(&mut self, standby: Standby) {
        self.standby = Some(standby);
    }

    /// From this moment on the primary does what will be lost.
    pub fn note_cut(&mut self) {
        self.cuts.push(std::time::Instant::now());
    }

    /// Since when the primary did what was lost, for each failover that lost something.
    pub fn take_cuts(&mut self) -> Vec<std::time::Instant> {
        std::mem::take(&mut self.cuts)
    }

    /// Kills the primary, and puts the standby in its place.
    pub async fn fail_over(&mut self) -> Result<()> {
        let mut standby = self.standby.take().context("nobody stands by")?;
        self.program(Part::Postgres).kill();
        let mut connection = standby.connect().await?;
        let promote = format!("SELECT pg_promote(true, {PROMOTION_SECONDS_MAX})");
        run(&mut connection, &promote).await.context("the standby is not promoted")?;
        until(&mut connection, "SELECT NOT pg_is_in_recovery()").await?;
        standby.program.stop("INT").await?;
        let data = self.store(Part::Postgres)?.folder.clone();
        for entry in std::fs::read_dir(&data)? {
            remove(&entry?.path())?;
        }
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(standby.store.folder.join(".")).arg(&data);
        ensure!(copy.status().context("cannot run cp")?.success(), "the data are not copied");
        self.program(Part::Postgres).spawn()
    }

    /// A program of Postgres's own folder, as the user of its data.
    fn tool(&self, name: &str, folder: &Path, arguments: &[&str]) -> Launch {
        Launch {
            program: self.postgres.program.with_file_name(name),
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            folder: Some(folder.to_owned()),
            ..self.postgres.clone()
        }
    }
}

impl Standby {
    /// The log on it, as a `postgres://` URL.
    pub fn database(&self, log: &PgConnectOptions) -> String {
        let options = self.options.clone().database(log.get_database().unwrap_or_default());
        options.to_url_lossy().to_string()
    }

    /// It goes on receiving what the primary writes, and shows nothing more of it.
    pub async fn hold_back(&self) -> Result<()> {
        run(&mut self.connect().await?, "SELECT pg_wal_replay_pause()").await
    }

    /// It shows all that it has received.
    pub async fn go_on(&self) -> Result<()> {
        run(&mut self.connect().await?, "SELECT pg_wal_replay_resume()").await
    }

    /// From here on it hears nothing more of what the primary does.
    pub async fn cut_off(&self) -> Result<()> {
        let mut connection = self.connect().await?;
        run(&mut connection, "ALTER SYSTEM SET primary_conninfo = ''").await?;
        run(&mut connection, "SELECT pg_reload_conf()").await?;
        let is_cut = "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)";
        until(&mut connection, is_cut).await.context("the standby still hears")
    }

    async fn connect(&self) -> Result<PgConnection> {
        self.options.connect().await.context("the standby lets nobody in")
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.program.kill();
        let _gone = std::fs::remove_dir_all(&self.store.folder);
    }
}

/// The server's launch, on other data and at another port.
fn elsewhere(launch: &Launch, folder: &Path, port: u16) -> Result<Launch> {
    let mut launch = Launch { folder: Some(folder.to_owned()), ..launch.clone() };
    for (name, value) in [("-D", text(folder)?.to_owned()), ("-p", port.to_string())] {
        let at = launch.arguments.iter().position(|argument| argument == name);
        let at = at.with_context(|| format!("Postgres is not told {name}"))?;
        launch.arguments[at + 1] = value;
    }
    Ok(launch)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path is not UTF-8")
}

fn remove(path: &PathBuf) -> Result<()> {
    if path.is_dir() {
        std::fs::remove_dir_all(path)?;
    } else if path.exists() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(connection).await?;
    Ok(())
}

async fn until(connection: &mut PgConnection, question: &str) -> Result<()> {
    let deadline = Instant::now() + CATCH_UP_TIME_MAX;
    while !sqlx::query_scalar::<_, bool>(sqlx::AssertSqlSafe(question.to_owned()))
        .fetch_one(&mut *connection)
        .await?
    {
        ensure!(Instant::now() < deadline, "it takes too long");
        sleep(POLL).await;
    }
    Ok(())
}
