//! Real programs for a proof: how each is started is told as data, by `cargo xtask` or by a test;
//! they are started, waited for, and gone when dropped.
//!
//! Shared by chaos, the bench, the tour and tests. What is done with the programs is theirs to
//! know; nothing of the engine is known here but how a program shows that it is ready.

mod process;
mod program;
mod told;

use std::net::TcpListener;

use anyhow::{Context as _, Result};
use tokio::signal::unix::{SignalKind, signal};

pub use process::{Process, Store};
pub use program::{Launch, Program, READY_TIME_MAX, Ready, User};
pub use told::{built, required};

/// What a shell expects of a program ended by Ctrl-C: 128 + SIGINT.
pub const INTERRUPTED_EXIT_CODE: u8 = 130;

/// Waits until somebody wants this process to stop.
pub async fn interrupted() -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    Ok(())
}

/// A port of the loopback address that nobody uses at this moment.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener.local_addr()?.port())
}
