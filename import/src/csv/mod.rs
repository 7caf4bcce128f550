//! A file as rows, and rows as values: which of the many dialects it is in, and what its numbers,
//! dates and names are. What the columns mean is not known here.

pub mod dates;
mod figures;
pub mod numbers;
mod separator;
pub mod table;
pub mod values;

/// The longest row, in bytes; a longer one is a quote that was never closed.
const ROW_BYTES_MAX: usize = 1 << 20;
