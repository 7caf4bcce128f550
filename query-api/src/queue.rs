//! The queue for a connection to Postgres. It is short, and those who find it full are told so at
//! once: whoever waits at its end for longer than a caller does is served in vain, and those behind
//! him too.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use service::Problem;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// Requests in the queue for each connection there is: how many queries one waits for at most
/// before its own.
const WAITING_PER_CONNECTION: usize = 16;
/// How long it may take to find out why there is no connection, and how long that is enough for.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
const LOOK_PAUSE: Duration = Duration::from_secs(5);
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

/// The queue, and the connections at its end. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    db: PgPool,
    places: Arc<Semaphore>,
    /// One looks at a time why there is no connection.
    looking: Arc<Semaphore>,
}

impl Queue {
    /// The queue for the connections of `db`.
    pub fn new(db: PgPool) -> Self {
        let connections = db.options().get_max_connections() as usize;
        let places = Semaphore::new(WAITING_PER_CONNECTION * connections);
        Self { db, places: Arc::new(places), looking: Arc::new(Semaphore::new(1)) }
    }

    /// A connection.
    pub async fn connection(&self, who: Who) -> Result<PoolConnection<Postgres>, Problem> {
        let _place = self.place(who).await?;
        self.db.acquire().await.map_err(|error| {
            if matches!(error, sqlx::Error::PoolTimedOut) {
                self.look_why();
            }
            error.into()
        })
    }

    /// Logs why there was no connection in time. The pool keeps trying until the time is up and
    /// does not say what it met; one who asks by himself hears it.
    fn look_why(&self) {
        let Ok(looking) = self.looking.clone().try_acquire_owned() else { return };
        let options = self.db.connect_options();
        tokio::spawn(async move {
            match timeout(LOOK_TIMEOUT, PgConnection::connect_with(&options)).await {
                Ok(Ok(connection)) => {
                    tracing::warn!("the database is there, but all connections to it are taken");
                    let _ = connection.close().await;
                }
                Ok(Err(error)) => {
                    let error = event_store::causes(&error);
                    tracing::warn!(error, "the database cannot be reached");
                }
                Err(_) => tracing::warn!("the database does not answer"),
            }
            // For a while the others know as well.
            tokio::time::sleep(LOOK_PAUSE).await;
            drop(looking);
        });
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
    fn queue() -> Queue {
        let pool = PgPoolOptions::new().max_connections(1);
        Queue::new(pool.connect_lazy("postgres://nobody@192.0.2.1/nothing").unwrap())
    }

    #[tokio::test]
    async fn newcomers_are_refused_when_the_line_is_full_and_others_wait() {
        let queue = queue();
        let waiting: Vec<_> = std::iter::repeat_with(|| queue.places.try_acquire().unwrap())
            .take(WAITING_PER_CONNECTION)
            .collect();
        let refused = queue.connection(Who::Newcomer).await.unwrap_err();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.code(), "overloaded");
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(queue.place(Who::LetIn)).poll(&mut context).is_pending());
        drop(waiting);
        assert!(queue.place(Who::LetIn).await.is_ok() && queue.place(Who::Newcomer).await.is_ok());
    }
}
