//! What a load reached: how many, how fast, and what the load itself took of the machine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

/// What a load reached.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Figures {
    /// How many were answered.
    pub count: usize,
    /// The same in a second.
    pub per_second: f64,
    /// Half of the answers took no longer, in milliseconds.
    pub p50_ms: f64,
    /// Of a hundred, 99 took no longer.
    pub p99_ms: f64,
    /// Of a thousand, 999 took no longer.
    pub p999_ms: f64,
    /// What the load itself took, of one processor: 0.25 is a quarter of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_cpus: Option<f64>,
}

/// Answers of one connection, or of all.
#[derive(Debug, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    /// Takes one down, to the microsecond.
    pub fn add(&mut self, latency: Duration) {
        self.0.push(latency.as_micros().try_into().unwrap_or(u32::MAX));
    }

    /// Takes those of another connection over.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The latency that so many of a thousand do not exceed, in milliseconds. 0 of none.
    pub fn permille(&mut self, permille: usize) -> f64 {
        self.0.sort_unstable();
        let index = (self.0.len() * permille / 1_000).min(self.0.len().saturating_sub(1));
        f64::from(self.0.get(index).copied().unwrap_or(0)) / 1_000.0
    }

    /// The usual figures of so many seconds.
    pub fn summary(&mut self, seconds: f64) -> Figures {
        Figures {
            count: self.len(),
            per_second: self.len() as f64 / seconds,
            p50_ms: self.permille(500),
            p99_ms: self.permille(990),
            p999_ms: self.permille(999),
            load_cpus: None,
        }
    }
}

/// The processor time this process has used.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    Duration::from_secs(seconds) + Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_latencies() {
        let mut latencies = Latencies::default();
        assert!(latencies.permille(990).abs() < f64::EPSILON, "of none");
        for ms in (1..=100).rev() {
            latencies.add(Duration::from_millis(ms));
        }
        assert!((latencies.permille(500) - 51.0).abs() < f64::EPSILON);
        assert!((latencies.permille(1_000) - 100.0).abs() < f64::EPSILON);
    }
}
