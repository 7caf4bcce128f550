//! Postgres: a data folder, a server on it, and one database. Also plain SQL files, run by psql.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::Program;
use crate::layout::{Layout, create_dir};
use crate::ports::{self, HOST};
use crate::process::{Spec, Stack, run_logged};
use crate::progress;
use crate::record::StopWith;

/// The superuser and the database. There is no password: the server listens on the loopback
/// address only and holds a developer's data.
const NAME: &str = "commerce";
/// Enough for many tests at once, each with a database and pools of its own.
const CONNECTIONS_MAX: u32 = 300;

/// What a crash may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was committed.
    Durable,
    /// Everything, for speed: throwaway data.
    Throwaway,
}

/// How a migration begins that is not to run in a transaction, as sqlx knows it.
const NO_TRANSACTION: &str = "-- no-transaction";

/// The major version that wrote the data in `data`, if there is any.
pub fn data_version(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// Starts a server with its data in `data` and returns the URL of its database.
pub fn start(
    program: &Program,
    layout: &Layout,
    stack: &mut Stack,
    data: &Path,
    port: u16,
    durability: Durability,
) -> Result<String> {
    if data_version(data).is_none() {
        initialise(program, layout, stack, data)?;
    }
    progress::step("Starting", &format!("PostgreSQL {} on port {port}", program.version));
    let command = server(program, layout, data, port, durability);
    let maintenance = url(port, "postgres");
    let own = database_url(port);
    let spec = Spec { name: "postgres", command, stop_with: StopWith::Interrupt, url: own.clone() };
    stack.start(spec, || ports::answers(port) && answers(program, &maintenance))?;
    if !answers(program, &own) {
        let mut create = psql(program, &maintenance);
        create.args(["--command", &format!("CREATE DATABASE {NAME}")]);
        run_logged(&mut create, "create the database", &stack.log("createdb"))?;
    }
    Ok(own)
}

/// The server on the data in `data`.
pub fn server(
    program: &Program,
    layout: &Layout,
    data: &Path,
    port: u16,
    durability: Durability,
) -> Command {
    let mut command = tool(program, "postgres", layout, data);
    command.arg("-D").arg(data).args(["-p", &port.to_string()]);
    let mut settings = vec![
        format!("listen_addresses={HOST}"),
        "unix_socket_directories=".to_owned(),
        format!("max_connections={CONNECTIONS_MAX}"),
    ];
    if durability == Durability::Throwaway {
        let off = ["fsync", "synchronous_commit", "full_page_writes"];
        settings.extend(off.map(|setting| format!("{setting}=off")));
    }
    for setting in settings {
        command.args(["-c", &setting]);
    }
    command
}

/// What makes the empty folder `data`, which must belong to the server's user, a data folder.
pub fn initdb(program: &Program, layout: &Layout, data: &Path) -> Command {
    let mut command = tool(program, "initdb", layout, data);
    command.arg("--pgdata").arg(data);
    command.args(["--username", NAME, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
    command.arg("--no-instructions");
    command
}

/// Where the server's own database is.
pub fn database_url(port: u16) -> String {
    url(port, NAME)
}

/// One of our own URLs, for another user.
pub fn as_user(url: &str, user: &str) -> String {
    url.replacen(&format!("//{NAME}@"), &format!("//{user}@"), 1)
}

/// Runs a SQL file, in one transaction unless its first line says otherwise.
pub fn run_file(program: &Program, url: &str, file: &Path, log: &Path) -> Result<()> {
    let sql =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut command = psql(program, url);
    if !sql.starts_with(NO_TRANSACTION) {
        command.arg("--single-transaction");
    }
    command.arg("--file").arg(file);
    run_logged(&mut command, &format!("apply {}", file.display()), log)
}

/// What a statement answers: its one column, a row after the other.
pub fn ask(program: &Program, url: &str, statement: &str) -> Result<String> {
    let mut command = psql(program, url);
    command.args(["--tuples-only", "--no-align", "--command", statement]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.context("cannot run psql")?;
    if !output.status.success() {
        bail!("psql refused a statement: see its message above");
    }
    String::from_utf8(output.stdout).context("psql did not answer in UTF-8")
}

fn initialise(program: &Program, layout: &Layout, stack: &Stack, data: &Path) -> Result<()> {
    progress::step("Creating", &format!("an empty database in {}", data.display()));
    // A folder half made by a run that was interrupted is of no use.
    crate::layout::remove_dir(data)?;
    create_dir(data)?;
    if let Some(user) = layout.server_user {
        user.own(data)?;
    }
    let mut command = initdb(program, layout, data);
    run_logged(&mut command, "create the database", &stack.log("initdb"))
}

/// A program of the server's own folder, run as the user the data belongs to.
fn tool(program: &Program, name: &str, layout: &Layout, data: &Path) -> Command {
    let mut command = Command::new(program.path.with_file_name(name));
    if let Some(user) = layout.server_user {
        user.apply(&mut command);
    }
    command.current_dir(data).env_remove("PGDATA");
    command
}

fn psql(program: &Program, url: &str) -> Command {
    let mut command = Command::new(program.path.with_file_name("psql"));
    command.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", url]);
    command.env_remove("PGOPTIONS").env_remove("PGSERVICE");
    command
}

fn answers(program: &Program, url: &str) -> bool {
    let mut command = psql(program, url);
    command.args(["--command", "SELECT 1"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://{NAME}@{HOST}:{port}/{database}")
}
