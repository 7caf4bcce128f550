//! The command line of command-api.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use command_api::config::Serve;
use command_api::operations;
use command_api::serve::{Surroundings, serve};
use identity::config::{Asking, Giving};
use identity::people::People;
use identity::routes::Desk;
use service::arguments::arrange;
use service::config::{Bus, Database, Http, Logging};
use service::{build, bus, database, openapi, telemetry};
use sqlx::PgPool;
use vault::Vault;
use vault::settings::MasterKey;

/// Takes commands and appends what they come to.
#[derive(Debug, Parser)]
#[command(name = "command-api", version = build::TEXT)]
struct Cli {
    #[command(subcommand)]
    task: Task,
    #[command(flatten)]
    shared: Shared,
}

/// What every task may be told, before its name or after.
#[derive(Debug, Args)]
struct Shared {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    bus: Bus,
    #[command(flatten)]
    http: Http,
    #[command(flatten)]
    asking: Asking,
    #[command(flatten)]
    giving: Giving,
    #[command(flatten)]
    master: MasterKey,
    #[command(flatten)]
    logging: Logging,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Serve the API; this is what happens when nothing is said
    Serve(Box<Serve>),
    /// Bring the database to the schema of this build
    Migrate,
    /// Let the log go on in the place of the one it is a copy of, or of its own end that was lost
    /// by a restore: it gets a new id, and the JetStream stream is its own from then on. Refused
    /// while programs serve the log
    Adopt(operations::Adoption),
    /// List the events that the reactor could not read
    Parked(reactor::operations::Printing),
    /// Take up events again that the reactor could not read, which happens by itself too
    Retry(reactor::operations::Which),
    /// Leave out an event that the reactor will never read, and take up what came after it in its
    /// stream
    Skip(reactor::operations::LeftOut),
    /// Print a token for somebody
    Token(identity::operations::Wanted),
    /// Register somebody of the shop, whose password is the first line of standard input
    Register(identity::operations::Newcomer),
    /// Print a new master key
    MasterKey,
    /// Write the document of the API into a folder
    Describe {
        /// Where to
        folder: PathBuf,
    },
    /// Sign tokens with a new key from now on; what the old ones have signed is good until it runs
    /// out
    RotateSigningKey(identity::operations::Before),
    /// Seal all secrets under the first master key of several: the others are not needed any more
    /// afterwards
    Reseal,
    /// Print what query-api is told, as `INDEX_KEY`, to find orders by what is known of people: who
    /// has it finds, and reads nothing
    IndexKey,
    /// Print who was forgotten, to be kept beside the backups
    Erased,
    /// Forget all who stand on standard input, as `erased` prints them: after a backup was restored
    /// that still knows them
    Erase,
    /// Sign tokens with an RSA key from now on, PKCS #8 in PEM on standard input, where
    /// `SIGNING_ALGORITHM` is RS256
    ImportSigningKey(identity::operations::Before),
    /// Print an API key for a program
    ApiKey(identity::operations::Program),
    /// Bring a file of products, orders or customers in
    Import {
        #[command(subcommand)]
        what: import::Args,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = arrange(&Cli::command(), "serve", std::env::args_os());
    let Cli { task, shared } = Cli::parse_from(arguments);
    telemetry::init(&shared.logging)?;
    match task {
        Task::Serve(settings) => {
            let Shared { database, bus, http, asking, giving, master, .. } = shared;
            serve(*settings, Surroundings { database, bus, http, asking, giving, master }).await?;
        }
        Task::Migrate => operations::migrate(&shared.database).await?,
        Task::Adopt(how) => adopt(&shared.database, &shared.bus, how).await?,
        Task::Parked(printing) => {
            reactor::operations::parked(&database::connect(&shared.database)?, printing).await?;
        }
        Task::Retry(which) => {
            let db = database::connect(&shared.database)?;
            if !reactor::operations::retry(&db, which).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Task::Skip(which) => {
            let db = database::connect(&shared.database)?;
            if !reactor::operations::skip(&db, which).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Task::Token(wanted) => identity::operations::token(desk(&shared).await?, wanted).await?,
        Task::Register(newcomer) => {
            identity::operations::register(desk(&shared).await?, newcomer).await?;
        }
        Task::Describe { folder } => {
            let documents = [("command-api.openapi.json", command_api::described::document())];
            openapi::serve::write(&folder, &documents).context("it cannot be written there")?;
        }
        Task::MasterKey => identity::operations::master_key()?,
        Task::RotateSigningKey(before) => {
            identity::operations::rotate(desk(&shared).await?, before).await?;
        }
        Task::Reseal => reseal(&shared).await?,
        Task::IndexKey => vault::operations::index_key(vault(&shared).await?.as_ref())?,
        Task::Erased => vault::operations::erased(vault(&shared).await?).await?,
        Task::Erase => vault::operations::erase(vault(&shared).await?, chrono::Utc::now()).await?,
        Task::ImportSigningKey(before) => {
            identity::operations::import(desk(&shared).await?, before).await?;
        }
        Task::ApiKey(program) => {
            let db = database::connect(&shared.database)?;
            identity::operations::api_key(db, program, command_api::RESOURCES).await?;
        }
        Task::Import { what } => {
            let db = database::connect(&shared.database)?;
            return Ok(import::run(what, db.clone(), people(&shared, db).await?).await);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn desk(shared: &Shared) -> anyhow::Result<Option<Desk>> {
    let db = database::connect(&shared.database)?;
    shared.master.fitting(&db).await?;
    Ok(shared.giving.desk(&shared.master, &shared.asking, &db, None)?)
}

async fn vault(shared: &Shared) -> anyhow::Result<Option<Vault>> {
    let db = database::connect(&shared.database)?;
    Ok(shared.master.fitting(&db).await?.map(|master| Vault::new(db, master)))
}

/// Who is kept of a file; nobody without a key, which a file that names nobody does without.
async fn people(shared: &Shared, db: PgPool) -> anyhow::Result<Option<People>> {
    if shared.master.master()?.is_none() {
        return Ok(None);
    }
    let master = shared.master.fitting(&db).await?;
    Ok(master.map(|master| People::new(db, master)))
}

async fn reseal(shared: &Shared) -> anyhow::Result<()> {
    identity::operations::reseal(desk(shared).await?).await?;
    let db = database::connect(&shared.database)?;
    let Some(master) = shared.master.master()? else { return Ok(()) };
    Ok(webhook::subscriptions::reseal(&db, &master).await?)
}

async fn adopt(database: &Database, bus: &Bus, how: operations::Adoption) -> anyhow::Result<()> {
    let nats = bus::connect(bus, "command-api").await.context("NATS_URL is wrong")?;
    let nats = nats.map(async_nats::jetstream::new);
    Ok(operations::adopt(&database::connect(database)?, nats, &bus.stream, how).await?)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_arguments_fit_together() {
        Cli::command().debug_assert();
    }
}
