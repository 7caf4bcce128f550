//! A history out of an order file: every order as the commands that record it, at the times of
//! which the file tells, all in the order of those times. What the columns mean is in [`rows`],
//! what the rows come to in [`mod@history`] and [`discounts`], who ordered in [`buyers`], which
//! commands that is in [`mod@replay`].

mod buyers;
mod discounts;
mod history;
mod replay;
mod rows;

use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Command, Currency, ProductId, Sku, StreamId};
use event_store::Request;
use futures::{StreamExt, TryStreamExt, stream};
use identity::people::People;
use sqlx::PgPool;

use self::buyers::Buyers;
use self::discounts::{Amounts, Discounts};
use self::history::{Gatherer, History};
use self::replay::{Happening, Replay};
use self::rows::Columns;
use crate::catalogue::{self, READS_AT_ONCE};
use crate::csv::table::{Table, TableError};
use crate::csv::values;
use crate::pipeline::{Origin, Pipeline, Tally};
use crate::report::Report;
use crate::{Error, progress};

/// How far ahead of UTC a file's dates may be, which seldom say of which zone they are.
const CLOCKS_APART_MAX: TimeDelta = TimeDelta::days(1);

/// Imports an order file.
///
/// # Errors
/// When the file is of no use at all, names people where nothing can be kept of them, or the log is
/// away.
pub(crate) async fn import(
    file: PathBuf,
    currency: Currency,
    db: PgPool,
    people: Option<&People>,
) -> Result<Report, Error> {
    let started = Instant::now();
    let latest = Utc::now() + CLOCKS_APART_MAX;
    let (mut history, buyers, mut report) =
        tokio::task::spawn_blocking(move || read(&Table::read(&file)?, currency, latest)).await??;
    if people.is_none() && buyers.are_personal() {
        // Once an order is recorded, no later run says who placed it.
        return Err(Error::BuyersUnsealed);
    }
    compare(&db, &mut history, &mut report).await?;
    if let Some(people) = people {
        buyers.settle(people, &mut history.orders, &mut report).await?;
    }
    let sellers = sellers(&db, &history).await?;
    let tally = replay(&db, &history, &sellers).await?;
    tell(&tally, &history, &mut report);
    report.done(tally.counts, started.elapsed());
    Ok(report)
}

fn read(
    table: &Table,
    currency: Currency,
    latest: DateTime<Utc>,
) -> Result<(History, Buyers, Report), TableError> {
    let mut report = Report::default();
    let columns = Columns::find(table)?;
    let mut buyers = Buyers::find(table);
    let reading = columns.reading(table, currency, latest);
    let mut gatherer = Gatherer::default();
    for row in table.rows() {
        let Some(row) = report.row(row) else { continue };
        let order = columns.order(&row);
        if let Some(reason) = columns.dropped(&row).filter(|_| !order.is_empty()) {
            report.skip(row.line, reason.as_str());
            gatherer.drop(order, reason);
            continue;
        }
        match rows::line_row(&row, &columns, &reading, &mut report) {
            Ok(line) => {
                buyers.add(order, &row, &mut report);
                gatherer.add(line);
            }
            Err(reason) => {
                report.skip(row.line, reason);
                gatherer.lose(order);
            }
        }
    }
    let history = gatherer.history(currency, &mut report);
    report.fact(table.reading.clone());
    report.fact(format!("{} orders of {} products", history.orders.len(), history.products.len()));
    if let Some(told) = reading.style.told() {
        report.fact(told);
    }
    reading.numbers.told().into_iter().for_each(|told| report.fact(told));
    summarise(&history, &columns, &mut report);
    Ok((history, buyers, report))
}

/// What was decided and what was lost on the way, for the summary.
fn summarise(history: &History, columns: &Columns, report: &mut Report) {
    for (currency, moved) in history.moved.iter().filter(|(_, moved)| moved.lines > 0) {
        let exact = values::exactly(moved.exact, *currency);
        let difference = values::exactly(moved.recorded - moved.exact, *currency);
        report.fact(format!(
            "rounding amounts moved the sum by {difference:+} {currency}, from {exact} to {}, \
             on {} lines",
            moved.recorded, moved.lines
        ));
    }
    summarise_discounts(history, report);
    if !columns.extras().is_empty() {
        let extras = columns.extras().join(" and ");
        report.fact(format!("{extras} are not recorded: orders cost what their lines cost"));
    }
    if history.merged > 0 {
        let merged = history.merged;
        report
            .fact(format!("{merged} lines were merged into another of the same order and product"));
    }
    if history.renamed > 0 {
        let renamed = history.renamed;
        report.fact(format!("{renamed} products come under several names; the first is kept"));
    }
    if history.orders_cut > 0 {
        report.fact(format!("{} orders are without rows that were left out", history.orders_cut));
    }
    let open = history.orders.iter().filter(|order| order.is_open).count();
    if open > 0 {
        let which = if columns.has_shipped() { "some of their lines" } else { "any" };
        report.fact(format!("{open} orders stay open: there is no ship date for {which}"));
    }
}

/// What orders cost otherwise than their lines say.
fn summarise_discounts(history: &History, report: &mut Report) {
    for (currency, discounts) in &history.discounts {
        let Discounts { spread, unplaced, above_subtotal } = discounts;
        let shown = |amounts: &Amounts| values::exactly(amounts.sum, *currency);
        if spread.orders > 0 {
            let (sum, orders) = (shown(spread), spread.orders);
            report.fact(format!(
                "discounts of {sum} {currency} on {orders} orders were spread over their lines"
            ));
        }
        if unplaced.orders > 0 {
            let (sum, orders) = (shown(unplaced), unplaced.orders);
            report.fact(format!(
                "discounts of {sum} {currency} on {orders} orders were not taken off: it cannot be \
                 told from which lines"
            ));
        }
        if above_subtotal.orders > 0 {
            let (sum, orders) = (shown(above_subtotal), above_subtotal.orders);
            report.fact(format!(
                "the lines of {orders} orders do not come to their subtotals: {sum:+} {currency} \
                 in all"
            ));
        }
    }
}

/// Tells which orders were imported before. One that has other contents now is left as it is.
async fn compare(db: &PgPool, history: &mut History, report: &mut Report) -> Result<(), Error> {
    let firsts: Vec<(StreamId, String)> = history
        .orders
        .iter()
        .map(|order| (StreamId::Order(order.id), replay::first_key(order)))
        .collect();
    let is_the_same = |(order, key): (StreamId, String)| async move {
        let first = catalogue::first_key(db, &order).await?;
        Ok::<_, Error>(first.map(|first| first == key))
    };
    let same: Vec<Option<bool>> =
        stream::iter(firsts).map(is_the_same).buffered(READS_AT_ONCE).try_collect().await?;
    let mut same = same.into_iter();
    history.orders.retain_mut(|order| {
        let is_the_same = same.next().flatten();
        order.is_recorded = is_the_same.is_some();
        let is_kept = is_the_same.unwrap_or(true);
        if !is_kept {
            for line in &order.file_lines {
                report.skip(*line, "the order was imported before, with other contents");
            }
        }
        is_kept
    });
    Ok(())
}

/// The product that sells each SKU today; one of the history's own where none does.
async fn sellers(db: &PgPool, history: &History) -> Result<Vec<ProductId>, Error> {
    let wanted: Vec<(ProductId, Sku)> =
        history.products.iter().map(|product| (product.id, product.sku.clone())).collect();
    let seller = |(own, sku): (ProductId, Sku)| async move {
        Ok::<_, Error>(catalogue::owner(db, &sku).await?.unwrap_or(own))
    };
    stream::iter(wanted).map(seller).buffered(READS_AT_ONCE).try_collect().await
}

/// What an order file asks of a shop that has none of its SKUs.
pub(crate) fn commands(
    bytes: Vec<u8>,
    currency: Currency,
) -> Result<(Vec<Command>, Report), TableError> {
    let latest = DateTime::<Utc>::MAX_UTC;
    let (history, _, report) = read(&Table::parse(bytes)?, currency, latest)?;
    let own: Vec<ProductId> = history.products.iter().map(|product| product.id).collect();
    let happenings = happenings(&history);
    let requests = requests(&happenings, &history, &own);
    Ok((requests.flatten().map(|(_, request)| request.command).collect(), report))
}

/// Everything that happened, and to which order, in the order of time; at the same time, in the
/// order of the file.
fn happenings(history: &History) -> Vec<(DateTime<Utc>, Happening, usize)> {
    let mut happenings: Vec<(DateTime<Utc>, Happening, usize)> = Vec::new();
    for (item, order) in history.orders.iter().enumerate() {
        happenings.push((order.at, Happening::Placed, item));
        let departures = order.departures.iter().enumerate();
        happenings.extend(departures.map(|(n, left)| (left.at, Happening::Left(n), item)));
    }
    happenings.sort_unstable();
    happenings
}

/// What each happening asks of the shop.
fn requests<'a>(
    happenings: &'a [(DateTime<Utc>, Happening, usize)],
    history: &'a History,
    sellers: &'a [ProductId],
) -> impl Iterator<Item = Vec<(Origin, Request)>> + 'a {
    happenings.iter().map(move |(_, happening, item)| {
        let order = &history.orders[*item];
        Replay { item: *item, order, products: &history.products, sellers }.commands(*happening)
    })
}

async fn replay(db: &PgPool, history: &History, sellers: &[ProductId]) -> Result<Tally, Error> {
    let happenings = happenings(history);
    let bar = progress::bar("orders", happenings.len());
    let mut pipeline = Pipeline::start(db);
    for requests in requests(&happenings, history, sellers) {
        for (origin, request) in requests {
            pipeline.push(origin, request).await?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(pipeline.finish().await?)
}

/// Leaves out the rows of what was refused.
fn tell(tally: &Tally, history: &History, report: &mut Report) {
    for (origin, refused) in tally.refused.iter().rev() {
        let before = if refused.replayed { " by an earlier import" } else { "" };
        let reason = format!("refused{before}: {}", refused.reason);
        for line in &history.orders[origin.item].file_lines {
            report.skip(*line, reason.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_yet_to_come_is_left_out() {
        let file = "Order,Order Date,Ship Date,SKU,Quantity,Price\n\
                    1,2026-01-02,2026-01-03,A,1,12.50\n\
                    2,2030-01-01,,A,1,12.50\n\
                    3,2026-01-02,2030-01-01,A,1,12.50\n";
        let table = Table::parse(file.into()).unwrap();
        let latest = "2026-06-01T00:00:00Z".parse().unwrap();
        let (history, _, report) = read(&table, "EUR".parse().unwrap(), latest).unwrap();
        assert_eq!(history.orders.len(), 1);
        let lines: Vec<u64> = report.reasons().iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4], "{:?}", report.reasons());
        assert!(report.reasons().iter().all(|(_, why)| why == "'2030-01-01' is yet to come"));
    }
}
