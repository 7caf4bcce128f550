//! The rows of the table: something the engine does, measured beside what bounds it. A row is one
//! file here and a line in `list`: what of the engine it needs, how that and its baseline are
//! driven, the goal, and what else helps to judge it.
//!
//! Two figures from different runs or machines compare nothing: both sides are of one run. Each row
//! stands on fresh servers, which end with it. Owns the order and what becomes of a row that fails.

use std::fs;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::ground::Ground;
use crate::measured::{Measured, table};
use crate::specification::Specification;
use crate::terminal;

#[macro_use]
mod list;

mod append;
mod batch;
mod checkout;
mod fold;
mod freshness;
mod held;
mod hot;
mod in_process;
pub mod read;
mod rebuild;
mod rebuild_search;
mod relay;
mod scale;
mod search;
mod signed;

macro_rules! measured_by_name {
    ($($file:ident $name:literal $by_default:literal $about:literal;)*) => {
        /// Every row in the order of the table, with what it measures against what.
        const ROWS: &[(&str, &str)] = &[$(($name, $about)),*];

        /// Measures one: the lines that it makes. Most make one; a row with several percentiles or
        /// baselines makes one for each.
        async fn row(ground: &mut Ground<'_>) -> Result<Vec<Measured>> {
            match ground.row {
                $($name => $file::measure(ground).await,)*
                other => bail!("there is no row {other}"),
            }
        }
    };
}
rows!(measured_by_name);

/// Measures the rows that are asked for, prints them and writes them down. A row that fails does
/// not take the others with it.
pub async fn measure(told: &Specification) -> Result<ExitCode> {
    let mut measured: Vec<Measured> = Vec::new();
    let mut failed = Vec::new();
    for &(name, about) in ROWS.iter().filter(|(name, _)| told.rows.iter().any(|row| row == name)) {
        terminal::step("Measuring", &format!("{name}: {about}"));
        let mut ground = Ground::new(name, told, &measured);
        let lines = row(&mut ground).await;
        let ended = ground.end().await;
        match lines.and_then(|lines| ended.map(|()| lines)) {
            Ok(lines) => measured.extend(lines),
            Err(error) => {
                terminal::failure(&format!("{name}: {error:#}"));
                failed.push(name);
            }
        }
    }
    terminal::result(&table(&measured));
    let file = &told.figures;
    let lines: Vec<Value> = measured.iter().map(Measured::as_json).collect();
    fs::write(file, serde_json::to_vec_pretty(&lines)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    terminal::result(&format!("\nwritten to {}", file.display()));
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    terminal::failure(&format!("not measured: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::ROWS;

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names: Vec<_> = ROWS.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }
}
