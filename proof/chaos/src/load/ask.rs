//! Asking until there is an answer: the same command under the same key, over either command-api,
//! as careful clients do.

use std::time::{Duration, Instant};

use fastrand::Rng;

use super::send::{PATIENCE, Sender};
use crate::history::{Asked, Command};

/// How long a command is asked again before it stays without an answer. Longer than any fault.
const ASKED_FOR_MAX: Duration = Duration::from_mins(4);
/// Attempts at one command that are remembered.
const ATTEMPTS_MAX: usize = 2_000;
/// The shortest and the longest pause before a command is asked again.
const PAUSE_MS: std::ops::Range<u64> = 100..400;

/// Asks until there is an answer, or for as long as anybody would.
pub async fn until_answered(sender: &Sender, client: usize, command: Command, rng: Rng) -> Asked {
    let asked = Asked { client, command, reuses_key: false, attempts: vec![] };
    go_on(sender, asked, rng).await
}

/// Asks again what has no answer yet.
pub async fn go_on(sender: &Sender, mut asked: Asked, mut rng: Rng) -> Asked {
    let began = Instant::now();
    while asked.answer().is_none()
        && asked.attempts.len() < ATTEMPTS_MAX
        && began.elapsed() < ASKED_FOR_MAX
    {
        if !asked.attempts.is_empty() {
            tokio::time::sleep(Duration::from_millis(rng.u64(PAUSE_MS))).await;
        }
        let attempt = sender.send(&asked.command, rng.usize(..2), PATIENCE).await;
        asked.attempts.push(attempt);
    }
    asked
}

/// Sends the same command twice at once, over both command-apis, and goes on until there is an
/// answer.
pub async fn twice_at_once(sender: &Sender, client: usize, command: Command, rng: Rng) -> Asked {
    let both = tokio::join!(sender.send(&command, 0, PATIENCE), sender.send(&command, 1, PATIENCE));
    let mut attempts = vec![both.0, both.1];
    attempts.sort_by_key(|attempt| attempt.ended);
    go_on(sender, Asked { client, command, reuses_key: false, attempts }, rng).await
}
