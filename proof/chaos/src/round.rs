//! One round: load, faults at their moments, healing, and what must hold afterwards.
//!
//! The seed decides which faults happen, when, how long they last and which overlap, so that a
//! round can be had again. How each is done is the fault's own affair.

use std::time::Duration;

use anyhow::{Context as _, Result};
use fastrand::Rng;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::check::{self, Verdict, Violation};
use crate::cluster::{Behind, Cluster, Part};
use crate::fault::Fault;
use crate::history::History;
use crate::load::{Load, Pulse};

/// How long all may take to catch up after a fault. Longer is a violation.
const CATCH_UP_TIME_MAX: Duration = Duration::from_mins(2);
/// How long all may take to come to rest once nobody asks any more. A payment that a clock 90 s
/// ahead has dated is due only then.
const REST_TIME_MAX: Duration = Duration::from_mins(4);
/// How long the clients may take to get the answers they still lack.
const STOP_TIME_MAX: Duration = Duration::from_mins(4);
/// The pause between two looks.
const POLL: Duration = Duration::from_millis(50);
/// The load has this long to itself at the beginning, milliseconds.
const BEFORE_MS: u64 = 1_000;
/// The shortest and the longest pause between faults, milliseconds.
const PAUSE_MS: std::ops::Range<u64> = 1_500..5_000;
/// One fault in so many is joined by another.
const OVERLAPS_ONE_IN: u32 = 4;
/// How long the command-api that stays well is watched before the other one breaks.
const WATCHED_BEFORE: Duration = Duration::from_secs(2);
/// The part of its rate before that it must keep meanwhile. A third is what is wanted; what stands
/// in its way is not a machine that is busy, but somebody it waits for.
const KEPT_RATE_MIN: f64 = 0.1;
/// Differences that `projector verify` printed, at most, in a violation.
const DIFFERENCES_SHOWN: usize = 20;

/// What a round is made of.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// All that is random comes from it.
    pub seed: u64,
    /// How long the load lasts, at least.
    pub length: Duration,
    /// Whether every fault happens, once, however long that takes; else as many as fit into the
    /// length.
    pub each: bool,
    /// Clients at once.
    pub clients: usize,
}

/// What came of a round.
#[derive(Debug)]
pub struct Outcome {
    /// What it was made of.
    pub settings: Settings,
    /// Faults that were healed, and how long it took until all had caught up. Of faults that
    /// overlapped, each has the time from the last one's end.
    pub healed: Vec<(&'static str, Duration)>,
    /// The part of its rate before that one command-api kept while a fault had the other.
    pub kept_rates: Vec<(&'static str, f64)>,
    /// How long it took, once the load was told to stop, until every client had its answers and
    /// nothing was on its way any more.
    pub rest: Duration,
    /// How long the checks took.
    pub checks: Duration,
    /// Events that the log has more than before.
    pub events: i64,
    /// Everything asked and answered.
    pub history: History,
    /// What a person should know although it broke no promise.
    pub notes: Vec<String>,
    /// What each check looked at.
    pub checked: Vec<(&'static str, String)>,
    /// Broken promises.
    pub violations: Vec<Violation>,
}

/// A fault, or some that overlap.
struct Episode {
    /// From the beginning of the round.
    at: Duration,
    /// From the beginning of the episode, in order.
    steps: Vec<(Duration, Step)>,
}

impl Episode {
    /// Its fault, if there is only one.
    fn alone(&self) -> Option<&'static dyn Fault> {
        match self.steps.as_slice() {
            [(_, Step::Inject(fault)), (_, Step::Heal(_))] => Some(*fault),
            _ => None,
        }
    }
}

enum Step {
    Inject(&'static dyn Fault),
    Heal(&'static dyn Fault),
}

/// Runs a round and checks it. An error means that the round could not be held; broken promises
/// are in the outcome.
pub async fn run(
    cluster: &mut Cluster,
    faults: &[&'static dyn Fault],
    settings: Settings,
) -> Result<Outcome> {
    let before = cluster.head().await?;
    let addresses = cluster.addresses().clone();
    let load = Load::start(&addresses, settings.seed, settings.clients).await?;
    let began = Instant::now();
    let (mut healed, mut notes, mut violations) = (vec![], vec![], vec![]);
    let mut kept_rates = vec![];
    for episode in plan(faults, settings) {
        sleep_until(began + episode.at).await;
        let (names, kept) = play(cluster, &episode).await?;
        let since = Instant::now();
        for (name, kept) in names.iter().zip(kept) {
            if kept < KEPT_RATE_MIN {
                let what = format!("{name}: the other went on at {kept:.3} of its rate before");
                violations.push(Violation { promise: "nobody waits for who is not well", what });
            }
            kept_rates.push((*name, kept));
        }
        match caught_up(cluster, &mut notes).await {
            Ok(()) => healed.extend(names.into_iter().map(|name| (name, since.elapsed()))),
            Err(Behind(who)) => violations.push(Violation {
                promise: "everybody catches up by himself",
                what: format!("after {}: {who}", names.join(" and ")),
            }),
        }
    }
    violations.extend(
        cluster
            .take_seen()
            .into_iter()
            .map(|what| Violation { promise: "a process that lives says so", what }),
    );
    sleep_until(began + settings.length).await;
    let stopping = Instant::now();
    let history = timeout(STOP_TIME_MAX, load.stop(cluster.take_cuts()))
        .await
        .context("clients have no answers")??;
    if let Err(Behind(who)) = at_rest(cluster, before, &mut notes).await {
        violations.push(Violation { promise: "what is begun comes to its end", what: who });
    }
    let (rest, checking) = (stopping.elapsed(), Instant::now());
    let mut checked = vec![];
    let all = check::all(&addresses, &history, cluster.has_older(Part::Query)).await;
    for verdict in all.context("the checks broke off")? {
        let Verdict { promise, covered, violations: found, .. } = verdict;
        checked.push((promise, covered));
        violations.extend(found);
    }
    violations.extend(verified(cluster).await?);
    let (events, checks) = (cluster.head().await? - before, checking.elapsed());
    Ok(Outcome {
        settings,
        healed,
        kept_rates,
        rest,
        checks,
        events,
        history,
        notes,
        checked,
        violations,
    })
}

/// Which faults, when, and for how long.
fn plan(faults: &[&'static dyn Fault], settings: Settings) -> Vec<Episode> {
    let mut rng = Rng::with_seed(settings.seed);
    let (mut deck, mut episodes) = (vec![], vec![]);
    let mut at = BEFORE_MS;
    loop {
        if deck.is_empty() {
            if settings.each && !episodes.is_empty() {
                break;
            }
            deck = faults.to_vec();
            rng.shuffle(&mut deck);
        }
        let Some(first) = deck.pop() else { break };
        let lasts = rng.u64(first.lasts());
        let mut steps = vec![(0, Step::Inject(first)), (lasts, Step::Heal(first))];
        if rng.u32(0..OVERLAPS_ONE_IN) == 0
            && let Some(other) = deck.iter().rposition(|other| other.part() != first.part())
        {
            let other = deck.remove(other);
            let from = rng.u64(0..=lasts);
            steps.push((from, Step::Inject(other)));
            steps.push((from + rng.u64(other.lasts()), Step::Heal(other)));
        }
        // A stable sort: what happens at the same moment stays in the order above.
        steps.sort_by_key(|(after, _)| *after);
        let ends = at + steps.last().map_or(0, |(after, _)| *after);
        let fits = ends <= u64::try_from(settings.length.as_millis()).unwrap_or(u64::MAX);
        if !settings.each && !fits {
            break;
        }
        let steps = steps.into_iter().map(|(after, step)| (Duration::from_millis(after), step));
        episodes.push(Episode { at: Duration::from_millis(at), steps: steps.collect() });
        at = ends + rng.u64(PAUSE_MS);
    }
    episodes
}

/// Lets the faults of an episode happen, and heals them; returns their names and, of a command-api
/// that breaks alone, the part of its rate that the other one kept.
async fn play(
    cluster: &mut Cluster,
    episode: &Episode,
) -> Result<(Vec<&'static str>, Option<f64>)> {
    let mut watched = match episode.alone().and_then(|fault| fault.part().other_command_api()) {
        Some(well) => Some(Watched::begin(cluster, well).await?),
        None => None,
    };
    let began = Instant::now();
    let (mut names, mut kept) = (vec![], None);
    for (after, step) in &episode.steps {
        sleep_until(began + *after).await;
        match step {
            Step::Inject(fault) => {
                names.push(fault.name());
                fault.inject(cluster).await.with_context(|| fault.name())?;
            }
            Step::Heal(fault) => {
                kept = watched.take().and_then(|watched| watched.kept(began.elapsed()));
                fault.heal(cluster).await.with_context(|| fault.name())?;
            }
        }
    }
    Ok((names, kept))
}

/// The command-api that stays well, from before the other one breaks.
struct Watched {
    pulse: Pulse,
    well: usize,
    /// What it took before.
    before: u64,
}

impl Watched {
    async fn begin(cluster: &Cluster, well: usize) -> Result<Self> {
        let pulse = Pulse::start(cluster.addresses())?;
        sleep(WATCHED_BEFORE).await;
        let before = pulse.taken(well);
        Ok(Self { pulse, well, before })
    }

    /// The part of its rate before that it has kept since, for so long. None if there was none.
    fn kept(self, since: Duration) -> Option<f64> {
        let taken = self.pulse.taken(self.well) - self.before;
        let (before, now) = (self.before as f64, taken as f64);
        let rate = before / WATCHED_BEFORE.as_secs_f64();
        (self.before > 0).then(|| now / since.as_secs_f64() / rate)
    }
}

/// Waits until everybody has caught up with the log as it is now.
async fn caught_up(cluster: &mut Cluster, notes: &mut Vec<String>) -> Result<(), Behind> {
    let deadline = Instant::now() + CATCH_UP_TIME_MAX;
    let mut head = None;
    loop {
        supervise(cluster, notes)?;
        if head.is_none() {
            head = cluster.head().await.ok();
        }
        let behind = match head {
            Some(head) => match cluster.caught_up(head).await {
                Ok(()) => return Ok(()),
                Err(behind) => behind,
            },
            None => Behind("the log cannot be read".to_owned()),
        };
        if Instant::now() > deadline {
            return Err(behind);
        }
        sleep(POLL).await;
    }
}

/// Waits until nothing is on its way any more.
async fn at_rest(cluster: &mut Cluster, since: i64, notes: &mut Vec<String>) -> Result<(), Behind> {
    let deadline = Instant::now() + REST_TIME_MAX;
    loop {
        caught_up(cluster, notes).await?;
        match cluster.at_rest(since).await {
            // What became settled while we looked may not be read by all yet.
            Ok(()) => return caught_up(cluster, notes).await,
            Err(behind) if Instant::now() > deadline => return Err(behind),
            Err(_) => sleep(POLL).await,
        }
    }
}

fn supervise(cluster: &mut Cluster, notes: &mut Vec<String>) -> Result<(), Behind> {
    notes.extend(cluster.revive().map_err(|error| Behind(format!("{error:#}")))?);
    Ok(())
}

/// What `projector verify` finds.
async fn verified(cluster: &Cluster) -> Result<Option<Violation>> {
    let output = cluster.verify().await?;
    if output.status.success() {
        return Ok(None);
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let lines: Vec<&str> = said.lines().take(DIFFERENCES_SHOWN).collect();
    let promise = "every read model equals a fresh fold of the log";
    Ok(Some(Violation { promise, what: lines.join("\n") }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault;

    const SETTINGS: Settings =
        Settings { seed: 7, length: Duration::from_mins(10), clients: 1, each: false };

    /// What happens when, in words.
    fn told(settings: Settings) -> Vec<(Duration, &'static str, bool)> {
        let steps = plan(fault::ALL, settings).into_iter().flat_map(|episode| {
            let steps = episode.steps.into_iter();
            steps.map(move |(after, step)| match step {
                Step::Inject(fault) => (episode.at + after, fault.name(), true),
                Step::Heal(fault) => (episode.at + after, fault.name(), false),
            })
        });
        steps.collect()
    }

    #[test]
    fn a_seed_gives_the_same_faults_at_the_same_moments() {
        assert_eq!(told(SETTINGS), told(SETTINGS));
        assert_ne!(told(SETTINGS), told(Settings { seed: 8, ..SETTINGS }));
    }

    #[test]
    fn a_long_round_has_every_fault_and_heals_each_in_time() {
        let told = told(SETTINGS);
        for fault in fault::ALL {
            let of_it = told.iter().filter(|(_, name, _)| *name == fault.name());
            let (all, begun) =
                (of_it.clone().count(), of_it.filter(|(_, _, begins)| *begins).count());
            assert!(begun > 0 && all == 2 * begun, "{}: {begun} of {all}", fault.name());
        }
        assert!(told.is_sorted_by_key(|(at, _, _)| *at), "{told:?}");
        assert!(told.last().is_some_and(|(at, _, _)| *at <= SETTINGS.length));
    }

    #[test]
    fn each_fault_happens_once_however_short_the_round() {
        let told = told(Settings { length: Duration::ZERO, each: true, ..SETTINGS });
        let begun = told.iter().filter(|(_, _, begins)| *begins).map(|(_, name, _)| *name);
        let mut begun: Vec<&str> = begun.collect();
        begun.sort_unstable();
        let mut all: Vec<&str> = fault::ALL.iter().map(|fault| fault.name()).collect();
        all.sort_unstable();
        assert_eq!(begun, all);
    }

    #[test]
    fn faults_overlap_only_on_different_processes() {
        let mut overlaps = 0;
        for episode in plan(fault::ALL, SETTINGS) {
            let mut broken = vec![];
            for (_, step) in episode.steps {
                match step {
                    Step::Inject(fault) => {
                        assert!(!broken.contains(&fault.part()), "{}", fault.name());
                        broken.push(fault.part());
                    }
                    Step::Heal(fault) => broken.retain(|part| *part != fault.part()),
                }
                overlaps += usize::from(broken.len() > 1);
            }
        }
        assert!(overlaps > 0);
    }
}
