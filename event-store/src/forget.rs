//! Forgetting what commands came to, once its term is over. The table is swept a few pages at a
//! time, by one process at once, for as long as the service runs. Nothing but `commands` is ever
//! forgotten: the log itself is for good.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::causes;

/// How long the answer to a command is kept unless the process is told otherwise, in days.
pub const KEPT_DAYS: u16 = 30;
/// How long the outcome of a command without a key is kept: the writer alone asks for it, in the
/// seconds after a connection broke.
const KEPT_WITHOUT_KEY: Duration = Duration::from_hours(1);
/// Pages of the table that a step looks at: 2 MiB, some ten thousand answers.
pub const STEP_PAGES: i32 = 256;
/// One round through the table, if it is not so long that its steps would come too close.
const ROUND: Duration = Duration::from_hours(1);
/// The shortest pause between two steps: what a step reads and deletes stays a small part of what
/// the disk does.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// The pause after a step that failed.
const PAUSE_FAILED: Duration = Duration::from_mins(1);

/// What one step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swept {
    /// Answers forgotten.
    pub forgotten: i64,
    /// Pages of the whole table.
    pub table_pages: i64,
}

/// Looks at the next `pages` of the table and forgets what is older than `kept_days`. `None` where
/// another process is at it.
pub async fn step(db: &PgPool, kept_days: u16, pages: i32) -> sqlx::Result<Option<Swept>> {
    sqlx::query_as!(
        Swept,
        r#"SELECT forgotten AS "forgotten!", table_pages AS "table_pages!"
           FROM forget_commands(make_interval(days => $1), make_interval(secs => $2), $3)"#,
        i32::from(kept_days),
        KEPT_WITHOUT_KEY.as_secs_f64(),
        pages,
    )
    .fetch_optional(db)
    .await
}

/// Sweeps until told to stop.
pub async fn run(db: PgPool, kept_days: u16, stop: CancellationToken) {
    let mut failed = false;
    loop {
        let swept = step(&db, kept_days, STEP_PAGES).await;
        let pause = match &swept {
            Ok(swept) => {
                let forgotten = swept.map_or(0, |swept| swept.forgotten);
                metrics::counter!("commands_forgotten_total").increment(forgotten.unsigned_abs());
                pause(swept.map_or(0, |swept| swept.table_pages))
            }
            Err(error) => {
                if !failed {
                    let error = causes(error);
                    tracing::warn!(error, "answers are not forgotten for now; it is tried again");
                }
                PAUSE_FAILED
            }
        };
        failed = swept.is_err();
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The pause after a step through a table of so many pages.
fn pause(table_pages: i64) -> Duration {
    let steps = u32::try_from(table_pages / i64::from(STEP_PAGES)).unwrap_or(u32::MAX);
    (ROUND / steps.saturating_add(1)).max(PAUSE_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_takes_an_hour_or_as_long_as_its_steps() {
        assert_eq!(pause(0), ROUND);
        assert_eq!(pause(i64::from(STEP_PAGES) * 59), ROUND / 60);
        assert_eq!(pause(i64::MAX), PAUSE_MIN);
    }
}
