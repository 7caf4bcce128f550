//! The engine's own three services: building, migrating, starting.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::ports::{self, HOST};
use crate::process::{Spec, Stack, run_logged};
use crate::record::StopWith;
use crate::servers::Urls;
use crate::{cargo, http, progress};

pub const COMMAND_API: &str = "command-api";
pub const QUERY_API: &str = "query-api";
pub const PROJECTOR: &str = "projector";

/// The ports the services listen on.
#[derive(Clone, Copy)]
pub struct Ports {
    pub command_api: u16,
    pub query_api: u16,
    pub projector: u16,
}

impl Ports {
    /// The ports of `up`.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            command_api: ports::from_env("COMMAND_API_PORT", 8080)?,
            query_api: ports::from_env("QUERY_API_PORT", 8081)?,
            projector: ports::from_env("PROJECTOR_PORT", 8082)?,
        })
    }

    /// Fails with the remedy when one of them is taken.
    pub fn require_free(self) -> Result<()> {
        ports::require_free(self.command_api, COMMAND_API, "COMMAND_API_PORT")?;
        ports::require_free(self.query_api, QUERY_API, "QUERY_API_PORT")?;
        ports::require_free(self.projector, PROJECTOR, "PROJECTOR_PORT")
    }

    /// Where command-api answers.
    pub fn command_url(self) -> String {
        format!("http://{HOST}:{}", self.command_api)
    }

    /// Where query-api answers.
    pub fn query_url(self) -> String {
        format!("http://{HOST}:{}", self.query_api)
    }

    /// Where the projector answers.
    pub fn projector_url(self) -> String {
        format!("http://{HOST}:{}", self.projector)
    }
}

/// The built services.
pub struct Services {
    programs: BTreeMap<String, PathBuf>,
    /// What all of them are told besides where the servers are.
    environment: Vec<(&'static str, String)>,
    /// What seals secrets in the database: for command-api alone.
    master_key: Option<String>,
    /// By what orders are found by what is known of people: for query-api alone.
    index_key: Option<String>,
}

impl Services {
    /// Builds them to be tried.
    pub fn build() -> Result<Self> {
        let names = [COMMAND_API, QUERY_API, PROJECTOR];
        progress::step("Building", &format!("{} (quick)", names.join(", ")));
        cargo::build_quick(&names).map(Self::built)
    }

    /// Those that were built already.
    pub fn built(binaries: BTreeMap<String, PathBuf>) -> Self {
        Self { programs: binaries, environment: vec![], master_key: None, index_key: None }
    }

    /// Where another program lies that was built with them.
    pub fn program(&self, name: &str) -> Result<&Path> {
        let program = self.programs.get(name).map(PathBuf::as_path);
        program.with_context(|| format!("cargo built no program {name}"))
    }

    /// Told this besides.
    #[must_use]
    pub fn with(mut self, environment: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        self.environment.extend(environment);
        self
    }

    /// With this master key.
    #[must_use]
    pub fn with_master_key(self, key: String) -> Self {
        Self { master_key: Some(key), ..self }
    }

    /// With the key of the index that goes with the master key.
    #[must_use]
    pub fn with_index_key(self, key: String) -> Self {
        Self { index_key: Some(key), ..self }
    }

    /// A command of command-api, with the servers in its environment.
    pub fn command_api(&self, urls: &Urls) -> Result<Command> {
        self.command(COMMAND_API, urls)
    }

    /// Brings the database to the current schema.
    pub fn migrate(&self, urls: &Urls, stack: &Stack) -> Result<()> {
        progress::step("Migrating", "the database");
        let mut migrate = self.command_api(urls)?;
        migrate.arg("migrate");
        run_logged(&mut migrate, "migrate the database", &stack.log("migrate"))
    }

    /// Starts all three and waits until each is ready.
    pub fn start(&self, urls: &Urls, ports: Ports, stack: &mut Stack) -> Result<()> {
        // The projector before query-api: readers then wait for the projections, not the reverse.
        let services = [
            (COMMAND_API, ports.command_api),
            (PROJECTOR, ports.projector),
            (QUERY_API, ports.query_api),
        ];
        for (name, port) in services {
            let url = format!("http://{HOST}:{port}");
            progress::step("Starting", &format!("{name} on {url}"));
            let mut command = self.running(name, urls, port)?;
            if name == COMMAND_API {
                command.env("PUBLIC_QUERY_URL", format!("http://{HOST}:{}", ports.query_api));
            }
            let ready = format!("{url}/ready");
            let spec = Spec { name, command, stop_with: StopWith::Terminate, url };
            stack.start(spec, || http::is_ok(&ready))?;
        }
        Ok(())
    }

    /// A service as it runs, on that port.
    pub fn running(&self, name: &str, urls: &Urls, port: u16) -> Result<Command> {
        let mut command = self.command(name, urls)?;
        command.arg(if name == PROJECTOR { "run" } else { "serve" });
        command.env("LISTEN", format!("{HOST}:{port}"));
        command.env("DATABASE_URL", urls.database_for(name));
        Ok(command)
    }

    fn command(&self, name: &str, urls: &Urls) -> Result<Command> {
        let path =
            self.programs.get(name).with_context(|| format!("cargo built no program {name}"))?;
        let mut command = Command::new(path);
        urls.apply(&mut command);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if name == QUERY_API {
            command.envs(self.index_key.iter().map(|key| ("INDEX_KEY", key)));
        }
        if name == COMMAND_API {
            command.envs(self.master_key.iter().map(|key| ("MASTER_KEY", key)));
        }
        // The end of a log is to be the reason of a failure, not the stack it came through.
        command.env("RUST_LIB_BACKTRACE", "0");
        Ok(command)
    }
}

/// What a command of command-api prints.
pub fn said(command: &mut Command) -> Result<String> {
    let output = command.output().context("run command-api")?;
    let failed = || String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "command-api failed: {}", failed());
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
