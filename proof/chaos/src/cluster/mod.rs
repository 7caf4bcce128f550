//! The stack of one run of `chaos`: nine processes, where their data lies, and how they are to be
//! reached. What is done to them is for `fault` to say.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::{Launch, Program, Ready, Store};
use sqlx::PgPool;
use sqlx::migrate::MigrateDatabase as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::history::Addresses;
use crate::load::Pulse;
use crate::pest::Pest;
use crate::stripe::Stripe;
use clock::Clocks;
use disk::Disk;
use specification::Specification;

pub mod clock;
pub mod disk;
pub mod specification;
mod standby;
mod standing;

pub use standby::{Replication, Standby};
pub use standing::Behind;

/// The stream and the index, as the services call them unless told.
const EVENT_STREAM: &str = "commerce";
const SEARCH_INDEX: &str = "products";
/// Connections of our own, to look at the log and to cut the others.
const CONNECTIONS_MAX: u32 = 2;
/// How long a look may wait for one.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// How long Postgres may take to stop before its data is copied. In the middle of it a copy is as
/// good as what a crash leaves.
const STOP_TIME: Duration = Duration::from_secs(2);
/// The pause between two looks whether a process says that it lives, and how long it may take to.
const WATCH_PAUSE: Duration = Duration::from_millis(200);
const WATCH_TIME_MAX: Duration = Duration::from_secs(20);

/// A process of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The log.
    Postgres,
    /// The bus.
    Nats,
    /// The search.
    Meilisearch,
    /// One command-api.
    Command1,
    /// The other.
    Command2,
    /// One projector.
    Projector1,
    /// The other.
    Projector2,
    /// The query-api.
    Query,
    /// The stand-in of a payment gateway.
    Stripe,
}

impl Part {
    /// All, in the order they are started.
    pub const ALL: [Self; 9] = [
        Self::Postgres,
        Self::Nats,
        Self::Meilisearch,
        Self::Command1,
        Self::Command2,
        Self::Projector1,
        Self::Projector2,
        Self::Query,
        Self::Stripe,
    ];

    /// The command-api, by its number, that is well while this one is not.
    pub fn other_command_api(self) -> Option<usize> {
        match self {
            Self::Command1 => Some(1),
            Self::Command2 => Some(0),
            _ => None,
        }
    }

    /// Its name in specifications, tables and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Nats => "nats",
            Self::Meilisearch => "meilisearch",
            Self::Command1 => "command-api-1",
            Self::Command2 => "command-api-2",
            Self::Projector1 => "projector-1",
            Self::Projector2 => "projector-2",
            Self::Query => "query-api",
            Self::Stripe => "stripe",
        }
    }
}

/// A running stack. Dropping it kills all of it and unmounts what was mounted.
#[derive(Debug)]
pub struct Cluster {
    // Dropped in this order: the processes are gone before their disk is.
    /// In the order of [`Part::ALL`].
    programs: Vec<Program>,
    stores: BTreeMap<Part, Store>,
    disk: Result<Disk>,
    clocks: Result<Clocks>,
    projector: Launch,
    /// How Postgres is started, and connected to.
    postgres: Launch,
    options: PgConnectOptions,
    /// Who takes over from Postgres, where that is under way.
    standby: Option<Standby>,
    /// When each standby that has taken over heard of the primary no more.
    cuts: Vec<std::time::Instant>,
    addresses: Addresses,
    db: PgPool,
    http: reqwest::Client,
    folder: PathBuf,
    /// Those who are in the way, by the part that they came for.
    pests: BTreeMap<Part, JoinSet<()>>,
    /// What was seen meanwhile and must not be.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Cluster {
    /// Starts everything on empty data.
    pub async fn start(mut told: Specification) -> Result<Self> {
        let folder = told.folder.join("logs");
        std::fs::create_dir_all(&folder)?;
        let addresses = addresses(&told)?;
        let clocks = Clocks::find(&folder);
        let (mut programs, mut stores, mut launches) = (vec![], BTreeMap::new(), BTreeMap::new());
        for part in Part::ALL {
            let named = told.processes.remove(part.name());
            let mut process = named.with_context(|| format!("{} is missing", part.name()))?;
            stores.extend(process.store.map(|store| (part, store)));
            launches.insert(part, process.launch.clone());
            if let Ok(clocks) = &clocks {
                clocks.apply(part, &mut process.launch);
            }
            let ready = ready(part, process.port, &told);
            let log = folder.join(format!("{}.log", part.name()));
            let name = part.name().to_owned();
            let program = Program::new(name, process.port, process.launch, ready, log);
            programs.push(program.or_older(process.older));
        }
        let of = |part: Part| launches.get(&part).cloned().unwrap_or_default();
        let pool =
            PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(CONNECT_TIME_MAX);
        let mut cluster = Self {
            programs,
            disk: stores
                .get(&Part::Postgres)
                .context("Postgres has no store")
                .and_then(Disk::mount),
            stores,
            clocks,
            projector: Launch { arguments: vec![], ..of(Part::Projector1) },
            postgres: of(Part::Postgres),
            options: told.database.parse()?,
            standby: None,
            cuts: Vec::new(),
            db: pool.connect_lazy(&told.database)?,
            http: reqwest::Client::builder().no_proxy().build()?,
            addresses,
            folder,
            pests: BTreeMap::new(),
            seen: Arc::default(),
        };
        let migrate = Launch { arguments: vec!["migrate".to_owned()], ..of(Part::Command1) };
        cluster.begin(&told.database, &migrate).await?;
        Ok(cluster)
    }

    async fn begin(&mut self, database: &str, migrate: &Launch) -> Result<()> {
        for (part, store) in &self.stores {
            store.create()?;
            // What an earlier stack left in these folders is of another log. A disk of its own is
            // empty.
            if *part != Part::Postgres || self.disk.is_err() {
                store.wipe()?;
            }
            if let Some(initialise) = &store.initialise {
                initialise.run()?;
            }
        }
        for part in Part::ALL {
            self.program(part).start().await?;
            if part == Part::Postgres {
                sqlx::Postgres::create_database(database).await.context("cannot begin a log")?;
                migrate.run()?;
            }
        }
        Pulse::prepare(&self.addresses).await
    }

    /// One of its processes.
    pub fn program(&mut self, part: Part) -> &mut Program {
        &mut self.programs[part as usize]
    }

    /// Whether a process can be run as an earlier build has it.
    pub fn has_older(&self, part: Part) -> bool {
        self.programs[part as usize].has_older()
    }

    /// Where a process keeps its data.
    pub fn store(&self, part: Part) -> Result<&Store> {
        self.stores.get(&part).with_context(|| format!("{} has no data", part.name()))
    }

    /// The disk of the log, or why it cannot be full here.
    pub fn disk(&self) -> Result<&Disk, &anyhow::Error> {
        self.disk.as_ref()
    }

    /// The clocks, or why they cannot go wrong here.
    pub fn clocks(&self) -> Result<&Clocks, &anyhow::Error> {
        self.clocks.as_ref()
    }

    /// Where everything listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The database.
    pub fn db(&self) -> &PgPool {
        &self.db
    }

    /// Lets somebody be in the way until a part is to be left in peace.
    pub fn pester(&mut self, part: Part, pest: Pest) {
        self.pests.entry(part).or_default().spawn(pest.run());
    }

    /// Watches meanwhile that these addresses answer 200 whenever they answer at all.
    pub fn watch(&mut self, part: Part, urls: Vec<String>) {
        let (http, seen) = (self.http.clone(), self.seen.clone());
        self.pests.entry(part).or_default().spawn(async move {
            loop {
                for url in &urls {
                    // Whoever is killed at the time answers nothing.
                    let Ok(answer) = http.get(url).timeout(WATCH_TIME_MAX).send().await else {
                        continue;
                    };
                    if !answer.status().is_success() {
                        let what = format!("{url}: {}", answer.status());
                        seen.lock().unwrap_or_else(PoisonError::into_inner).push(what);
                    }
                }
                sleep(WATCH_PAUSE).await;
            }
        });
    }

    /// Ends what came for a part.
    pub fn leave_in_peace(&mut self, part: Part) {
        self.pests.remove(&part);
    }

    /// What was seen since the last time this was asked.
    pub fn take_seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Starts what has ended by itself, as a supervisor would, and says what that was.
    pub fn revive(&mut self) -> Result<Vec<String>> {
        let mut revived = vec![];
        for program in &mut self.programs {
            if let Some(status) = program.ended()? {
                program.spawn()?;
                revived.push(format!("{} had ended by itself ({status})", program.name));
            }
        }
        Ok(revived)
    }

    /// Stops Postgres and leaves its data, with the logs, where a person can look into them;
    /// returns the folder.
    pub async fn keep(&mut self) -> Result<&Path> {
        if let Ok(disk) = &self.disk {
            self.programs[Part::Postgres as usize].signal("INT");
            sleep(STOP_TIME).await;
            disk.copy(&self.folder.join("postgres"))?;
        }
        Ok(&self.folder)
    }

    /// Where the logs of its processes are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Compares every read model with a fresh fold of the log: runs `projector verify`.
    pub async fn verify(&self) -> Result<Output> {
        self.projector_told(&["verify"]).await.context("cannot run projector verify")
    }

    /// Does to projections by hand what the arguments say, and writes down what is said of it.
    /// Dropped, it is broken off.
    pub async fn by_hand(&self, arguments: &[&str]) -> Result<()> {
        let Output { status, stdout, stderr } = self.projector_told(arguments).await?;
        let what = format!("projector {}: {status}\n", arguments.join(" "));
        let log =
            OpenOptions::new().create(true).append(true).open(self.folder.join("by-hand.log"));
        Ok(log?.write_all(&[what.as_bytes(), &stdout, &stderr].concat())?)
    }

    async fn projector_told(&self, arguments: &[&str]) -> std::io::Result<Output> {
        let mut told = tokio::process::Command::from(self.projector.command());
        told.args(arguments).kill_on_drop(true).output().await
    }
}

fn ready(part: Part, listens: u16, told: &Specification) -> Ready {
    match part {
        Part::Postgres => Ready::Postgres(told.database.clone()),
        Part::Nats => Ready::Nats(format!("127.0.0.1:{listens}")),
        Part::Meilisearch => Ready::Http(format!("http://127.0.0.1:{listens}/health")),
        Part::Stripe => Ready::Http(format!("http://127.0.0.1:{listens}/_control/requests")),
        _ => Ready::Http(format!("http://127.0.0.1:{listens}/ready")),
    }
}

fn addresses(told: &Specification) -> Result<Addresses> {
    let url = |part: Part| {
        let process = told.processes.get(part.name());
        let process = process.with_context(|| format!("{} is missing", part.name()))?;
        anyhow::Ok(format!("http://127.0.0.1:{}", process.port))
    };
    Ok(Addresses {
        commands: [url(Part::Command1)?, url(Part::Command2)?],
        query: url(Part::Query)?,
        projectors: [url(Part::Projector1)?, url(Part::Projector2)?],
        database: told.database.clone(),
        nats: told.nats.clone(),
        event_stream: EVENT_STREAM.to_owned(),
        meilisearch: told.meilisearch.clone(),
        meilisearch_key: told.meilisearch_key.clone(),
        search_index: SEARCH_INDEX.to_owned(),
        stripe: Stripe::at(url(Part::Stripe)?, told.stripe_secret_key.clone())?,
    })
}
