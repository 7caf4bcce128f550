//! `cargo xtask token`: with what it prints somebody says who they are to the shop that `up`
//! started. And the master key of that shop, which lies beside its data, with the key that follows
//! from it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::cargo;
use crate::layout::Layout;
use crate::record::Record;
use crate::servers::Urls;
use crate::services::{COMMAND_API, Services};

/// Where the master key lies, in the folder of the data.
const FILE: &str = "master-key";

/// Options of `token`.
#[derive(clap::Args)]
pub struct Args {
    /// Whom it is for, as `command-api token --help` has it: `--role staff`, `--customer UUID`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    wanted: Vec<String>,
}

/// Prints a token, and nothing else on standard output.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let record = Record::load(&layout.record())?;
    let running = record.as_ref().and_then(|record| {
        record.processes.iter().find(|process| process.name == "postgres" && process.id.is_alive())
    });
    let database = match (std::env::var("DATABASE_URL"), running) {
        (Ok(url), _) if !url.is_empty() => url,
        (_, Some(postgres)) => postgres.url.clone(),
        _ => bail!("nothing is running: `cargo xtask up` starts it"),
    };
    let key = fs::read_to_string(layout.data.join(FILE));
    let key = key.context("this shop has no master key: `cargo xtask up` makes one")?;
    let programs = cargo::build_quick(&[COMMAND_API])?;
    let program = programs.get(COMMAND_API).context("cargo built no command-api")?;
    let mut token = Command::new(program);
    token.arg("token").args(&args.wanted).env("DATABASE_URL", database);
    let status = token.env("MASTER_KEY", key.trim()).status().context("run command-api")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A token of the owner of the shop that `up` started: without one nobody is let in to load the
/// demo where everybody is asked who they are (`ACCESS`).
pub fn of_owner(services: &Services, urls: &Urls) -> Result<String> {
    let mut token = services.command_api(urls)?;
    let made =
        token.args(["token", "--role", "owner"]).output().context("run command-api token")?;
    if !made.status.success() {
        bail!("command-api gave no token out: {}", String::from_utf8_lossy(&made.stderr).trim());
    }
    let token = String::from_utf8(made.stdout).context("a token is text")?;
    Ok(token.trim().to_owned())
}

/// The master key of the shop whose data lie here: made with the first `up`, for nobody else to
/// see.
pub fn master_key(layout: &Layout, services: &Services) -> Result<String> {
    let path = layout.data.join(FILE);
    if let Ok(key) = fs::read_to_string(&path) {
        return Ok(key.trim().to_owned());
    }
    let made = Command::new(services.program(COMMAND_API)?).arg("master-key").output();
    let made = made.context("run command-api master-key")?;
    let key = String::from_utf8(made.stdout).context("a master key is text")?;
    if !made.status.success() || key.trim().is_empty() {
        bail!("command-api made no master key: {}", String::from_utf8_lossy(&made.stderr));
    }
    let mut file = fs::OpenOptions::new();
    let file = file.write(true).create_new(true).mode(0o600).open(&path);
    let shown = || format!("write {}", path.display());
    file.with_context(shown)?.write_all(key.as_bytes()).with_context(shown)?;
    Ok(key.trim().to_owned())
}

/// The key by which query-api finds people, as it follows from the master key that `services` have.
pub fn index_key(services: &Services, urls: &Urls) -> Result<String> {
    let made = services.command_api(urls)?.arg("index-key").output();
    let made = made.context("run command-api index-key")?;
    let key = String::from_utf8(made.stdout).context("a key is text")?;
    if !made.status.success() || key.trim().is_empty() {
        bail!("command-api made no index key: {}", String::from_utf8_lossy(&made.stderr));
    }
    Ok(key.trim().to_owned())
}
