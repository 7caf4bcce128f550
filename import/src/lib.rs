//! Files into the shop: `import products` brings a catalogue, `import orders` records a history.
//! Both turn a file into real commands and submit them to a writer of their own, straight on
//! Postgres. What a command means is the domain's business; nothing here appends by itself.
//!
//! * `csv`: a file as rows and values, whatever wrote it; `report`: what became of its rows;
//! * `products` and `orders`: what the columns mean, and which commands that is;
//! * `customers` and `people`: whom a file knows, sealed in the vault;
//! * `catalogue`: what the log has already; `pipeline`: the commands on their way to the writer.
//!
//! Whatever is read may be wrong: a row that cannot be used is reported by its line and left out,
//! the others are kept. Ids and keys are derived from what the file says, so that an import that
//! was interrupted or is repeated doubles nothing.

mod catalogue;
mod csv;
mod customers;
mod ids;
mod orders;
mod people;
mod pipeline;
mod products;
mod progress;
mod report;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use domain::{Command, Currency, Location};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use identity::people::People;
use sqlx::PgPool;

pub use self::csv::table::{FILE_BYTES_MAX, TableError};
pub use report::Report;

/// Who gives the commands of an import.
const ACTOR: &str = "import";

/// What to import.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Args {
    /// A catalogue: a product file as Shopify exports it.
    ///
    /// Each product of the file is brought to what the file says: created, or changed where it
    /// differs. Tags become the attribute `tags`, tags such as `colour:red` an attribute of their
    /// own; compare-at prices are dropped. A variant that a product has and the file does not list
    /// is removed, so all rows of a product belong in one file. Inventory is received once, at the
    /// first import.
    Products {
        /// The CSV file.
        file: PathBuf,
        /// What its prices are in.
        #[arg(long, default_value = "EUR")]
        currency: Currency,
        /// Where its inventory is received.
        #[arg(long, default_value = "main")]
        location: Location,
    },
    /// A history of orders: a file with a row for each order line.
    ///
    /// Each order is recorded at the times of which the file tells, in the order of those times:
    /// placed at what was paid, paid elsewhere, shipped, delivered. Prices and stock of today stay
    /// as they are: of an order that is still to be shipped, the units are taken to be set aside.
    /// Orders that were cancelled, refunded, voided or never paid are left out; an order's discount
    /// is spread over its lines. Who ordered and where it went is kept sealed: a file with e-mails
    /// or addresses needs a master key.
    Orders {
        /// The CSV file.
        file: PathBuf,
        /// What its prices are in, where it does not say.
        #[arg(long, default_value = "USD")]
        currency: Currency,
    },
    /// Customers: a customer file as Shopify exports it.
    ///
    /// Each has an account for their e-mail, without a password until they have it reset, and lies
    /// in the vault with name, telephone, language and address; in the log there is nothing of
    /// them. Needs a master key. What they said here themselves stays, and who was forgotten here
    /// is left out. Consent to marketing, tags and notes are not kept.
    Customers {
        /// The CSV file.
        file: PathBuf,
    },
}

/// Why an import stopped. What was done stays done; running it again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is not what it should be.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The log could not be read.
    #[error("the log could not be read")]
    Database(#[from] sqlx::Error),
    /// The log has an event that this program cannot read.
    #[error("the log has an event that this program cannot read")]
    Unreadable(#[from] event_store::Unreadable),
    /// The log did not take a command.
    #[error("the import stopped half way and can be run again")]
    Submit(#[from] event_store::writer::SubmitError),
    /// What is known of people could not be kept.
    #[error("what is known of people could not be kept")]
    Vault(#[from] vault::VaultError),
    /// Nothing of people can be kept.
    #[error("customers are kept sealed: set MASTER_KEY")]
    NoVault,
    /// Nothing can be kept of who ordered.
    #[error(
        "who ordered, and where it went, is kept sealed: set MASTER_KEY, or take e-mails and \
         addresses out of the file"
    )]
    BuyersUnsealed,
    /// A thread of this process failed.
    #[error("reading the file failed")]
    Task(#[from] tokio::task::JoinError),
}

/// Imports, and writes the report: rows left out to standard error, the summary to standard
/// output. The exit code is 0 if every row was used, 2 if some were left out, 1 if all were or the
/// import stopped; nothing of it depends on whether the report is read.
pub fn run(args: Args, db: PgPool, people: Option<People>) -> BoxFuture<'static, ExitCode> {
    // Boxed, so that its code is made here once and not in each program anew.
    async move {
        let report = match import(args, db, people.as_ref()).await {
            Ok(report) => report,
            Err(error) => {
                let mut err = std::io::stderr().lock();
                let mut cause: Option<&dyn std::error::Error> = Some(&error);
                while let Some(error) = cause {
                    let _ = writeln!(err, "{error}");
                    cause = error.source();
                }
                return ExitCode::FAILURE;
            }
        };
        let _ = report.write_rows(&mut std::io::stderr().lock());
        let _ = writeln!(std::io::stdout(), "{report}");
        ExitCode::from(report.exit_code())
    }
    .boxed()
}

/// Imports, and tells what became of the rows.
///
/// # Errors
/// When the file is of no use at all, or the log is away.
pub async fn import(args: Args, db: PgPool, people: Option<&People>) -> Result<Report, Error> {
    match args {
        Args::Products { file, currency, location } => {
            products::import(file, (currency, location), db).await
        }
        Args::Orders { file, currency } => orders::import(file, currency, db, people).await,
        Args::Customers { file } => customers::import(file, people.ok_or(Error::NoVault)?).await,
    }
}

/// What a product file asks of a shop that has none of its products yet, but for the inventory; and
/// what became of its rows. Touches nothing.
///
/// # Errors
/// When the file is of no use at all.
pub fn read_products(
    bytes: Vec<u8>,
    currency: Currency,
) -> Result<(Vec<Command>, Report), TableError> {
    products::commands(bytes, currency)
}

/// What an order file asks of a shop that has none of its SKUs, in the order of time; and what
/// became of its rows. Touches nothing.
///
/// # Errors
/// When the file is of no use at all.
pub fn read_orders(
    bytes: Vec<u8>,
    currency: Currency,
) -> Result<(Vec<Command>, Report), TableError> {
    orders::commands(bytes, currency)
}
