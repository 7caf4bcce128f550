//! `cargo xtask down`: stops what `up` started; the data stays.

use std::fs;
use std::process::ExitCode;

use anyhow::Result;

use crate::layout::Layout;
use crate::progress;
use crate::record::{Record, StopWith};

/// Stops the running `up`, or the processes it left running.
pub fn run(layout: &Layout) -> Result<ExitCode> {
    let path = layout.record();
    let Some(record) = Record::load(&path)? else {
        progress::step("Finished", "nothing is running");
        return Ok(ExitCode::SUCCESS);
    };
    // An `up` in a terminal of its own stops its processes itself, in order.
    if record.owner.is_alive() {
        progress::step("Stopping", "the `cargo xtask up` in another terminal");
        record.owner.stop("`cargo xtask up`", StopWith::Terminate);
    }
    record.stop();
    if path.exists() {
        fs::remove_file(&path)?;
    }
    progress::step("Finished", "everything is stopped; the data stays");
    Ok(ExitCode::SUCCESS)
}
