//! The projector's command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use identity::config::Asking;
use projector::by_hand::{self, ByHand, With, parse_projection};
use projector::projection::Projection;
use projector::search::Meili;
use projector::serve::{Settings, serve};
use projector::{admin, printout, projections};
use service::arguments::arrange;
use service::config::{Bus, Database, Http, Logging, Search};
use service::{openapi, say};
use sqlx::types::Uuid;

/// Builds what readers see out of the log
#[derive(Parser)]
#[command(name = "projector", version = service::build::TEXT)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    shared: Shared,
}

/// What every command may be told, before its name or after.
#[derive(Args)]
struct Shared {
    #[command(flatten)]
    logging: Logging,
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    bus: Bus,
    #[command(flatten)]
    http: Http,
    #[command(flatten)]
    search: SearchIndex,
    #[command(flatten)]
    asking: Asking,
    /// Who does what is done by hand, for the record [default: user@host]
    #[arg(long, global = true, env = "PROJECTOR_BY")]
    by: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Keep projections up to date with the log; this is what happens when nothing is said
    Run {
        /// Only this projection; may be given several times
        #[arg(long = "projection", value_parser = parse_projection)]
        projections: Vec<&'static Projection>,
        /// All but this one; may be given several times
        #[arg(long, value_parser = parse_projection, conflicts_with = "projections")]
        except: Vec<&'static Projection>,
    },
    #[command(flatten)]
    ByHand(ByHand),
    /// List parked streams, with the reason, and events that are skipped
    Parked {
        /// Only this projection's
        #[arg(value_parser = parse_projection)]
        projection: Option<&'static Projection>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List what people did to projections by hand, the last first
    Actions {
        /// Only to this one
        #[arg(value_parser = parse_projection)]
        projection: Option<&'static Projection>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the document of what is done by hand over HTTP into a folder
    Describe {
        /// Where to
        folder: PathBuf,
    },
    /// Print where every projection stands
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Fold the log anew and compare with what readers see: exits with 1 if anything differs, with
    /// 3 if streams are parked, with 4 if a projection is being rebuilt
    Verify {
        /// Only this projection
        #[arg(value_parser = parse_projection)]
        projection: Option<&'static Projection>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Where the catalogue is searched.
#[derive(Args)]
struct SearchIndex {
    #[command(flatten)]
    server: Search,
    /// The name of the index that is searched
    #[arg(long = "search-index", global = true, env = "SEARCH_INDEX", default_value = "products")]
    index: String,
}

impl SearchIndex {
    fn connect(&self) -> anyhow::Result<Meili> {
        let key = self.server.key.as_ref().map(service::config::Secret::expose);
        Meili::new(&self.server.url, key, &self.index).context("MEILI_URL or its key is no good")
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = arrange(&Cli::command(), "run", std::env::args_os());
    let Cli { command, shared } = Cli::parse_from(arguments);
    service::telemetry::init(&shared.logging)?;
    if let Command::Describe { folder } = &command {
        let documents = [("projector.openapi.json", admin::described::document())];
        openapi::serve::write(folder, &documents).context("it cannot be written there")?;
        return Ok(ExitCode::SUCCESS);
    }
    let db = service::database::connect(&shared.database)?;
    match command {
        // Needs no database.
        Command::Describe { .. } => {}
        Command::Run { projections, except } => {
            let all = if projections.is_empty() { projections::ALL.to_vec() } else { projections };
            let without = |projection: &&'static Projection| {
                !except.iter().any(|except| std::ptr::eq(*except, *projection))
            };
            let wanted = all.into_iter().filter(without).collect();
            let meili = shared.search.connect()?;
            let Shared { database, bus, http, search, asking, .. } = shared;
            let (search, owner) = (search.server, owner());
            let settings = Settings { database, bus, http, search, asking, owner };
            serve(db, wanted, meili, settings).await?;
        }
        Command::ByHand(done) => {
            let (by, owner) = (shared.by.clone().unwrap_or_else(whoever), owner());
            let with = With { db: &db, meili: &shared.search.connect()?, by: &by, owner: &owner };
            return Ok(done.run(with).await?);
        }
        Command::Verify { projection, json } => {
            let (by, owner) = (shared.by.clone().unwrap_or_else(whoever), owner());
            let with = With { db: &db, meili: &shared.search.connect()?, by: &by, owner: &owner };
            return Ok(by_hand::verify_all(with, one_or_all(projection), json).await?);
        }
        Command::Parked { projection, json: true } => {
            say(format!("{:#}", printout::parked_as_json(&db, &one_or_all(projection)).await?));
        }
        Command::Parked { projection, json: false } => {
            say(printout::parked(&db, &one_or_all(projection)).await?);
        }
        Command::Actions { projection, json: true } => {
            say(format!("{:#}", printout::actions_as_json(&db, &one_or_all(projection)).await?));
        }
        Command::Actions { projection, json: false } => {
            say(printout::actions(&db, &one_or_all(projection)).await?);
        }
        Command::Status { json: true } => {
            say(format!("{:#}", printout::as_json(&db, &projections::ALL).await?));
        }
        Command::Status { json: false } => say(printout::table(&db).await?),
    }
    Ok(ExitCode::SUCCESS)
}

fn one_or_all(projection: Option<&'static Projection>) -> Vec<&'static Projection> {
    projection.map_or_else(|| projections::ALL.to_vec(), |one| vec![one])
}

/// Who sits at this machine.
fn whoever() -> String {
    let user =
        ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "this machine".to_owned());
    format!("{}@{host}", user.as_deref().unwrap_or("somebody"))
}

/// This process, unlike any other.
fn owner() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "projector".to_owned());
    format!("{host}/{}/{}", std::process::id(), Uuid::now_v7().simple())
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
