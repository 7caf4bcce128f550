//! `cargo xtask chaos`: the whole stack under load and faults, and the checks that every promise
//! was kept.
//!
//! Owns what the program `chaos` (in `proof/chaos`) is told: which processes make up the stack and
//! how each is started, as data, so that it can kill them and start them again by itself.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::layout::{Layout, ServerUser, create_dir};
use crate::process::run_in_terminal;
use crate::servers::{Durability, Throwaway, Urls, find, meilisearch, nats, postgres};
use crate::services::{COMMAND_API, PROJECTOR, QUERY_API, Services};
use crate::{cargo, ports, progress};

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
    progress::step("Building", "the services and chaos (release)");
    let binaries = cargo::build_release(&[COMMAND_API, QUERY_API, PROJECTOR, "chaos"])?;
    let chaos = binaries.get("chaos").context("cargo built no program chaos")?;
    let mut command = contained(chaos);
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

/// The program, where the system allows it in namespaces of its own: then nothing that it started
/// runs on or stays mounted, whatever ends it. By itself it sees to that unless it is killed.
fn contained(chaos: &Path) -> Command {
    let own = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut tried = Command::new("unshare");
    tried.args(own).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    if !tried.status().is_ok_and(|status| status.success()) {
        return Command::new(chaos);
    }
    let mut command = Command::new("unshare");
    command.args(own).arg(chaos);
    command
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
    let [postgres_port, nats_port, meilisearch_port, service_ports @ ..] =
        ports::free_for_restarts::<8>()?;
    let urls = Urls {
        database: postgres::database_url(postgres_port),
        has_logins: false,
        nats: nats::url(nats_port),
        meilisearch: meilisearch::url(meilisearch_port),
        meilisearch_key: meilisearch::MASTER_KEY.to_owned(),
    };
    let mut processes = Map::new();

    let (program, data) = (find::postgres(layout, None)?, folder.join("postgres"));
    let server = postgres::server(&program, layout, &data, postgres_port, Durability::Durable);
    let mut initdb = postgres::initdb(&program, layout, &data);
    // A journal in pieces of a megabyte: a full disk is then met by the journal, too.
    initdb.arg("--wal-segsize=1");
    let user = layout.server_user;
    let store = json!({
        "folder": data, "user": user_data(user), "initialise": launch(&initdb, user)?,
    });
    let server = launch(&server, user)?;
    processes.insert("postgres".into(), process(postgres_port, &server, &store));

    let (program, data) = (find::nats(layout)?, folder.join("nats"));
    let server = launch(&nats::server(&program, &data, nats_port), None)?;
    processes.insert("nats".into(), process(nats_port, &server, &json!({"folder": data})));

    let (program, data) = (find::meilisearch(layout)?, folder.join("meilisearch"));
    let server = launch(&meilisearch::server(&program, &data, meilisearch_port), None)?;
    let store = json!({"folder": data});
    processes.insert("meilisearch".into(), process(meilisearch_port, &server, &store));

    let parts = [
        ("command-api-1", COMMAND_API),
        ("command-api-2", COMMAND_API),
        ("projector-1", PROJECTOR),
        ("projector-2", PROJECTOR),
        ("query-api", QUERY_API),
    ];
    for ((part, service), port) in parts.into_iter().zip(service_ports) {
        let mut running = services.running(service, &urls, port)?;
        // Short enough for orders that nobody pays to run out within a round.
        running.env("RESERVATION_MINUTES", "1");
        let mut process = process(port, &launch(&running, None)?, &Value::Null);
        if let Some(older) = older {
            process["older"] = json!(std::path::absolute(older.join(service))?);
        }
        processes.insert(part.into(), process);
    }
    let specification = json!({
        "folder": folder, "database": urls.database, "nats": urls.nats,
        "meilisearch": urls.meilisearch, "meilisearch_key": urls.meilisearch_key,
        "processes": processes,
    });
    let file = folder.join("specification.json");
    std::fs::write(&file, serde_json::to_vec_pretty(&specification)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

fn process(port: u16, launch: &Value, store: &Value) -> Value {
    json!({"port": port, "launch": launch, "store": store})
}

/// A command as data. The user it runs as cannot be read out of it.
fn launch(command: &Command, user: Option<ServerUser>) -> Result<Value> {
    let text = |text: &std::ffi::OsStr| {
        text.to_str().map(str::to_owned).context("a path or an argument is not UTF-8")
    };
    let arguments = command.get_args().map(text).collect::<Result<Vec<_>>>()?;
    let environment = command
        .get_envs()
        .map(|(name, value)| Ok((text(name)?, value.map(text).transpose()?.into())))
        .collect::<Result<Map<_, _>>>()?;
    Ok(json!({
        "program": text(command.get_program())?, "arguments": arguments,
        "environment": environment, "folder": command.get_current_dir(), "user": user_data(user),
    }))
}

fn user_data(user: Option<ServerUser>) -> Value {
    user.map_or(Value::Null, |ServerUser { uid, gid }| json!({"uid": uid, "gid": gid}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_as_data() {
        let mut command = Command::new("postgres");
        command.args(["-p", "1"]).env("LISTEN", "here").env_remove("PGDATA").current_dir("/");
        let told = launch(&command, Some(ServerUser { uid: 7, gid: 8 })).unwrap();
        let expected = json!({
            "program": "postgres", "arguments": ["-p", "1"],
            "environment": {"LISTEN": "here", "PGDATA": null},
            "folder": "/", "user": {"uid": 7, "gid": 8},
        });
        assert_eq!(told, expected);
    }
}
