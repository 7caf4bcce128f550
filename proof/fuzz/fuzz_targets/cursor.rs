//! A list's cursor, as it was sent or as the JSON inside it. One that is accepted is exactly the
//! one that would have been given out.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fuzz::check_refusal;
use libfuzzer_sys::fuzz_target;
use query_api::cursor::{self, Key, Kind, day_in_range, in_range};

/// The sort keys of the lists there are.
const LISTS: [(&str, &[Kind]); 5] = [
    ("orders", &[Kind::Time, Kind::Id]),
    ("orders total", &[Kind::Amount, Kind::Id]),
    ("products title_root", &[Kind::Bytes, Kind::Id]),
    ("sales", &[Kind::Day, Kind::Text]),
    ("stock", &[Kind::Text]),
];

fuzz_target!(|data: &str| {
    for cursor in [data.to_owned(), URL_SAFE_NO_PAD.encode(data)] {
        let mut read = 0;
        for (tag, kinds) in LISTS {
            match cursor::read(tag, kinds, &cursor) {
                Ok(keys) => {
                    assert_eq!(cursor::write(tag, &keys), cursor);
                    assert_eq!(keys.len(), kinds.len());
                    keys.iter().for_each(check);
                    read += 1;
                }
                Err(problem) => check_refusal(&problem),
            }
        }
        assert!(read <= 1, "a cursor of two lists");
    }
});

/// Postgres takes it.
fn check(key: &Key) {
    match key {
        Key::Time(time) => assert_eq!(in_range(*time), *time),
        Key::Day(day) => assert_eq!(day_in_range(*day), *day),
        Key::Text(text) => assert!(!text.contains('\0')),
        Key::Amount(_) | Key::Bytes(_) | Key::Id(_) => {}
    }
}
