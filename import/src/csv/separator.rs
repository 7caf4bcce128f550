//! What separates the fields of a file: what its first line says, or what its header has most of.

use super::ROW_BYTES_MAX;
use super::values::quote;

/// A separator in words.
pub fn name(separator: u8) -> String {
    match separator {
        b',' => "commas".to_owned(),
        b';' => "semicolons".to_owned(),
        b'\t' => "tabs".to_owned(),
        b'|' => "bars".to_owned(),
        other => quote(&char::from(other).to_string()),
    }
}

/// The separator that the first line announces, and where that line ends. Spreadsheets write
/// `sep=;` and read it themselves; one that was saved anew has quotes and separators around it.
pub fn announced(text: &str) -> Option<(usize, u8)> {
    let end = text.find('\n')?;
    let line = text.get(..end)?.trim_end_matches('\r');
    let line = line.strip_prefix('"').unwrap_or(line);
    let rest = line.get(..4).filter(|key| key.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let separator = *rest.as_bytes().first()?;
    let is_rest = |byte: u8| byte == b'\t' || byte == b' ' || byte.is_ascii_punctuation();
    let is_alone = !matches!(separator, b' ' | b'"') && rest.bytes().all(is_rest);
    is_alone.then_some((end + 1, separator))
}

/// What separates the fields of the header: most often, outside of quotes.
pub fn guessed(text: &str) -> u8 {
    let mut quoted = false;
    // In the order in which they are preferred where there are as many of each.
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    for byte in text.trim_start().bytes().take(ROW_BYTES_MAX) {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => {
                for (delimiter, count) in &mut counts {
                    *count += u32::from(byte == *delimiter);
                }
            }
        }
    }
    // Of several of the same number the last is the greatest.
    counts
        .into_iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map_or(b',', |(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::super::table::{Table, TableError};

    #[test]
    fn the_header_tells_what_separates() {
        for delimiter in ["|", "\t", ";", ","] {
            let table = Table::parse(format!("a{delimiter}b\n1{delimiter}2\n").into()).unwrap();
            assert_eq!(table.rows().next().unwrap().unwrap().get(Some(1)), "2", "{delimiter}");
        }
    }

    #[test]
    fn a_first_line_may_announce_the_separator() {
        let firsts =
            ["sep=;", "\u{feff}SEP=;\r", "\"sep=;\"", "\"sep=;\",,,", "sep=;;;", "sep=\t", "sep=^"];
        for first in firsts {
            let delimiter = first.trim_start_matches(['\u{feff}', '"']).as_bytes()[4] as char;
            let text = format!("{first}\na,b,c{delimiter}d\n1,5{delimiter}\"open\n2{delimiter}x\n");
            let table = Table::parse(text.into_bytes()).unwrap();
            assert!(table.reading.ends_with("as its first line says"), "{}", table.reading);
            let rows: Vec<_> = table.rows().map(|row| row.map(|row| row.line)).collect();
            assert!(matches!(rows.as_slice(), [Err((3, _)), Ok(4)]), "{first}: {rows:?}");
            assert_eq!(table.column(&["d"]), Some(1));
        }
        for first in ["sep=", "sep=x", "sep=;price", "step=;"] {
            let table = Table::parse(format!("{first}\n1\n").into_bytes()).unwrap();
            assert_eq!(table.rows().next().unwrap().unwrap().line, 2, "{first}");
        }
        assert!(matches!(Table::parse(b"sep=;\n".to_vec()), Err(TableError::Empty)));
    }
}
