//! The projector's command line.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use projector::building::error::RebuildError;
use projector::building::rebuild::{Filled, Report, rebuild, verify};
use projector::projection::Projection;
use projector::search::Meili;
use projector::serve::{Settings, serve};
use projector::working::retry::Retried;
use projector::working::{retry, skip};
use projector::{builds, checkpoint, printout, projections};
use serde_json::Value;
use service::arguments::arrange;
use service::config::{Bus, Database, Http, Logging, Search};
use service::say;
use sqlx::PgPool;
use sqlx::types::Uuid;

/// What `verify` exits with when it found no difference, but streams are parked, of which it says
/// nothing.
const EXIT_PARKED: u8 = 3;
/// And when something could not be verified, because it is being rebuilt or verified already.
const EXIT_BUSY: u8 = 4;

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
    /// Build a projection anew beside the one that is read, and switch readers to it
    Rebuild {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
    },
    /// Take up parked streams again, in the order of their events
    Retry {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// Only this stream, and those that wait for it
        #[arg(long)]
        stream: Option<String>,
    },
    /// List parked streams, with the reason, and events that are skipped
    Parked {
        /// Only this projection's
        #[arg(value_parser = parse_projection)]
        projection: Option<&'static Projection>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Leave an event out for good that keeps its stream parked, or stops the projection
    Skip {
        /// Of which projection
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// The event's stream
        #[arg(long)]
        stream: String,
        /// The event's position
        #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
        position: i64,
        /// Why, for whoever asks later
        #[arg(long)]
        reason: String,
    },
    /// Take a projection from the process that works on it, so that a standby takes it over
    Release {
        /// Which one
        #[arg(value_parser = parse_projection)]
        projection: &'static Projection,
        /// For how long the same process may not take it again, seconds
        #[arg(long = "for", default_value_t = 30,
              value_parser = clap::value_parser!(u64).range(1..=3600))]
        seconds: u64,
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

fn parse_projection(name: &str) -> Result<&'static Projection, String> {
    projections::find(name).ok_or_else(|| {
        let known: Vec<&str> = projections::ALL.iter().map(|known| known.name).collect();
        format!("there is {}", known.join(", "))
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = arrange(&Cli::command(), "run", std::env::args_os());
    let Cli { command, shared } = Cli::parse_from(arguments);
    service::telemetry::init(shared.logging.format)?;
    let db = service::database::connect(&shared.database)?;
    match command {
        Command::Run { projections, except } => {
            let all = if projections.is_empty() { projections::ALL.to_vec() } else { projections };
            let without = |projection: &&'static Projection| {
                !except.iter().any(|except| std::ptr::eq(*except, *projection))
            };
            let wanted = all.into_iter().filter(without).collect();
            let meili = shared.search.connect()?;
            let Shared { database, bus, http, search, .. } = shared;
            let settings = Settings { database, bus, http, search: search.server, owner: owner() };
            serve(db, wanted, meili, settings).await?;
        }
        Command::Rebuild { projection } => {
            let meili = shared.search.connect()?;
            let meili = std::ptr::eq(projection, projections::SEARCH).then_some(&meili);
            let bar = bar(projection);
            let report = rebuild(&db, projection, meili, &owner(), &bar).await?;
            report_rebuild(projection, &report);
        }
        Command::Retry { projection, stream } => {
            return retry_parked(&db, projection, stream.as_deref()).await;
        }
        Command::Parked { projection, json } => {
            let wanted = projection.map_or_else(|| projections::ALL.to_vec(), |one| vec![one]);
            say(if json {
                format!("{:#}", printout::parked_as_json(&db, &wanted).await?)
            } else {
                printout::parked(&db, &wanted).await?
            });
        }
        Command::Skip { projection, stream, position, reason } => {
            let retried = skip::skip(&db, projection, &stream, position, &reason).await?;
            say(format!("skipped the event of {stream} at {position}"));
            return Ok(report_retried(&retried));
        }
        Command::Release { projection, seconds } => {
            return release(&db, projection, Duration::from_secs(seconds)).await;
        }
        Command::Status { json: true } => say(format!("{:#}", printout::as_json(&db).await?)),
        Command::Status { json: false } => say(printout::table(&db).await?),
        Command::Verify { projection, json } => {
            let wanted = projection.map_or_else(|| projections::ALL.to_vec(), |one| vec![one]);
            return verify_all(&db, wanted, json).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// This process, unlike any other.
fn owner() -> String {
    let host = std::env::var("HOSTNAME").unwrap_or_else(|_| "projector".to_owned());
    format!("{host}/{}/{}", std::process::id(), Uuid::now_v7().simple())
}

async fn retry_parked(
    db: &PgPool,
    projection: &'static Projection,
    stream: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let retried = retry::retry(db, projection, stream).await?;
    if retried.released.is_empty() && retried.stuck.is_empty() {
        if let Some(stream) = stream {
            say(format!("{stream} is not parked in {}", projection.name));
            return Ok(ExitCode::FAILURE);
        }
        say("nothing is parked");
    }
    Ok(report_retried(&retried))
}

fn report_retried(retried: &Retried) -> ExitCode {
    for stream in &retried.released {
        say(format!("released {stream}"));
    }
    for (stream, reason) in &retried.stuck {
        say(format!("still parked: {stream}: {reason}"));
    }
    if retried.stuck.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn release(
    db: &PgPool,
    projection: &'static Projection,
    keep_from: Duration,
) -> anyhow::Result<ExitCode> {
    let build = builds::active(db, projection).await?.build;
    let taken = checkpoint::hand_over(db, projection, build, keep_from).await?;
    let mut holders = taken.into_iter().filter_map(|taken| taken.from).peekable();
    if holders.peek().is_none() {
        say(format!("nobody works on {}", projection.name));
        return Ok(ExitCode::FAILURE);
    }
    let (name, seconds) = (projection.name, keep_from.as_secs());
    for holder in holders {
        say(format!("{name}: released by {holder}, which leaves it to others for {seconds} s"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify_all(
    db: &PgPool,
    wanted: Vec<&'static Projection>,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let (mut same, mut parked, mut busy, mut found) = (true, false, vec![], vec![]);
    for projection in wanted {
        let report = match verify(db, projection, &owner(), &bar(projection)).await {
            Ok(report) => report,
            Err(error @ RebuildError::Busy { .. }) => {
                busy.push(format!("{}: not verified: {error}", projection.name));
                found.push(printout::unverified_as_json(projection, &error));
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        same &= report.differences.is_empty() && report.compared_at.is_some();
        parked |= report.parked > 0 || report.parked_before > 0;
        if json {
            found.push(printout::verified_as_json(projection, &report));
            continue;
        }
        for difference in &report.differences {
            say(format!("{} {} {}", difference.table, difference.id, difference.kind));
        }
        say(printout::summary(projection, &report));
    }
    if json {
        say(format!("{:#}", Value::from(found)));
    } else {
        for line in &busy {
            say(line);
        }
    }
    Ok(match (same, busy.is_empty(), parked) {
        (false, ..) => ExitCode::FAILURE,
        (true, false, _) => ExitCode::from(EXIT_BUSY),
        (true, true, true) => ExitCode::from(EXIT_PARKED),
        (true, true, false) => ExitCode::SUCCESS,
    })
}

fn report_rebuild(projection: &Projection, report: &Report) {
    say(printout::summary(projection, report));
    if let Some(Filled { documents, took }) = report.filled {
        let (name, seconds) = (projection.name, took.as_secs_f64());
        say(format!("{name}: {documents} documents in a new index after {seconds:.3} s"));
    }
    say(format!("{}: readers see build {} now", projection.name, report.to));
}

fn bar(projection: &Projection) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{prefix:>10} {wide_bar} {human_pos}/{human_len} events, {per_sec}, {eta} left",
    );
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style).with_prefix(projection.name)
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
