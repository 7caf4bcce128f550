//! A catalogue out of a product file as Shopify exports it: each product is brought to what the
//! file says, by the commands that are missing and no others. What the columns mean is in [`rows`],
//! what they say in [`spec`] and [`texts`], what is missing in [`reconcile`].

mod reconcile;
mod rows;
mod spec;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use domain::product::document::Status;
use domain::text::Note;
use domain::{Command, Currency, Location, Sku};
use event_store::Request;
use futures::{StreamExt, TryStreamExt, stream};
use sqlx::PgPool;

use self::rows::Columns;
use self::spec::{FieldFormat, Spec};
use crate::catalogue::{self, READS_AT_ONCE};
use crate::csv::table::{Table, TableError};
use crate::csv::values::quote;
use crate::pipeline::{Origin, Pipeline, Rejection, Tally};
use crate::report::{Counts, Report};
use crate::{Error, ids, progress};

/// How often an inventory that an earlier import was refused is asked for anew, over all imports.
const RECEIVE_ATTEMPTS_MAX: u32 = 8;

/// Imports a product file.
///
/// # Errors
/// When the file is of no use at all, or the log is away.
pub(crate) async fn import(
    file: PathBuf,
    (currency, location): (Currency, Location),
    db: PgPool,
) -> Result<Report, Error> {
    let started = Instant::now();
    let (specs, mut report) =
        tokio::task::spawn_blocking(move || read(&Table::read(&file)?, currency)).await??;
    let now = Utc::now();
    let import = Import { db, currency, location, now, specs };
    let mut counts = Counts::default();
    let mut removals = Removals::new();
    let refused = import.bring(&mut counts, &mut removals, &mut report).await?;
    import.tell_removals(&removals, &refused, &mut report);
    import.tell(&refused, &mut report);
    let unreceived = import.receive(&mut counts, &report).await?;
    for (origin, Rejection { reason, .. }) in unreceived {
        let line = origin.line.unwrap_or_default();
        report.remark(line, format!("the inventory was not received: {reason}"));
    }
    report.done(counts, started.elapsed());
    Ok(report)
}

fn read(table: &Table, currency: Currency) -> Result<(Vec<Spec>, Report), TableError> {
    let mut report = Report::default();
    let columns = Columns::find(table)?;
    let reading = FieldFormat { numbers: columns.numbers(table, currency), currency };
    let gathered = rows::gather(table, &columns, &mut report);
    let wanted = spec::specs(gathered, &columns, &reading, &mut report);
    report.fact(table.reading.clone());
    report.fact(format!("{} products", wanted.len()));
    reading.numbers.told().into_iter().for_each(|told| report.fact(told));
    if columns.compare_at.is_some() {
        report.fact("compare-at prices were dropped: the catalogue has none");
    }
    Ok((wanted, report))
}

/// What a product file asks of a shop that has none of its products yet, but for the inventory.
pub(crate) fn commands(
    bytes: Vec<u8>,
    currency: Currency,
) -> Result<(Vec<Command>, Report), TableError> {
    let (wanted, report) = read(&Table::parse(bytes)?, currency)?;
    let steps = |wanted: &Spec| {
        let id = wanted.id;
        let steps = reconcile::steps(&catalogue::Known::default(), wanted, currency);
        steps.commands.into_iter().map(move |(_, command)| Command::Product(id, command))
    };
    Ok((wanted.iter().flat_map(steps).collect(), report))
}

struct Import {
    db: PgPool,
    /// What its prices are in.
    currency: Currency,
    /// Where its inventory is received.
    location: Location,
    now: DateTime<Utc>,
    specs: Vec<Spec>,
}

type Rejections = BTreeMap<Origin, Rejection>;
/// The variants that are asked to go, by product.
type Removals = BTreeMap<usize, Vec<Sku>>;

impl Import {
    /// Brings every product to what is wanted. What an earlier import was refused may be possible
    /// by now, so it is asked again under another key.
    async fn bring(
        &self,
        counts: &mut Counts,
        removals: &mut Removals,
        report: &mut Report,
    ) -> Result<Rejections, Error> {
        let mut refused = Rejections::new();
        let all: Vec<usize> = (0..self.specs.len()).collect();
        let tally = self.bring_some(&all, "", removals, report).await?;
        let stale = add_up(tally, &mut refused, counts);
        let mut again: Vec<usize> = stale.into_iter().map(|origin| origin.item).collect();
        again.dedup();
        if !again.is_empty() {
            refused.retain(|origin, _| again.binary_search(&origin.item).is_err());
            let salt = self.now.timestamp_micros().to_string();
            let tally = self.bring_some(&again, &salt, removals, report).await?;
            add_up(tally, &mut refused, counts);
        }
        Ok(refused)
    }

    /// Brings some products to what is wanted, under keys with `salt`.
    async fn bring_some(
        &self,
        items: &[usize],
        salt: &str,
        removals: &mut Removals,
        report: &mut Report,
    ) -> Result<Tally, Error> {
        let bar = progress::bar("products", items.len());
        let mut pipeline = Pipeline::start(&self.db);
        let load = |item: usize| async move {
            let known = catalogue::product(&self.db, self.specs[item].id).await?;
            Ok::<_, Error>((item, known))
        };
        let mut known = stream::iter(items.iter().copied()).map(load).buffered(READS_AT_ONCE);
        while let Some((item, known)) = known.try_next().await? {
            let wanted = &self.specs[item];
            let steps = reconcile::steps(&known, wanted, self.currency);
            let first = wanted.lines.first().copied().unwrap_or_default();
            if let Some(remark) = steps.remark.filter(|_| salt.is_empty()) {
                report.remark(first, remark);
            }
            let gone: Vec<Sku> = steps.removed().cloned().collect();
            removals.insert(item, gone);
            for (line, command) in steps.commands {
                // At another version the same command may come to something else.
                let fingerprint = ids::fingerprint(&format!("{command:?}"));
                let (id, version) = (wanted.id, known.version);
                let key = format!("import:product:{id}:{version}:{fingerprint}:{salt}");
                let command = Command::Product(id, command);
                pipeline.push(Origin { item, line }, self.request(key, command)).await?;
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(pipeline.finish().await?)
    }

    /// Says which variants went because the file does not list them any more.
    fn tell_removals(&self, removals: &Removals, refused: &Rejections, report: &mut Report) {
        for (item, skus) in removals {
            let is_refused = refused.contains_key(&Origin { item: *item, line: None });
            let title = quote(self.specs[*item].title.as_str());
            for sku in skus {
                report.fact(if is_refused {
                    format!("variant {sku} of {title}, not in the file, may not have been removed")
                } else {
                    format!("variant {sku} of {title} was removed: the file does not list it")
                });
            }
        }
    }

    /// Leaves out the rows of what was refused.
    fn tell(&self, refused: &Rejections, report: &mut Report) {
        for (origin, Rejection { reason, .. }) in refused {
            let all = &self.specs[origin.item].lines;
            for line in origin.line.as_ref().map_or(all.as_slice(), std::slice::from_ref) {
                report.skip(*line, reason.as_str());
            }
        }
    }

    /// Receives the inventory of the rows that were used: once for each SKU and location, however
    /// often a file with it is imported.
    async fn receive(&self, counts: &mut Counts, report: &Report) -> Result<Rejections, Error> {
        let mut refused = Rejections::new();
        let mut again: Option<BTreeSet<Origin>> = None;
        for attempt in 0..RECEIVE_ATTEMPTS_MAX {
            if let Some(again) = &again {
                refused.retain(|origin, _| !again.contains(origin));
            }
            let mut pipeline = Pipeline::start(&self.db);
            for (item, wanted) in self.specs.iter().enumerate() {
                if wanted.status == Status::Archived {
                    continue;
                }
                for variant in wanted.variants.iter().flatten() {
                    let origin = Origin { item, line: Some(variant.line) };
                    let Some(quantity) = variant.quantity else { continue };
                    if report.is_skipped(variant.line)
                        || again.as_ref().is_some_and(|again| !again.contains(&origin))
                    {
                        continue;
                    }
                    let (sku, location) = (variant.set.sku.clone(), self.location.clone());
                    let key = format!("import:receive:{location}:{sku}:{attempt}");
                    let reference = "product file".parse::<Note>().ok();
                    let receive =
                        domain::command::stock::Command::Receive { location, quantity, reference };
                    let mut request = self.request(key.clone(), Command::Stock(sku, receive));
                    // A later file with another count is not another delivery.
                    request.fingerprint = ids::fingerprint(&key);
                    pipeline.push(origin, request).await?;
                }
            }
            let stale = add_up(pipeline.finish().await?, &mut refused, counts);
            if stale.is_empty() {
                break;
            }
            again = Some(stale);
        }
        Ok(refused)
    }

    fn request(&self, key: String, command: Command) -> Request {
        Request {
            fingerprint: ids::fingerprint(&format!("{command:?}")),
            key: Some(key),
            actor: Some(crate::ACTOR.to_owned()),
            ..Request::new(command, self.now)
        }
    }
}

/// Adds up a round. Returns the origins that were refused by an earlier import, not by this one.
fn add_up(tally: Tally, refused: &mut Rejections, counts: &mut Counts) -> BTreeSet<Origin> {
    counts.accepted += tally.counts.accepted;
    counts.replayed += tally.counts.replayed;
    counts.refused += tally.counts.refused;
    let stale: BTreeSet<Origin> = tally
        .refused
        .iter()
        .filter(|(_, refused)| refused.replayed)
        .map(|(origin, _)| *origin)
        .collect();
    refused.extend(tally.refused);
    stale
}
