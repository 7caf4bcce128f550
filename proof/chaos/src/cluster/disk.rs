//! A disk for Postgres that can be full: a filesystem in memory, whose size is lowered to what
//! stands in it. That takes root, and a system that lets root mount.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use harness::Store;
use rustix::fs::statvfs;

/// How much fits while the disk is well. Memory is taken only for what is written: a long run's log
/// and read models, and a gigabyte of Postgres's own journal.
const BYTES: u64 = 6 << 30;
/// Lowering the size below what is used is refused, and Postgres goes on writing meanwhile.
const TRIES: usize = 20;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(10);

/// The mounted disk. Dropping it unmounts it, with all that is on it.
#[derive(Debug)]
pub struct Disk(PathBuf);

impl Disk {
    /// Mounts an empty disk where the store is to be; an error says why that cannot be here.
    pub fn mount(store: &Store) -> Result<Self> {
        ensure!(rustix::process::geteuid().is_root(), "only root can mount a disk");
        store.create()?;
        mount(&["-t", "tmpfs", "-o", &format!("size={BYTES}"), "tmpfs"], &store.folder)?;
        let disk = Self(store.folder.clone());
        // The folder that was given away is now below the mount.
        store.create()?;
        Ok(disk)
    }

    /// No more fits than these bytes.
    pub fn fill(&self, left: u64) -> Result<()> {
        for _ in 0..TRIES {
            let known = statvfs(&self.0).context("cannot ask how full the disk is")?;
            let used = (known.f_blocks - known.f_bfree) * known.f_frsize;
            if self.resize(used + left).is_ok() {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        bail!("the disk could not be filled")
    }

    /// There is room again.
    pub fn empty(&self) -> Result<()> {
        self.resize(BYTES)
    }

    /// Copies all that is on it, which ends with it, to another place.
    pub fn copy(&self, to: &Path) -> Result<()> {
        let copied = Command::new("cp").arg("-a").arg(&self.0).arg(to).status();
        ensure!(copied.context("cannot run cp")?.success(), "{} is not copied", self.0.display());
        Ok(())
    }

    fn resize(&self, bytes: u64) -> Result<()> {
        mount(&["-o", &format!("remount,size={bytes}")], &self.0)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmount = |how: &[&str]| {
            let done = Command::new("umount").args(how).arg(&self.0).status();
            done.is_ok_and(|status| status.success())
        };
        // Whoever still holds a file keeps only that: the folder is free at once.
        let _gone = unmount(&[]) || unmount(&["--lazy"]);
    }
}

fn mount(how: &[&str], folder: &Path) -> Result<()> {
    let output = Command::new("mount").args(how).arg(folder).output().context("cannot mount")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cannot mount: {}", said.trim());
    Ok(())
}
