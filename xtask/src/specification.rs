//! What programs of `proof/` are told: processes as data, so that they can start, kill and start
//! them again by themselves. The crate `harness` reads it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use crate::layout::{Layout, ServerUser};
use crate::servers::{Durability, Ports, Urls, find, meilisearch, nats, postgres};

/// The three servers, none of which runs yet.
pub struct Servers {
    /// Where they will be.
    pub urls: Urls,
    /// Each by its name.
    pub processes: Map<String, Value>,
}

/// Servers with their data below `folder`. This Postgres loses nothing in a crash, whoever asks:
/// one that does is found to break the engine's promises, and measures nothing. `of_data` is what
/// `initdb` is told besides.
pub fn servers(layout: &Layout, folder: &Path, ports: Ports, of_data: &[&str]) -> Result<Servers> {
    let urls = Urls {
        database: postgres::database_url(ports.postgres),
        has_logins: false,
        nats: nats::url(ports.nats),
        meilisearch: meilisearch::url(ports.meilisearch),
        meilisearch_key: meilisearch::MASTER_KEY.to_owned(),
    };
    let mut processes = Map::new();

    let (program, data) = (find::postgres(layout, None)?, folder.join("postgres"));
    let server = postgres::server(&program, layout, &data, ports.postgres, Durability::Durable);
    let mut initdb = postgres::initdb(&program, layout, &data);
    initdb.args(of_data);
    let user = layout.server_user;
    let store = json!({
        "folder": data, "user": user_data(user), "initialise": launch(&initdb, user)?,
    });
    let server = launch(&server, user)?;
    processes.insert("postgres".into(), process(ports.postgres, &server, &store));

    let (program, data) = (find::nats(layout)?, folder.join("nats"));
    let server = launch(&nats::server(&program, &data, ports.nats)?, None)?;
    processes.insert("nats".into(), process(ports.nats, &server, &json!({"folder": data})));

    let (program, data) = (find::meilisearch(layout)?, folder.join("meilisearch"));
    let server = launch(&meilisearch::server(&program, &data, ports.meilisearch), None)?;
    let store = json!({"folder": data});
    processes.insert("meilisearch".into(), process(ports.meilisearch, &server, &store));
    Ok(Servers { urls, processes })
}

/// Writes a specification into `folder`; returns the file.
pub fn write(folder: &Path, specification: &Value) -> Result<PathBuf> {
    let file = folder.join("specification.json");
    std::fs::write(&file, serde_json::to_vec_pretty(specification)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The program, where the system allows it in namespaces of its own: then nothing that it started
/// runs on or stays mounted, whatever ends it. By itself it sees to that unless it is killed.
pub fn contained(program: &Path) -> Command {
    let own = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
    let mut tried = Command::new("unshare");
    tried.args(own).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    if !tried.status().is_ok_and(|status| status.success()) {
        return Command::new(program);
    }
    let mut command = Command::new("unshare");
    command.args(own).arg(program);
    command
}

/// A process that is to listen on `port`, and what it keeps where.
pub fn process(port: u16, launch: &Value, store: &Value) -> Value {
    json!({"port": port, "launch": launch, "store": store})
}

/// A command as data. The user it runs as cannot be read out of it.
pub fn launch(command: &Command, user: Option<ServerUser>) -> Result<Value> {
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
