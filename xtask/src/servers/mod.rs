//! The three servers the engine stands on: finding them, starting them, and their URLs.
//!
//! Owns the order (Postgres, NATS, Meilisearch) and what the services are told. How each is
//! started lives in its own file; where the programs come from, in `find` and `fetch`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::layout::{self, Layout};
use crate::ports;
use crate::process::{Stack, sweep};

pub mod fetch;
pub mod find;
pub mod meilisearch;
pub mod nats;
pub mod postgres;

pub use find::Program;
pub use postgres::Durability;

/// Where each server is to be had.
pub struct Servers {
    pub postgres: Source,
    pub nats: Source,
    pub meilisearch: Source,
}

/// One server: running already, or a program to start.
pub enum Source {
    /// A URL from the environment.
    Running(String),
    /// A program on this machine.
    Program(Program),
}

/// The ports the servers listen on.
#[derive(Clone, Copy)]
pub struct Ports {
    pub postgres: u16,
    pub nats: u16,
    pub meilisearch: u16,
}

/// What a service needs to reach the servers.
pub struct Urls {
    pub database: String,
    /// Whether each service has a login of its own there, with the least rights.
    pub has_logins: bool,
    pub nats: String,
    pub meilisearch: String,
    pub meilisearch_key: String,
}

impl Servers {
    /// Servers for `up`: those named in the environment, programs for the others. Existing data
    /// decides which Postgres, unless it is to go.
    pub fn for_up(layout: &Layout, fresh: bool) -> Result<Self> {
        let data_major =
            if fresh { None } else { postgres::data_version(&layout.data.join("postgres")) };
        let running = |variable| std::env::var(variable).ok().filter(|url| !url.is_empty());
        let source = |variable, program: &dyn Fn() -> Result<Program>| match running(variable) {
            Some(url) => Ok(Source::Running(url)),
            None => program().map(Source::Program),
        };
        Ok(Self {
            postgres: source("DATABASE_URL", &|| find::postgres(layout, data_major))?,
            nats: source("NATS_URL", &|| find::nats(layout))?,
            meilisearch: source("MEILI_URL", &|| find::meilisearch(layout))?,
        })
    }

    /// Programs for all three, whatever the environment names.
    pub fn programs(layout: &Layout) -> Result<Self> {
        Ok(Self {
            postgres: Source::Program(find::postgres(layout, None)?),
            nats: Source::Program(find::nats(layout)?),
            meilisearch: Source::Program(find::meilisearch(layout)?),
        })
    }

    /// All three, in the order they are started.
    pub fn each(&self) -> [(&'static str, &Source); 3] {
        [("PostgreSQL", &self.postgres), ("NATS", &self.nats), ("Meilisearch", &self.meilisearch)]
    }

    /// Makes a login for each service in a database of our own, which has its schema by now.
    pub fn make_logins(&self, layout: &Layout, urls: &mut Urls, log: &Path) -> Result<()> {
        if let Source::Program(program) = &self.postgres {
            let file = layout.root.join("deploy/logins.sql");
            postgres::run_file(program, &urls.database, &file, log)?;
            urls.has_logins = true;
        }
        Ok(())
    }

    /// Starts those that do not run yet, with their data below `folder`.
    pub fn start(
        &self,
        layout: &Layout,
        stack: &mut Stack,
        folder: &Path,
        ports: Ports,
        durability: Durability,
    ) -> Result<Urls> {
        let database = match &self.postgres {
            Source::Running(url) => url.clone(),
            Source::Program(program) => {
                let data = folder.join("postgres");
                postgres::start(program, layout, stack, &data, ports.postgres, durability)?
            }
        };
        let nats = match &self.nats {
            Source::Running(url) => url.clone(),
            Source::Program(program) => {
                nats::start(program, stack, &folder.join("nats"), ports.nats)?
            }
        };
        let (meilisearch, meilisearch_key) = match &self.meilisearch {
            Source::Running(url) => {
                (url.clone(), std::env::var("MEILI_MASTER_KEY").unwrap_or_default())
            }
            Source::Program(program) => {
                let folder = folder.join("meilisearch");
                let url = meilisearch::start(program, stack, &folder, ports.meilisearch)?;
                (url, meilisearch::MASTER_KEY.to_owned())
            }
        };
        Ok(Urls { database, has_logins: false, nats, meilisearch, meilisearch_key })
    }
}

impl Ports {
    /// The ports of `up`.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            postgres: ports::from_env("POSTGRES_PORT", 5442)?,
            nats: ports::from_env("NATS_PORT", 4242)?,
            meilisearch: ports::from_env("MEILI_PORT", 7742)?,
        })
    }

    /// Ports nobody uses at this moment.
    pub fn free() -> Result<Self> {
        Ok(Self { postgres: ports::free()?, nats: ports::free()?, meilisearch: ports::free()? })
    }

    /// Fails with the remedy when a port is taken that one of `servers` is to listen on.
    pub fn require_free(self, servers: &Servers) -> Result<()> {
        let ports = [
            (self.postgres, "POSTGRES_PORT"),
            (self.nats, "NATS_PORT"),
            (self.meilisearch, "MEILI_PORT"),
        ];
        for ((name, source), (port, variable)) in servers.each().into_iter().zip(ports) {
            if let Source::Program(_) = source {
                ports::require_free(port, name, variable)?;
            }
        }
        Ok(())
    }
}

impl Urls {
    /// The database as a service is to connect to it.
    pub fn database_for(&self, service: &str) -> String {
        if self.has_logins {
            return postgres::as_user(&self.database, &service.replace('-', "_"));
        }
        self.database.clone()
    }

    /// Puts the URLs into the environment of `command`.
    pub fn apply(&self, command: &mut Command) {
        command
            .env("DATABASE_URL", &self.database)
            .env("NATS_URL", &self.nats)
            .env("MEILI_URL", &self.meilisearch)
            .env("MEILI_MASTER_KEY", &self.meilisearch_key)
            // A proxy of the developer's cannot reach this machine's loopback address.
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("no_proxy", "127.0.0.1,localhost");
    }
}

/// A folder for throwaway servers and their processes. Dropping it stops and removes all.
pub struct Throwaway {
    // Dropped in this order: the processes end before their folder goes.
    pub stack: Stack,
    pub folder: Folder,
}

/// A folder that is removed when dropped, unless it is kept.
pub struct Folder {
    path: PathBuf,
    keep: bool,
}

impl Throwaway {
    /// A folder of its own, after stopping what killed runs left behind.
    pub fn new(layout: &Layout) -> Result<Self> {
        sweep(&layout.throwaway)?;
        let path = layout.throwaway.join(std::process::id().to_string());
        let folder = Folder { path, keep: false };
        let stack = Stack::new(folder.path())?;
        Ok(Self { stack, folder })
    }
}

impl Folder {
    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// It stays: somebody wants to see what is in it.
    pub fn keep(mut self) {
        self.keep = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // What cannot be removed is left to the next run's sweep or `cargo clean`.
        let _left_behind = layout::remove_dir(&self.path);
    }
}
