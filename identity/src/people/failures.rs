//! Guessing is slow: after some tries that failed, an address waits for longer and longer. It is
//! counted by address, whether somebody has it or not, so that waiting tells nothing.

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

/// Refuses an address that has to wait.
pub(super) async fn check(
    db: &PgPool,
    digest: &[u8],
    now: DateTime<Utc>,
) -> Result<(), SignInError> {
    let failed = sqlx::query!(
        "SELECT failures, last_at FROM sign_in_failures
         WHERE email_digest = $1 AND last_at > $2",
        digest,
        now - REMEMBERED
    );
    let Some(failed) = failed.fetch_optional(db).await? else { return Ok(()) };
    let left = failed.last_at + wait_after(failed.failures) - now;
    if left > TimeDelta::zero() { Err(SignInError::TooOften(left)) } else { Ok(()) }
}

fn wait_after(failures: i32) -> TimeDelta {
    let beyond = failures.saturating_sub(FREE);
    let Ok(doublings) = u32::try_from(beyond - 1) else { return TimeDelta::zero() };
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    FIRST_WAIT.checked_mul(factor).unwrap_or(WAIT_MAX).min(WAIT_MAX)
}

/// Counts a failure, and forgets some that are old.
pub(super) async fn count(db: &PgPool, digest: &[u8], now: DateTime<Utc>) -> sqlx::Result<()> {
    let old = now - REMEMBERED;
    sqlx::query!(
        "INSERT INTO sign_in_failures AS f (email_digest, failures, last_at) VALUES ($1, 1, $2)
         ON CONFLICT (email_digest) DO UPDATE SET
             failures = CASE WHEN f.last_at > $3 THEN f.failures + 1 ELSE 1 END, last_at = $2",
        digest,
        now,
        old
    )
    .execute(db)
    .await?;
    sqlx::query!(
        "DELETE FROM sign_in_failures WHERE email_digest IN
             (SELECT email_digest FROM sign_in_failures WHERE last_at <= $1 LIMIT $2)",
        old,
        FORGOTTEN_AT_ONCE
    )
    .execute(db)
    .await?;
    Ok(())
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
        assert_eq!([16, 40, i32::MAX].map(seconds), [900, 900, 900]);
    }
}
