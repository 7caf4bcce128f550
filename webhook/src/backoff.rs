//! When what was not taken is sent again: soon, then after longer and longer, for three days.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// Between an attempt and the next, as Standard Webhooks recommends: 75 hours and 35 minutes in
/// all.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// By how much of itself a pause may be shorter or longer, so that not all comes again at once.
const JITTER: f64 = 0.1;
/// The longest that a receiver may ask to be left alone.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// How long to wait after so many attempts; nothing after the last. `luck` is from 0 to 1.
pub(crate) fn pause(attempts: i32, luck: f64) -> Option<Duration> {
    let made = usize::try_from(attempts).unwrap_or(0).max(1);
    let pause = PAUSES.get(made - 1)?;
    Some(pause.mul_f64(1.0 - JITTER + 2.0 * JITTER * luck))
}

/// How long a receiver asks to be left alone: `Retry-After`, in seconds or as a date.
pub(crate) fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let asked = if let Ok(seconds) = value.trim().parse() {
        Duration::from_secs(seconds)
    } else {
        let until = DateTime::parse_from_rfc2822(value.trim()).ok()?;
        (until.to_utc() - now).to_std().ok()?
    };
    Some(asked.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_go_on_for_three_days() {
        let pauses = |luck: f64| -> Vec<Duration> {
            (1..).map_while(|attempts| pause(attempts, luck)).collect()
        };
        assert_eq!(pauses(0.5), PAUSES);
        let days = |luck: f64| pauses(luck).iter().sum::<Duration>().as_secs_f64() / 86_400.0;
        assert!(days(0.0) > 2.5 && days(1.0) < 3.5);
        for luck in [0.0, 0.3, 1.0] {
            let pauses = pauses(luck);
            assert_eq!(pauses.len(), 9);
            assert!(pauses.is_sorted());
        }
    }

    #[test]
    fn a_receiver_says_when_to_come_back_within_bounds() {
        let now = "2026-11-27T10:00:00Z".parse().unwrap();
        let of = |value| retry_after(value, now).map(|pause| pause.as_secs());
        assert_eq!(of("120"), Some(120));
        assert_eq!(of("999999999"), Some(86_400));
        assert_eq!(of("Fri, 27 Nov 2026 10:01:30 GMT"), Some(90));
        // It has passed, or is none.
        for value in ["Fri, 27 Nov 2026 09:00:00 GMT", "-1", "soon", ""] {
            assert_eq!(of(value), None, "{value}");
        }
    }
}
