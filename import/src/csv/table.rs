//! A CSV file as rows of text: its size, encoding, header and broken quotes. What the columns mean
//! is not known here.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::{ROW_BYTES_MAX, separator};

/// The largest file that is read, in bytes. Rows that belong together may stand anywhere in it, and
/// its orders are sorted by time, so it is held in memory, and its rows several times over as
/// values: 64 MiB leave room for that in the container's memory.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
/// Quotes never closed, in one file; after each, reading starts anew at the next line.
const UNCLOSED_QUOTES_MAX: u32 = 100;
/// Names of columns that are told in one message.
const NAMES_TOLD_MAX: usize = 60;
/// How far a NUL byte is looked for, which no text has.
const SNIFF_BYTES: usize = 8 << 10;

/// Why a file is of no use at all.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is too large.
    #[error(
        "the file is larger than {} MiB: split it between products or orders, so that all rows of \
         one stay in one file",
        FILE_BYTES_MAX >> 20)]
    TooLarge,
    /// It is a spreadsheet or a picture.
    #[error("the file is not text: export it as CSV in UTF-8")]
    NotText,
    /// It has no header.
    #[error("the file is empty")]
    Empty,
    /// The header lacks columns.
    #[error("the file has no column for {missing}; it has: {found}")]
    Columns {
        /// What is missing, under its most common name.
        missing: String,
        /// What is there.
        found: String,
    },
}

/// A CSV file.
pub struct Table {
    text: String,
    /// Bytes and lines before the header.
    base: (usize, u64),
    delimiter: u8,
    columns: HashMap<String, usize>,
    header: StringRecord,
    /// What had to be decided to read it, for the summary.
    pub reading: String,
}

/// One row.
pub struct Row {
    /// The line it begins at, from 1.
    pub line: u64,
    record: StringRecord,
}

/// Where a column is, if the file has it.
pub type Column = Option<usize>;

impl Row {
    /// What stands in `column`, without blanks around it; nothing if there is no such column.
    pub fn get(&self, column: Column) -> &str {
        column.and_then(|index| self.record.get(index)).unwrap_or_default().trim()
    }
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read as a CSV file with a header.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let fail = |source| TableError::Unreadable { path: path.to_owned(), source };
        let file = File::open(path).map_err(fail)?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(fail)?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(TableError::TooLarge);
        }
        Self::parse(bytes)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// When they are no CSV file with a header.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, TableError> {
        let (text, encoding) = decode(bytes)?;
        let text = with_line_feeds(text);
        let announced = separator::announced(&text);
        let (base, delimiter) = match announced {
            Some((end, delimiter)) => ((end, 1), delimiter),
            None => ((0, 0), separator::guessed(&text)),
        };
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(text.as_bytes().get(base.0..).unwrap_or_default());
        let header = reader.headers().map_err(|_| TableError::NotText)?.clone();
        if header.iter().all(|name| name.trim().is_empty()) {
            return Err(TableError::Empty);
        }
        let mut columns = HashMap::new();
        let mut twice = BTreeSet::new();
        for (index, name) in header.iter().enumerate() {
            if *columns.entry(normal(name)).or_insert(index) != index && !name.trim().is_empty() {
                twice.insert(super::values::quote(name.trim()));
            }
        }
        let between = separator::name(delimiter);
        let mut reading = format!("read as {encoding}, separated by {between}");
        if announced.is_some() {
            reading.push_str(", as its first line says");
        }
        if !twice.is_empty() {
            let names = twice.into_iter().take(NAMES_TOLD_MAX).collect::<Vec<_>>().join(", ");
            reading.push_str("; of columns with one name the first is read: ");
            reading.push_str(&names);
        }
        Ok(Self { text, base, delimiter, columns, header, reading })
    }

    /// The first of `names` that the file has a column for. Case, blanks and punctuation do not
    /// count.
    pub fn column(&self, names: &[&str]) -> Column {
        names.iter().find_map(|name| self.columns.get(&normal(name)).copied())
    }

    /// The error that says that columns are missing.
    pub fn lacks(&self, missing: &[&str]) -> TableError {
        let found = self.header.iter().map(super::values::quote);
        let found = found.take(NAMES_TOLD_MAX).collect::<Vec<_>>().join(", ");
        TableError::Columns { missing: missing.join(" and "), found }
    }

    /// The rows, from the first to the last; the line and the reason for those that are broken.
    pub fn rows(&self) -> Rows<'_> {
        let (base, reader) = (self.base, self.reader(self.base.0));
        let mut rows = Rows { table: self, base, reader, restarts: 0, ended: false };
        let _ = rows.reader.read_record(&mut StringRecord::new());
        rows
    }

    fn reader(&self, from: usize) -> csv::Reader<&[u8]> {
        ReaderBuilder::new()
            .delimiter(self.delimiter)
            .flexible(true)
            .has_headers(false)
            .from_reader(self.text.as_bytes().get(from..).unwrap_or_default())
    }
}

/// Iterates over rows.
pub struct Rows<'a> {
    table: &'a Table,
    reader: csv::Reader<&'a [u8]>,
    /// Bytes and lines before where the reader began.
    base: (usize, u64),
    restarts: u32,
    ended: bool,
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, (u64, String)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.advance()? {
                Ok(row) if row.record.iter().all(|field| field.trim().is_empty()) => {}
                next => return Some(next),
            }
        }
    }
}

impl Rows<'_> {
    /// The next row, blank ones included.
    fn advance(&mut self) -> Option<Result<Row, (u64, String)>> {
        if self.ended {
            return None;
        }
        let mut record = StringRecord::new();
        // The text is UTF-8 and fields may be of any number: there is nothing left to go wrong.
        if !matches!(self.reader.read_record(&mut record), Ok(true)) {
            self.ended = true;
            return None;
        }
        let (start, line) = self.place(&record);
        let end = self.base.0 + usize::try_from(self.reader.position().byte()).unwrap_or(0);
        let raw = self.table.text.as_bytes().get(start..end).unwrap_or_default();
        if end >= self.table.text.len() && is_unclosed(raw) {
            return Some(Err((line, self.restart(start, line))));
        }
        if raw.len() > ROW_BYTES_MAX {
            return Some(Err((line, "the row is longer than 1 MiB".to_owned())));
        }
        let (has, wants) = (record.len(), self.table.header.len());
        if record.iter().skip(wants).any(|field| !field.trim().is_empty()) {
            let reason = format!("the row has {has} fields, the header {wants}");
            return Some(Err((line, reason)));
        }
        Some(Ok(Row { line, record }))
    }

    /// The byte and the line a record begins at. The reader counts blank lines before a record as
    /// part of it.
    fn place(&self, record: &StringRecord) -> (usize, u64) {
        let (byte, line) = record.position().map_or((0, 1), |at| (at.byte(), at.line()));
        let mut start = self.base.0 + usize::try_from(byte).unwrap_or(0);
        let mut line = self.base.1 + line;
        let text = self.table.text.as_bytes();
        while let Some(blank @ (b'\n' | b'\r')) = text.get(start) {
            line += u64::from(*blank == b'\n');
            start += 1;
        }
        (start, line)
    }

    /// Goes on at the line after the one where a quote was opened and never closed.
    fn restart(&mut self, start: usize, line: u64) -> String {
        self.restarts += 1;
        let rest = self.table.text.as_bytes().get(start..).unwrap_or_default();
        let next = rest.iter().position(|byte| *byte == b'\n').map(|length| start + length + 1);
        match next {
            Some(next) if self.restarts < UNCLOSED_QUOTES_MAX => {
                self.base = (next, line);
                self.reader = self.table.reader(next);
                "a quote is opened and never closed".to_owned()
            }
            _ => {
                self.ended = true;
                "a quote is opened and never closed; nothing after it was read".to_owned()
            }
        }
    }
}

/// Whether the last row, over several lines, has a quote too many.
fn is_unclosed(raw: &[u8]) -> bool {
    let trimmed = raw.trim_ascii();
    trimmed.contains(&b'\n') && trimmed.split(|byte| *byte == b'"').count() % 2 == 0
}

/// A column's name without what differs between exports.
fn normal(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Line feeds in place of carriage returns that stand alone, as some spreadsheets end their rows:
/// lines are counted by their feeds.
fn with_line_feeds(text: String) -> String {
    let stands_alone = |(at, _): &(usize, &str)| text.as_bytes().get(at + 1) != Some(&b'\n');
    if !text.match_indices('\r').any(|found| stands_alone(&found)) {
        return text;
    }
    let mut fed = String::with_capacity(text.len());
    let mut end = 0;
    for (at, _) in text.match_indices('\r').filter(stands_alone) {
        fed.push_str(&text[end..at]);
        fed.push('\n');
        end = at + 1;
    }
    fed + &text[end..]
}

/// The bytes as text, and the encoding they were in.
fn decode(bytes: Vec<u8>) -> Result<(String, String), TableError> {
    if let Some((encoding, bom)) = Encoding::for_bom(&bytes) {
        let text = encoding.decode_without_bom_handling(&bytes[bom..]).0.into_owned();
        return Ok((text, encoding.name().to_owned()));
    }
    if bytes.iter().take(SNIFF_BYTES).any(|byte| *byte == 0) {
        return Err(TableError::NotText);
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok((text, UTF_8.name().to_owned())),
        Err(error) => error.into_bytes(),
    };
    let (mut letters, mut faults) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        letters += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        faults += usize::from(!chunk.invalid().is_empty());
    }
    if letters > faults {
        // Text in UTF-8 with some broken letters, which nothing can mend.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        return Ok((text, format!("UTF-8 with {faults} broken letters")));
    }
    let text: Cow<'_, str> = WINDOWS_1252.decode_without_bom_handling(&bytes).0;
    Ok((text.into_owned(), WINDOWS_1252.name().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Result<(u64, String), (u64, String)>> {
        let table = Table::parse(text.as_bytes().to_vec()).unwrap();
        let a = table.column(&["a"]);
        table.rows().map(|row| row.map(|row| (row.line, row.get(a).to_owned()))).collect()
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let text = "\u{feff}A,b\r\n1,\"two\r\nlines\"\r\n\r\n2,x\r\n,\n3,x";
        let found: Vec<_> = rows(text).into_iter().map(Result::unwrap).collect();
        assert_eq!(found, [(2, "1".into()), (5, "2".into()), (7, "3".into())]);
    }

    #[test]
    fn a_carriage_return_alone_ends_a_line_too() {
        let text = "a,b\r1,\"two\r\nlines\"\r2,x\r\n3,\"open\r4,x";
        let found = rows(text);
        assert_eq!(found[..2], [Ok((2, "1".into())), Ok((4, "2".into()))]);
        assert!(matches!(&found[2], Err((5, _))));
        assert_eq!(found[3], Ok((6, "4".into())));
    }

    #[test]
    fn an_open_quote_costs_its_row_only() {
        let found = rows("a,b\n1,x\n2,\"open\n3,x\n4,x\n");
        assert_eq!(found[0], Ok((2, "1".into())));
        assert!(matches!(&found[1], Err((3, reason)) if reason.contains("never closed")));
        assert_eq!(found[2..], [Ok((4, "3".into())), Ok((5, "4".into()))]);
    }

    #[test]
    fn a_row_with_too_many_fields_is_broken() {
        assert!(matches!(&rows("a,b\n1,2,3\n")[0], Err((2, _))));
        assert_eq!(rows("a,b\n1,2,,\n5\n"), [Ok((2, "1".into())), Ok((3, "5".into()))]);
    }

    #[test]
    fn columns_of_one_name_are_told() {
        let read = |text: &[u8]| Table::parse(text.to_vec()).unwrap();
        let table = read(b"Title,SKU,title,,,price\na,b,c,,,d\n");
        assert!(table.reading.ends_with("the first is read: 'title'"), "{}", table.reading);
        assert_eq!(table.rows().next().unwrap().unwrap().get(table.column(&["Title"])), "a");
        assert!(!read(b"Title,,\na,b,c\n").reading.contains("one name"));
    }

    #[test]
    fn encodings_and_delimiters_are_found() {
        let table = Table::parse(b"a;b\ncaf\xe9;1,5\n".to_vec()).unwrap();
        let row = table.rows().next().unwrap().unwrap();
        assert_eq!((row.get(Some(0)), row.get(Some(1))), ("café", "1,5"));
        assert!(table.reading.contains("windows-1252") && table.reading.contains("semicolons"));

        let wide: Vec<u8> =
            "\u{feff}a\tb\nü\t2\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let table = Table::parse(wide).unwrap();
        assert_eq!(table.rows().next().unwrap().unwrap().get(Some(0)), "ü");
        assert!(matches!(Table::parse(b"PK\x03\x04\x00".to_vec()), Err(TableError::NotText)));
        assert!(matches!(Table::parse(b"\n\n".to_vec()), Err(TableError::Empty)));
    }
}
