//! What became of a file's rows: those left out with the reason, remarks, and the summary.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

/// Rows left out, remarks and facts that are kept with their text; more are only counted.
const TEXTS_MAX: usize = 1_000;

/// What became of a file's rows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    rows: u64,
    skipped: BTreeSet<u64>,
    reasons: Vec<(u64, String)>,
    remarks: Vec<(u64, String)>,
    remarks_untold: u64,
    facts: Vec<String>,
    facts_untold: u64,
    commands: Counts,
    took: Duration,
}

/// What became of the commands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted now.
    pub accepted: u64,
    /// Answered before, by an earlier import.
    pub replayed: u64,
    /// Refused.
    pub refused: u64,
}

impl Report {
    /// Counts a row that was read, and leaves it out if it is broken.
    pub(super) fn row<Row>(&mut self, read: Result<Row, (u64, String)>) -> Option<Row> {
        self.rows += 1;
        match read {
            Ok(row) => Some(row),
            Err((line, reason)) => {
                self.skip(line, reason);
                None
            }
        }
    }

    /// Leaves the row at `line` out. The first reason of a row counts.
    pub(super) fn skip(&mut self, line: u64, reason: impl Into<String>) {
        if self.skipped.insert(line) && self.reasons.len() < TEXTS_MAX {
            self.reasons.push((line, reason.into()));
        }
    }

    /// Says something about a row that was used all the same.
    pub(super) fn remark(&mut self, line: u64, text: impl Into<String>) {
        if self.remarks.len() < TEXTS_MAX {
            self.remarks.push((line, text.into()));
        } else {
            self.remarks_untold += 1;
        }
    }

    /// Adds a line to the summary.
    pub(super) fn fact(&mut self, text: impl Into<String>) {
        if self.facts.len() < TEXTS_MAX {
            self.facts.push(text.into());
        } else {
            self.facts_untold += 1;
        }
    }

    /// Notes what became of the commands, and how long it all took. How a row that was left out was
    /// read is of no interest then.
    pub(super) fn done(&mut self, commands: Counts, took: Duration) {
        self.remarks.retain(|(line, _)| !self.skipped.contains(line));
        self.commands = commands;
        self.took = took;
    }

    /// Whether the row at `line` was left out.
    pub(super) fn is_skipped(&self, line: u64) -> bool {
        self.skipped.contains(&line)
    }

    /// Rows read, without the header.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows left out.
    pub fn rows_skipped(&self) -> u64 {
        self.skipped.len() as u64
    }

    /// Lines left out, with the reason; at most a thousand.
    pub fn reasons(&self) -> &[(u64, String)] {
        &self.reasons
    }

    /// Remarks on rows that were used; at most a thousand.
    pub fn remarks(&self) -> &[(u64, String)] {
        &self.remarks
    }

    /// What became of the commands.
    pub fn commands(&self) -> Counts {
        self.commands
    }

    /// 0 if every row was used, 2 if some were left out, 1 if there was nothing to use.
    pub fn exit_code(&self) -> u8 {
        match self.rows_skipped() {
            skipped if skipped >= self.rows => 1,
            0 => 0,
            _ => 2,
        }
    }

    /// Writes the rows left out and the remarks, in the order of the file.
    ///
    /// # Errors
    /// When `out` does not take it.
    pub fn write_rows(&self, out: &mut impl Write) -> io::Result<()> {
        let mut reasons: Vec<&(u64, String)> = self.reasons.iter().collect();
        reasons.sort();
        for (line, reason) in reasons {
            writeln!(out, "line {line}: left out: {reason}")?;
        }
        let untold = self.rows_skipped() - self.reasons.len() as u64;
        if untold > 0 {
            writeln!(out, "and {untold} more rows were left out")?;
        }
        let mut remarks: Vec<&(u64, String)> = self.remarks.iter().collect();
        remarks.sort();
        for (line, remark) in remarks {
            writeln!(out, "line {line}: {remark}")?;
        }
        if self.remarks_untold > 0 {
            writeln!(out, "and {} more remarks", self.remarks_untold)?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = self.rows.saturating_sub(self.rows_skipped());
        writeln!(f, "{used} of {} rows used, {} left out", self.rows, self.rows_skipped())?;
        for fact in &self.facts {
            writeln!(f, "{fact}")?;
        }
        if self.facts_untold > 0 {
            writeln!(f, "and {} more facts", self.facts_untold)?;
        }
        let Counts { accepted, replayed, refused } = self.commands;
        let total = accepted + replayed + refused;
        let seconds = self.took.as_secs_f64();
        write!(f, "{total} commands in {seconds:.1} s")?;
        if seconds > 0.0 && total > 0 {
            write!(f, " ({:.0} a second)", total as f64 / seconds)?;
        }
        write!(f, ": {accepted} took effect, {replayed} had before, {refused} refused")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_remarked_on_a_row_that_was_left_out() {
        let mut report = Report::default();
        report.remark(2, "it is read so");
        report.remark(3, "it is read so");
        report.skip(3, "it is no price");
        report.done(Counts::default(), Duration::ZERO);
        assert_eq!(report.remarks(), [(2, "it is read so".to_owned())]);
    }
}
