//! Clocks that go wrong: libfaketime, loaded before some services, shifts the time of day that they
//! are told. Time that only counts forward, which pauses and timeouts use, is left alone.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use harness::Launch;

use super::Part;

/// Whose clocks can be shifted: one of each kind that writes.
pub const PARTS: [Part; 2] = [Part::Command1, Part::Projector1];
/// Where distributions put the library.
const FOLDERS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib64/faketime",
    "/usr/lib/faketime",
];
/// For programs with several threads.
const LIBRARY: &str = "libfaketimeMT.so.1";
/// For how long a process takes its last look at the file for good, seconds.
const LOOK_SECONDS: u32 = 1;

/// The clocks of one run.
#[derive(Debug)]
pub struct Clocks {
    library: PathBuf,
    folder: PathBuf,
}

impl Clocks {
    /// Right clocks, told by files in `folder`; an error if the library is not on this machine.
    pub fn find(folder: &Path) -> Result<Self> {
        let mut places = FOLDERS.iter().map(|place| Path::new(place).join(LIBRARY));
        let library = places.find(|place| place.exists());
        let library = library.context("libfaketime is not installed")?;
        let clocks = Self { library, folder: folder.to_owned() };
        for part in PARTS {
            clocks.shift(part, 0)?;
        }
        Ok(clocks)
    }

    /// Makes a process follow its clock.
    pub fn apply(&self, part: Part, launch: &mut Launch) {
        if !PARTS.contains(&part) {
            return;
        }
        let told = [
            ("LD_PRELOAD", self.library.display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", self.file(part).display().to_string()),
            ("FAKETIME_CACHE_DURATION", LOOK_SECONDS.to_string()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        launch.environment.extend(told.map(|(name, value)| (name.to_owned(), Some(value))));
    }

    /// Makes a clock run ahead by so many seconds, or behind.
    pub fn shift(&self, part: Part, seconds: i64) -> Result<()> {
        let file = self.file(part);
        // In one step: a reader must not meet an empty file.
        let draft = file.with_extension("new");
        std::fs::write(&draft, format!("{seconds:+}\n"))
            .and_then(|()| std::fs::rename(&draft, &file))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn file(&self, part: Part) -> PathBuf {
        self.folder.join(format!("{}.clock", part.name()))
    }
}
