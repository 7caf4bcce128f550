//! `cargo xtask bench`: what the engine reaches on this machine, beside its baseline of the same
//! run. Two figures from different runs or machines compare nothing.
//!
//! Owns the command line, the list of rows and their order, the table and `bench.json`. What a row
//! measures, and against what, lives in a file of its own; what rows share, in `ground`. The load
//! itself is the program `bench`, apart from the services and from here.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::builder::{PossibleValue, PossibleValuesParser};
use serde_json::{Value, json};

use crate::layout::Layout;
use crate::{interrupt, progress};

mod append;
mod batch;
mod checkout;
mod fold;
mod freshness;
mod ground;
mod hot;
mod in_process;
mod peers;
mod pgbench;
mod read;
mod rebuild;
mod rebuild_search;
mod relay;
mod scale;
mod search;

use ground::{Ground, Tools};

/// Every row, in the order of the table.
const ROWS: &[Row] = &[
    append::ROW,
    checkout::ROW,
    in_process::ROW,
    batch::ROW,
    hot::ROW,
    fold::ROW,
    relay::ROW,
    rebuild::ROW,
    rebuild_search::ROW,
    freshness::ROW,
    read::ROW,
    search::ROW,
    scale::ROW,
];

/// What each side is measured for unless told otherwise, in seconds.
const SECONDS: u64 = 10;
/// The same with `--quick`.
const QUICK_SECONDS: u64 = 3;
/// The logs of `scale` unless told otherwise, in events.
const LOG_SIZES: [u64; 3] = [10_000, 1_000_000, 10_000_000];

/// Options of `bench`.
#[derive(clap::Args)]
pub struct Args {
    /// Which rows; all when none is named, but for those that say they are not among them
    #[arg(
        value_name = "ROW",
        value_parser = PossibleValuesParser::new(ROWS.iter().map(Row::as_value))
    )]
    rows: Vec<String>,
    /// Seconds that each side of a row is measured, after its warm-up [10; 3 when quick]
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: Option<u64>,
    /// All rows in under three minutes: short measuring, small catalogues
    #[arg(long)]
    quick: bool,
    /// Sizes of the logs that `scale` measures on, in events
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = LOG_SIZES)]
    events: Vec<u64>,
}

/// A row of the table: something the engine does, measured beside what bounds it.
pub struct Row {
    /// As it is asked for.
    pub name: &'static str,
    /// What is measured against what, for the help.
    pub about: &'static str,
    /// Whether it runs when no row is named.
    pub by_default: bool,
    /// Measures it on ground of its own: fresh servers, which end with it.
    pub measure: fn(&mut Ground<'_>) -> Result<Vec<Measured>>,
}

/// One line of the table. Most rows make one; a row with several percentiles or baselines makes
/// one for each.
pub struct Measured {
    /// The row's name, with what tells its lines apart: `freshness p99`.
    pub name: String,
    /// What the engine reached.
    pub value: f64,
    /// Of both figures: `commands/s`, `ms`.
    pub unit: &'static str,
    /// What the baseline reached.
    pub baseline: f64,
    /// What the baseline is, in a few words.
    pub baseline_is: &'static str,
    /// What `value / baseline` should be.
    pub goal: Goal,
    /// What else helps to judge it, an object for `bench.json`: percentiles, memory, sizes.
    pub details: Value,
}

/// What a ratio should be: at first, and in the end.
#[derive(Clone, Copy)]
pub enum Goal {
    /// A rate: more is better.
    AtLeast { land: f64, goal: f64 },
    /// A time: less is better.
    AtMost { land: f64, goal: f64 },
}

impl Row {
    fn as_value(&self) -> PossibleValue {
        PossibleValue::new(self.name).help(self.about)
    }
}

impl Measured {
    /// The figure over its baseline.
    pub fn ratio(&self) -> f64 {
        self.value / self.baseline
    }

    fn as_json(&self) -> Value {
        let (direction, land, goal) = match self.goal {
            Goal::AtLeast { land, goal } => ("at least", land, goal),
            Goal::AtMost { land, goal } => ("at most", land, goal),
        };
        let mut object = self.details.as_object().cloned().unwrap_or_default();
        let own = json!({
            "row": self.name, "value": self.value, "unit": self.unit, "baseline": self.baseline,
            "baseline_is": self.baseline_is, "ratio": self.ratio(),
            "direction": direction, "land_with": land, "goal": goal, "reached": self.reached(),
        });
        object.extend(own.as_object().cloned().unwrap_or_default());
        Value::Object(object)
    }

    /// How far the ratio is: `goal`, `landed` or `short`.
    fn reached(&self) -> &'static str {
        let ratio = self.ratio();
        match self.goal {
            Goal::AtLeast { goal, .. } if ratio >= goal => "goal",
            Goal::AtLeast { land, .. } if ratio >= land => "landed",
            Goal::AtMost { goal, .. } if ratio <= goal => "goal",
            Goal::AtMost { land, .. } if ratio <= land => "landed",
            _ => "short",
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast { goal, .. } => write!(f, "≥ {goal}"),
            Self::AtMost { goal, .. } => write!(f, "≤ {goal}"),
        }
    }
}

/// Measures the rows, prints them and writes them to `bench.json` in the build folder. A row that
/// fails does not take the others with it.
pub fn run(layout: &Layout, args: &Args) -> Result<ExitCode> {
    let seconds = args.seconds.unwrap_or(if args.quick { QUICK_SECONDS } else { SECONDS });
    let tools = Tools::build(layout, seconds, args.quick, &args.events)?;
    let mut measured: Vec<Measured> = Vec::new();
    let mut failed = Vec::new();
    for row in ROWS.iter().filter(|row| args.wants(row)) {
        progress::step("Measuring", &format!("{}: {}", row.name, row.about));
        let outcome =
            Ground::new(&tools, &measured).and_then(|mut ground| (row.measure)(&mut ground));
        match outcome {
            Ok(lines) => measured.extend(lines),
            Err(error) => {
                interrupt::check()?;
                progress::failure(&format!("{}: {error:#}", row.name));
                failed.push(row.name);
            }
        }
    }
    progress::result(&table(&measured));
    let file = layout.target.join("bench.json");
    let lines: Vec<Value> = measured.iter().map(Measured::as_json).collect();
    std::fs::write(&file, serde_json::to_vec_pretty(&lines)?)
        .with_context(|| format!("cannot write {}", file.display()))?;
    progress::result(&format!("\nwritten to {}", file.display()));
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    progress::failure(&format!("not measured: {}", failed.join(", ")));
    Ok(ExitCode::FAILURE)
}

impl Args {
    fn wants(&self, row: &Row) -> bool {
        if self.rows.is_empty() {
            row.by_default
        } else {
            self.rows.iter().any(|name| name == row.name)
        }
    }
}

/// The lines under each other, each column as wide as its widest cell.
fn table(measured: &[Measured]) -> String {
    let head = ["row", "value", "baseline", "unit", "ratio", "goal", "reached", "baseline is"];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(measured.iter().map(|line| {
        [
            line.name.clone(),
            figure(line.value),
            figure(line.baseline),
            line.unit.to_owned(),
            format!("{:.2}", line.ratio()),
            line.goal.to_string(),
            line.reached().to_owned(),
            line.baseline_is.to_owned(),
        ]
    }));
    let widths: [usize; 8] = std::array::from_fn(|column| {
        lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0)
    });
    let row = |cells: &[String; 8]| {
        let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            // Figures stand on the right, words on the left.
            let is_figure = matches!(column, 1 | 2 | 4);
            if is_figure { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Rates as whole numbers, times with as many places as tell them apart.
fn figure(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64, goal: Goal) -> Measured {
        let (name, details) = ("row".to_owned(), Value::Null);
        Measured { name, value, unit: "ms", baseline: 2.0, baseline_is: "less", goal, details }
    }

    #[test]
    fn more_is_better_of_a_rate_and_less_of_a_time() {
        let rate = Goal::AtLeast { land: 0.7, goal: 1.5 };
        let time = Goal::AtMost { land: 3.0, goal: 1.5 };
        let reached = |value, goal| measured(value, goal).reached();
        assert_eq!([1.0, 1.4, 3.0].map(|v| reached(v, rate)), ["short", "landed", "goal"]);
        assert_eq!([7.0, 6.0, 3.0].map(|v| reached(v, time)), ["short", "landed", "goal"]);
    }

    #[test]
    fn details_do_not_hide_a_lines_own_figures() {
        let mut line = measured(1.0, Goal::AtMost { land: 3.0, goal: 1.5 });
        line.details = json!({ "value": 9, "p50": 1 });
        let written = line.as_json();
        assert_eq!(written["value"], json!(1.0));
        assert_eq!(written["ratio"], json!(0.5));
        assert_eq!(written["p50"], json!(1));
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let mut names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ROWS.len());
    }
}
