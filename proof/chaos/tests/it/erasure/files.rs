//! What lies in the files of the servers themselves: Postgres's tables with the rows that are
//! deleted, its log of writes and what it logs, JetStream's stream, Meilisearch's index.
//!
//! Nothing is vacuumed first. What was never written in the open lies nowhere, also where a row was
//! or a segment is used again; so what is found there was written once. Other tests have their data
//! in the same folder, which is no matter: the words stand nowhere else. What Postgres packed is
//! not unpacked here, which it does with values of two kilobytes and more: dumps show them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sqlx::PgPool;
use uuid::Uuid;

use super::markers::Markers;

/// The servers, by the folders that they keep their files in.
const SERVERS: [&str; 3] = ["postgres", "nats", "meilisearch"];

/// Nothing of what is hidden is in any file of the servers, in which the word that is `published`
/// stands: who looks in the wrong place finds nothing either.
pub async fn must_not_hold(db: &PgPool, hidden: &Markers, published: &str) {
    // What is in memory alone is written.
    sqlx::query("CHECKPOINT").execute(db).await.unwrap();
    let folder = PathBuf::from(harness::required("SERVER_FILES"));
    for server in SERVERS {
        let found = found(&folder.join(server), &[published.to_owned()], false);
        assert!(!found.is_empty(), "{server} has not even what everybody may read");
    }
    let [insensitive, exact] = hidden.spellings();
    let found = [found(&folder, &insensitive, true), found(&folder, &exact, false)].concat();
    assert!(found.is_empty(), "files hold what nobody is to see: {found:#?}");
}

/// Where one of these words stands, and which: by a program that reads gigabytes in seconds.
fn found(folder: &Path, words: &[String], in_any_case: bool) -> Vec<String> {
    let list = std::env::temp_dir().join(format!("words-{}", Uuid::now_v7().simple()));
    fs::write(&list, words.join("\n")).unwrap();
    let mut grep = Command::new("grep");
    // As bytes, for these are no texts. Files that go meanwhile are another test's.
    grep.env("LC_ALL", "C").args(["-r", "-a", "-o", "-s", "-F"]);
    grep.args(in_any_case.then_some("-i")).arg("-f").arg(&list).arg(folder);
    let output = grep.output().unwrap();
    fs::remove_file(&list).unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let places: BTreeSet<String> = said.lines().map(str::to_owned).collect();
    places.into_iter().collect()
}

#[test]
fn a_word_is_found_in_a_file_that_is_no_text() {
    let mut markers = Markers::default();
    let word = markers.add("word", "Zibbertatz");
    let folder = std::env::temp_dir().join(format!("files-{}", Uuid::now_v7().simple()));
    fs::create_dir_all(folder.join("deep")).unwrap();
    let wide: Vec<u8> = word.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let [insensitive, exact] = markers.spellings();
    for (text, hits) in [
        (b"ZIBBERTATZ".to_vec(), true),
        (wide, true),
        (b"WmliYmVydGF0eg".to_vec(), true),
        (b"zibber tatz".to_vec(), false),
    ] {
        let bytes = [&b"\0\xff\x80\n\0"[..], &text, b"\0\xfe"].concat();
        fs::write(folder.join("deep/file"), bytes).unwrap();
        let all = [found(&folder, &insensitive, true), found(&folder, &exact, false)].concat();
        assert_eq!(!all.is_empty(), hits, "{all:?}");
    }
    fs::remove_dir_all(&folder).unwrap();
}
