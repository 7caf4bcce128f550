//! One client: it asks, reads, waits a little, and remembers all of it.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;

use super::ask::{go_on, twice_at_once, until_answered};
use super::market::Market;
use super::plan::{Plan, Planner};
use super::read::Reader;
use super::send::{PATIENCE, Sender};
use crate::history::{Answer, Asked, Read};

/// The pause between two requests: with the time an answer takes, some 20 requests a second for
/// each client. That is far below what would make anything queue, with a fault or without.
const PAUSE_MS: std::ops::Range<u64> = 5..65;
/// What an impatient client waits before it drops the connection.
const IMPATIENT_MS: std::ops::Range<u64> = 1..25;
/// Commands of one batch.
const BATCH: std::ops::Range<usize> = 2..12;
/// What one client may remember; then it stops asking.
const REMEMBERED_MAX: usize = 100_000;

/// A client with its memory.
pub struct Client {
    pub number: usize,
    pub planner: Planner,
    pub sender: Sender,
    pub reader: Reader,
    pub market: Arc<Market>,
    pub stop: watch::Receiver<bool>,
    pub commands: Vec<Asked>,
    pub reads: Vec<Read>,
}

impl Client {
    /// Asks until told to stop; then asks again what was left unanswered, but for a part that stays
    /// so for ever.
    pub async fn run(mut self) -> (Vec<Asked>, Vec<Read>) {
        while !*self.stop.borrow() && self.commands.len() + self.reads.len() < REMEMBERED_MAX {
            self.step().await;
            let pause = self.planner.rng().u64(PAUSE_MS);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        let mut commands = Vec::with_capacity(self.commands.len());
        for asked in self.commands {
            let left = asked.answer().is_none() && self.planner.rng().u32(..4) > 0;
            let rng = self.planner.rng().fork();
            commands.push(if left { go_on(&self.sender, asked, rng).await } else { asked });
        }
        (commands, self.reads)
    }

    async fn step(&mut self) {
        match self.planner.rng().u32(..1_000) {
            0..180 => {
                let rng = self.planner.rng().fork();
                let read = self.reader.read(self.number, self.commands.last(), &self.market, rng);
                self.reads.push(read.await);
            }
            180..200 => self.batch().await,
            200..220 => self.reuse_a_key().await,
            220..250 => self.give_up().await,
            250..280 => {
                let (command, then) = self.planner.next(&self.market);
                let rng = self.planner.rng().fork();
                let asked = twice_at_once(&self.sender, self.number, command, rng).await;
                self.remember(asked, then);
            }
            _ => {
                let (command, then) = self.planner.next(&self.market);
                let rng = self.planner.rng().fork();
                let asked = until_answered(&self.sender, self.number, command, rng).await;
                self.remember(asked, then);
            }
        }
    }

    fn remember(&mut self, asked: Asked, then: super::plan::Then) {
        match asked.answer() {
            Some(answer) if answer.is_accepted() => self.planner.take(then, answer, &self.market),
            Some(answer) => self.planner.forget(&asked.command, answer.code()),
            None => {}
        }
        self.commands.push(asked);
    }

    /// Several commands in one request; those whose verdict was lost are asked again one by one.
    async fn batch(&mut self) {
        let count = self.planner.rng().usize(BATCH);
        let plans: Vec<Plan> = (0..count).map(|_| self.planner.next(&self.market)).collect();
        let commands: Vec<_> = plans.iter().map(|(command, _)| command.clone()).collect();
        let api = self.planner.rng().usize(..2);
        let attempts = self.sender.send_batch(&commands, api).await;
        for ((command, then), attempt) in plans.into_iter().zip(attempts) {
            let client = self.number;
            let asked = Asked { client, command, reuses_key: false, attempts: vec![attempt] };
            let rng: Rng = self.planner.rng().fork();
            let asked = go_on(&self.sender, asked, rng).await;
            self.remember(asked, then);
        }
    }

    /// Takes the key of a command that has its answer for another one.
    async fn reuse_a_key(&mut self) {
        let (mut command, _) = self.planner.next(&self.market);
        let Some(last) = self.commands.last() else { return };
        let kept = |answer: &Answer| answer.position().is_some() && !answer.is_passing();
        if last.reuses_key || !last.answer().is_some_and(kept) {
            return;
        }
        command.key.clone_from(&last.command.key);
        // The same command once more is a retry, and another promise.
        if command == last.command {
            return;
        }
        let rng = self.planner.rng().fork();
        let asked = until_answered(&self.sender, self.number, command, rng).await;
        self.commands.push(Asked { reuses_key: true, ..asked });
    }

    /// Drops the connection before the answer can be there, and asks no more until the end.
    async fn give_up(&mut self) {
        let (command, then) = self.planner.next(&self.market);
        let patience = Duration::from_millis(self.planner.rng().u64(IMPATIENT_MS));
        let api = self.planner.rng().usize(..2);
        let attempts = vec![self.sender.send(&command, api, patience.min(PATIENCE)).await];
        let asked = Asked { client: self.number, command, reuses_key: false, attempts };
        self.remember(asked, then);
    }
}
