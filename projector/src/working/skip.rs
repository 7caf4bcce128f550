//! Leaving an event out of a projection, because it will never be read or folded: the way out for a
//! stream that a retry cannot help. All builds leave it out from then on.

use event_store::read;
use sqlx::PgPool;

use crate::builds::{self, WrongVersion};
use crate::projection::Projection;
use crate::working::retry::{self, Retried, RetryError};
use crate::working::skipped;

/// Events that may be left out of a projection. Beyond that it is to be mended instead.
const SKIPPED_EVENTS_MAX: usize = 10_000;
/// The longest reason, in bytes.
const REASON_BYTES_MAX: usize = 1_000;

/// Why an event was not skipped.
#[derive(Debug, thiserror::Error)]
pub enum SkipError {
    /// The rows are not this program's.
    #[error(transparent)]
    Version(#[from] WrongVersion),
    /// Whoever asks why later must find an answer.
    #[error("the reason must have 1 to {REASON_BYTES_MAX} bytes")]
    Reason,
    /// A slip of the pen.
    #[error("there is no event of {stream} at position {position}")]
    NoEvent {
        /// The stream asked for.
        stream: String,
        /// The position asked for.
        position: i64,
    },
    /// It is of another kind of stream.
    #[error("{0} does not read this stream")]
    NotRead(&'static str),
    /// Another event stands in the way.
    #[error("{stream} is parked at position {position}: that event is the one to skip or mend")]
    Elsewhere {
        /// The stream asked for.
        stream: String,
        /// Where it is parked.
        position: i64,
    },
    /// It was folded, or can be.
    #[error("nothing waits at this event: its stream is not parked, and it can be read")]
    NotStuck,
    /// So many events fail that it is not theirs.
    #[error("{SKIPPED_EVENTS_MAX} events are skipped already: the projection itself is at fault")]
    TooMany,
    /// The stream could not be taken up again. The event is skipped.
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// Postgres is away.
    #[error("the database is in trouble")]
    Database(#[from] sqlx::Error),
}

/// Leaves an event out that keeps its stream parked, or that the projection stands still before;
/// then takes the stream up again.
pub async fn skip(
    db: &PgPool,
    projection: &'static Projection,
    stream: &str,
    position: i64,
    reason: &str,
) -> Result<Retried, SkipError> {
    let active = builds::active(db, projection).await?;
    active.check(projection)?;
    if !(1..=REASON_BYTES_MAX).contains(&reason.trim().len()) {
        return Err(SkipError::Reason);
    }
    let event = read::after(db, position - 1, 1).await?.pop();
    let event = event.filter(|event| event.position == position && event.stream == stream);
    let Some(event) = event else {
        return Err(SkipError::NoEvent { stream: stream.to_owned(), position });
    };
    if !projection.reads(stream) {
        return Err(SkipError::NotRead(projection.name));
    }
    if skipped::positions(db, projection).await?.len() >= SKIPPED_EVENTS_MAX {
        return Err(SkipError::TooMany);
    }
    let mut tx = db.begin().await?;
    let ranges = retry::take_over(&mut tx, projection, active.build).await?;
    let parked_at = sqlx::query_scalar!(
        "SELECT position FROM parked_streams WHERE projection = $1 AND build = $2 AND stream = $3",
        projection.name,
        active.build,
        stream,
    )
    .fetch_optional(&mut *tx)
    .await?;
    match parked_at {
        Some(at) if at == position => {}
        Some(at) => return Err(SkipError::Elsewhere { stream: stream.to_owned(), position: at }),
        None if event.decode().is_err() && !retry::passed(&event, &ranges) => {}
        None => return Err(SkipError::NotStuck),
    }
    sqlx::query!(
        "INSERT INTO skipped_events (projection, position, stream, reason)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        projection.name,
        position,
        stream,
        reason.trim(),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    tracing::warn!(projection = projection.name, stream, position, reason, "an event is skipped");
    Ok(retry::retry(db, projection, Some(stream)).await?)
}
