//! Guessing is slow: after some tries that failed, it waits for longer and longer. Who signs in is
//! counted by their address and the network they ask from, whether somebody has the address or not,
//! so that waiting tells nothing; with a looser sum over all networks. Who has a token and shows
//! their password is counted by themselves: whoever fails as them at the door does not keep them
//! from what they are signed in for. A try counts as failed before it is looked at, and is
//! forgotten when it was right: of many at once no more are looked at than of as many after
//! another.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;

use super::SignInError;

/// Tries that cost nothing.
const FREE: i32 = 5;
/// The same of one address from all networks together.
const FREE_FROM_ALL: i32 = 100;
/// How long one waits after the next one; twice as long after each that follows.
const FIRST_WAIT: TimeDelta = TimeDelta::seconds(1);
/// The longest wait.
const WAIT_MAX: TimeDelta = TimeDelta::minutes(15);
/// How long failures are remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(1);
/// Addresses that are forgotten with one failure, at the most: a few more than are added.
const FORGOTTEN_AT_ONCE: i64 = 10;

/// Failures after those that cost nothing, after which the wait is the longest.
const COSTLY_MAX: i32 = 11;

/// What tries are counted by.
#[derive(Clone, Debug)]
pub(super) struct Counters(Vec<Counter>);

#[derive(Clone, Debug)]
struct Counter {
    digest: Vec<u8>,
    /// Tries that cost nothing.
    free: i32,
}

impl Counters {
    /// One, strictly.
    pub fn one(digest: Vec<u8>) -> Self {
        Self(vec![Counter { digest, free: FREE }])
    }

    /// One strictly, and another that has all of several such.
    pub fn with_all(one: Vec<u8>, all: Vec<u8>) -> Self {
        let all = Counter { digest: all, free: FREE_FROM_ALL };
        Self(vec![Counter { digest: one, free: FREE }, all])
    }

    /// Takes a try, which has failed unless it is [forgotten](Self::forget). Refuses who has to
    /// wait.
    pub async fn claim(&self, db: &PgPool, now: DateTime<Utc>) -> Result<(), SignInError> {
        for (place, counter) in self.0.iter().enumerate() {
            if let Err(error) = claim(db, counter, now).await {
                Self(self.0[..place].to_vec()).give_back(db).await?;
                return Err(error);
            }
        }
        Ok(())
    }

    /// A try that nobody looked at is none.
    pub async fn give_back(&self, db: &PgPool) -> sqlx::Result<()> {
        let given_back = sqlx::query!(
            "UPDATE sign_in_failures SET failures = failures - 1
             WHERE email_digest = ANY($1) AND failures > 0",
            &self.digests()
        );
        given_back.execute(db).await.map(drop)
    }

    /// Who was right in the end starts anew.
    pub async fn forget(&self, db: &PgPool) -> sqlx::Result<()> {
        sqlx::query!("DELETE FROM sign_in_failures WHERE email_digest = ANY($1)", &self.digests())
            .execute(db)
            .await
            .map(drop)
    }

    fn digests(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|it| it.digest.clone()).collect()
    }
}

/// Takes a try, and forgets some failures that are old.
async fn claim(db: &PgPool, counter: &Counter, now: DateTime<Utc>) -> Result<(), SignInError> {
    let Counter { digest, free } = counter;
    let most = free + COSTLY_MAX;
    let old = now - REMEMBERED;
    let waits: Vec<i64> = (0..=most).map(|it| wait_after(it - free).num_seconds()).collect();
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
        most,
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
    let left = failed.map_or(FIRST_WAIT, |it| it.last_at + wait_after(it.failures - free) - now);
    Err(SignInError::TooOften(left.max(TimeDelta::zero())))
}

/// How long one waits after so many failures beyond those that cost nothing.
fn wait_after(beyond: i32) -> TimeDelta {
    let Ok(doublings) = u32::try_from(beyond - 1) else { return TimeDelta::zero() };
    let factor = 2_i32.checked_pow(doublings).unwrap_or(i32::MAX);
    FIRST_WAIT.checked_mul(factor).unwrap_or(WAIT_MAX).min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait() {
        let seconds = |beyond| wait_after(beyond).num_seconds();
        assert_eq!([-5, -4, 0, 1, 2, 3, 10].map(seconds), [0, 0, 0, 1, 2, 4, 512]);
        assert_eq!([COSTLY_MAX, 40, i32::MAX].map(seconds), [900, 900, 900]);
        assert!(wait_after(COSTLY_MAX - 1) < WAIT_MAX);
    }
}
