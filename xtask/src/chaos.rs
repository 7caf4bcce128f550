//! `cargo xtask chaos`: the whole stack under load and faults, and the checks that every promise
//! was kept.
//!
//! Owns what the program `chaos` (in `proof/chaos`) is told: which processes make up the stack and
//! how each is started, as data, so that it can kill them and start them again by itself.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::layout::{Layout, create_dir};
use crate::process::run_in_terminal;
use crate::servers::{Ports, Throwaway};
use crate::services::{COMMAND_API, PROJECTOR, QUERY_API, Services};
use crate::specification::{self, Servers, launch, process};
use crate::{cargo, ports, progress, stand_in};

/// Options of `chaos`.
#[derive(clap::Args)]
pub struct Args {
    /// How many rounds
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// What decides all that is random [default: one that is printed]
    #[arg(long)]
    seed: Option<u64>,
    /// How long the load of a round lasts
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// A folder with command-api, projector and query-api of an earlier build, which then run
    /// beside these for a while
    #[arg(long, value_name = "FOLDER")]
    older: Option<PathBuf>,
    /// Passed on to `chaos`, such as `--clients 50` or `--fault 'NATS wiped'`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    rest: Vec<String>,
}

/// Builds everything, and lets `chaos` start, break and check it.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    progress::step("Building", "the services and chaos (quick)");
    let programs = [COMMAND_API, QUERY_API, PROJECTOR, stand_in::PROGRAM, "chaos"];
    let binaries = cargo::build_quick(&programs)?;
    let chaos = binaries.get("chaos").context("cargo built no program chaos")?;
    let mut command = specification::contained(chaos);
    let Throwaway { stack, folder } = Throwaway::new(layout)?;
    let services = Services::built(binaries);
    let file = specify(layout, &services, args.older.as_deref(), folder.path())?;
    command.arg("--specification").arg(file);
    command.arg(format!("--rounds={}", args.rounds)).arg(format!("--minutes={}", args.minutes));
    command.args(args.seed.map(|seed| format!("--seed={seed}"))).args(&args.rest);
    let status = run_in_terminal(&mut command)?;
    drop(stack);
    if status.success() {
        return Ok(ExitCode::SUCCESS);
    }
    progress::warning(&format!("kept to be looked into: {}", folder.path().display()));
    folder.keep();
    Ok(ExitCode::FAILURE)
}

/// Writes down, in `folder`, a stack with its data below that; returns the file. Its Postgres loses
/// nothing in a crash, whoever asks: one that does is found to break the engine's promises.
pub fn specify(
    layout: &Layout,
    services: &Services,
    older: Option<&Path>,
    folder: &Path,
) -> Result<PathBuf> {
    create_dir(folder)?;
    let [postgres, nats, meilisearch, stripe, service_ports @ ..] =
        ports::free_for_restarts::<9>()?;
    let server_ports = Ports { postgres, nats, meilisearch };
    // A journal in pieces of a megabyte: a full disk is then met by the journal, too.
    let Servers { urls, mut processes } =
        specification::servers(layout, folder, server_ports, &["--wal-segsize=1"])?;
    let parts = [
        ("command-api-1", COMMAND_API),
        ("command-api-2", COMMAND_API),
        ("projector-1", PROJECTOR),
        ("projector-2", PROJECTOR),
        ("query-api", QUERY_API),
    ];
    let webhooks = stand_in::webhooks(&format!("http://127.0.0.1:{}", service_ports[0]));
    let stand_in = launch(&stand_in::stripe(services, stripe, &webhooks)?, None)?;
    processes.insert("stripe".into(), process(stripe, &stand_in, &Value::Null));
    for ((part, service), port) in parts.into_iter().zip(service_ports) {
        let mut running = services.running(service, &urls, port)?;
        // Short enough for orders that nobody pays to run out within a round.
        running.env("RESERVATION_MINUTES", "1").envs(stand_in::settings(stripe));
        let mut process = process(port, &launch(&running, None)?, &Value::Null);
        if let Some(older) = older {
            process["older"] = json!(std::path::absolute(older.join(service))?);
        }
        processes.insert(part.into(), process);
    }
    let specification = json!({
        "folder": folder, "database": urls.database, "nats": urls.nats,
        "meilisearch": urls.meilisearch, "meilisearch_key": urls.meilisearch_key,
        "stripe_secret_key": stand_in::SECRET_KEY, "processes": processes,
    });
    specification::write(folder, &specification)
}
