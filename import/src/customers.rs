//! Customers out of a file: each has an account here, without a password until they have it reset,
//! and what the file tells of them lies in the vault. Nothing of them comes into the log.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Instant;

use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use identity::people::People;
use vault::DataSubject;

use crate::catalogue::READS_AT_ONCE;
use crate::csv::table::{Table, TableError};
use crate::people::columns::PersonColumns;
use crate::people::{self, Acquaintance, FilePerson, UNPROVEN};
use crate::report::{Counts, Report};
use crate::{Error, ids, progress};

/// What a file says of its customers' addresses.
const ADDRESS: &str = "default address";
/// What is known of customers elsewhere and has no place here.
const UNKEPT: [&str; 6] = [
    "accepts email marketing",
    "accepts sms marketing",
    "total spent",
    "note",
    "tags",
    "tax exempt",
];

/// Imports a customer file.
///
/// # Errors
/// When the file is of no use at all, or the database is away.
pub(crate) async fn import(file: PathBuf, people: &People) -> Result<Report, Error> {
    let started = Instant::now();
    let (persons, mut report) =
        tokio::task::spawn_blocking(move || read(&Table::read(&file)?)).await??;
    let (bar, now) = (progress::bar("customers", persons.len()), Utc::now());
    let keep = |(line, person): (u64, FilePerson)| async move {
        keep(people, &person, now).await.map(|who| (line, who))
    };
    let mut kept = stream::iter(persons).map(keep).buffered(READS_AT_ONCE);
    let (mut new, mut known) = (0, 0);
    while let Some((line, who)) = kept.try_next().await? {
        bar.inc(1);
        match who {
            Acquaintance::New(_) => new += 1,
            Acquaintance::Known(_) => known += 1,
            Acquaintance::Colleague => report.skip(line, "they work for the shop"),
            Acquaintance::Unproven => report.skip(line, UNPROVEN),
            Acquaintance::Forgotten => report.skip(line, "they were forgotten here"),
            Acquaintance::Nobody => {
                report.skip(line, "neither a customer id nor an e-mail tells who it is");
            }
        }
    }
    bar.finish_and_clear();
    report.fact(format!("{new} customers are new here, {known} were known"));
    report.done(Counts::default(), started.elapsed());
    Ok(report)
}

fn read(table: &Table) -> Result<(Vec<(u64, FilePerson)>, Report), TableError> {
    let mut report = Report::default();
    let columns = PersonColumns::find(table, ADDRESS);
    if !columns.tell_apart() {
        return Err(table.lacks(&["Email or Customer ID"]));
    }
    let (mut persons, mut seen) = (Vec::new(), HashSet::new());
    for row in table.rows() {
        let Some(row) = report.row(row) else { continue };
        let person = columns.person(&row, &mut report);
        if person.key().is_some_and(|key| !seen.insert(key)) {
            report.skip(row.line, "they are in the file before");
            continue;
        }
        persons.push((row.line, person));
    }
    report.fact(table.reading.clone());
    let unkept: Vec<&str> =
        UNKEPT.into_iter().filter(|name| table.column(&[name]).is_some()).collect();
    if !unkept.is_empty() {
        report.fact(format!("not kept: {}", unkept.join(", ")));
    }
    Ok((persons, report))
}

async fn keep(
    people: &People,
    person: &FilePerson,
    now: DateTime<Utc>,
) -> Result<Acquaintance, Error> {
    let who = people::keep(people, person, now).await?;
    if let (Acquaintance::New(id) | Acquaintance::Known(id), Some(address)) = (who, &person.address)
    {
        let to = (ids::address_of_customer(id), DataSubject(id));
        people::keep_address(people, to, address, true, now).await?;
    }
    Ok(who)
}
