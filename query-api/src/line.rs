//! The line for a connection to Postgres. It is short, and those who find it full are told so at
//! once: whoever waits at its end for longer than a caller does is served in vain, and those behind
//! him too.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use service::Problem;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests in the line for each connection there is: how many queries one waits for at most before
/// its own.
const WAITING_PER_CONNECTION: usize = 16;
/// What a refused client is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Who wants a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// A request that just came.
    Newcomer,
    /// One that was let in before and has waited for something else meanwhile. It is not sent away
    /// because all who waited for the same thing come at once.
    LetIn,
}

/// The line, and the connections at its end. Cheap to clone.
#[derive(Clone)]
pub struct Line {
    db: PgPool,
    places: Arc<Semaphore>,
}

impl Line {
    /// The line for the connections of `db`.
    pub fn new(db: PgPool) -> Self {
        let connections = db.options().get_max_connections() as usize;
        Self { db, places: Arc::new(Semaphore::new(WAITING_PER_CONNECTION * connections)) }
    }

    /// A connection.
    pub async fn connection(&self, who: Who) -> Result<PoolConnection<Postgres>, Problem> {
        let _place = self.place(who).await?;
        Ok(self.db.acquire().await?)
    }

    async fn place(&self, who: Who) -> Result<SemaphorePermit<'_>, Problem> {
        let place = match who {
            Who::Newcomer => self.places.try_acquire().ok(),
            // Never closed.
            Who::LetIn => self.places.acquire().await.ok(),
        };
        place.ok_or_else(|| {
            let detail = "too many requests wait for the database";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail)
                .retry_after(RETRY_AFTER)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use sqlx::postgres::PgPoolOptions;

    use super::*;

    /// A database that nobody is told of: all wait.
    fn line() -> Line {
        let pool = PgPoolOptions::new().max_connections(1);
        Line::new(pool.connect_lazy("postgres://nobody@192.0.2.1/nothing").unwrap())
    }

    #[tokio::test]
    async fn newcomers_are_refused_when_the_line_is_full_and_others_wait() {
        let line = line();
        let waiting: Vec<_> = std::iter::repeat_with(|| line.places.try_acquire().unwrap())
            .take(WAITING_PER_CONNECTION)
            .collect();
        let refused = line.connection(Who::Newcomer).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.code(), "overloaded");
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(line.place(Who::LetIn)).poll(&mut context).is_pending());
        drop(waiting);
        assert!(line.place(Who::LetIn).await.is_ok() && line.place(Who::Newcomer).await.is_ok());
    }
}
