//! How large a page of the log is asked for: learned from what the last ones weighed.

/// The most events one page may hold.
pub const PAGE_EVENTS_MAX: i64 = 10_000;

/// How much to ask for at once. What rows weigh is known only when they are there: where fewer fit
/// than were asked for, fewer are asked for next, so that Postgres does not send many times what is
/// kept.
#[derive(Clone, Copy, Debug)]
pub struct PageSize {
    rows: i64,
    rows_max: i64,
    bytes_max: usize,
}

impl PageSize {
    /// Up to so many rows (at most [`PAGE_EVENTS_MAX`]) and bytes of metadata and payload, but one
    /// event at least.
    pub fn new(rows_max: i64, bytes_max: usize) -> Self {
        let rows_max = rows_max.clamp(1, PAGE_EVENTS_MAX);
        Self { rows: rows_max, rows_max, bytes_max }
    }

    /// The rows to ask for now.
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// The bytes after which a page ends.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Takes in how many rows fitted, and whether bytes cut them short. Says whether there may be
    /// more.
    pub fn learn(&mut self, fitted: i64, cut: bool) -> bool {
        let full = fitted >= self.rows;
        if cut {
            self.rows = fitted.max(1);
        } else if full {
            self.rows = (self.rows * 2).min(self.rows_max);
        }
        cut || full
    }
}
