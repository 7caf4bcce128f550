//! Guessing is slow: after some tries that failed, an address waits for longer and longer. It is
//! counted by address, whether somebody has it or not, so that waiting tells nothing. A try counts
//! as failed before it is looked at, and is forgotten when it was right: of many at once no more
//! are looked at than of as many after another.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::SignInError;

/// Tries that cost nothing.
const FREE: i32 = 5;
/// How long an address waits after the next one; twice as long after each that follows.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(1);
/// The longest wait.
const WAIT_MAX: TimeDelta = TimeDelta::minutes(15);
/// How long failures are remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(1);
/// Addresses that are forgotten with one failure, at the most: a few more than are added.
const FORGOTTEN_AT_ONCE: i64 = 10;

/// Failures after which the wait is the longest.
const FAILURES_MAX: i32 = 16;

/// Takes a try for an address, which has failed unless it is [forgotten](forget), and forgets some
/// failures that are old. Refuses an address that has to wait.
pub(super) async fn claim(
    db: &PgPool,
    digest: &[u8],
    now: DateTime<Utc>,
) -> Result<(), SignInError> {
    let old = now - REMEMBERED;
    let waits: Vec<i64> = (0..=FAILURES_MAX).map(|it| wait_after(it).num_seconds()).collect();
    let claimed = sqlx::query!(
        "WITH old AS (DELETE FROM sign_in_failures WHERE email_digest IN
             (SELECT email_digest FROM sign_in_failures WHERE last_at <= $3 AND email_digest <> $1
              LIMIT $6 FOR UPDATE SKIP LOCKED))
         INSERT INTO sign_in_failures AS f (email_digest, failures, last_at) VALUES ($1, 1, $2)
         ON CONFLICT (email_digest) DO UPDATE SET
             failures = CASE WHEN f.last_at > $3 THEN f.failures + 1 ELSE 1 END, last_at = $2
         WHERE f.last_at + make_interval(secs => ($4::bigint[])[least(f.failures, $5) + 1]) <= $2",
        digest,
        now,
        old,
        &waits,
        FAILURES_MAX,
        FORGOTTEN_AT_ONCE
    );
    if claimed.execute(db).await?.rows_affected() > 0 {
        return Ok(());
    }
    let failed = sqlx::query!(
        "SELECT failures, last_at FROM sign_in_failures WHERE email_digest = $1",
        digest
    );
    let failed = failed.fetch_optional(db).await?;
    // Whoever was right meanwhile has made an end of waiting: the next try shows it.
    let left = failed.map_or(FIRST_WAIT, |it| it.last_at + wait_after(it.failures) - now);
    Err(SignInError::TooOften(left.max(TimeDelta::zero())))
}

/// A try that nobody looked at is none.
pub(super) async fn give_back(db: &PgPool, digest: &[u8]) -> sqlx::Result<()> {
    let given_back = sqlx::query!(
        "UPDATE sign_in_failures SET failures = failures - 1
         WHERE email_digest = $1 AND failures > 0",
        digest
    );
    given_back.execute(db).await.map(drop)
}

fn wait_after(failures: i32) -> TimeDelta {
    let beyond = failures.saturating_sub(FREE);
    let Ok(doublings) = u32::try_from(beyond - 1) else { return TimeDelta::zero() };
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    FIRST_WAIT.checked_mul(factor).unwrap_or(WAIT_MAX).min(WAIT_MAX)
}

/// Who was right in the end starts anew.
pub(super) async fn forget(db: &PgPool, digest: &[u8]) -> sqlx::Result<()> {
    sqlx::query!("DELETE FROM sign_in_failures WHERE email_digest = $1", digest)
        .execute(db)
        .await
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait() {
        let seconds = |failures| wait_after(failures).num_seconds();
        assert_eq!([0, 1, 5, 6, 7, 8, 15].map(seconds), [0, 0, 0, 1, 2, 4, 512]);
        assert_eq!([FAILURES_MAX, 40, i32::MAX].map(seconds), [900, 900, 900]);
        assert!(wait_after(FAILURES_MAX - 1) < WAIT_MAX);
    }
}
