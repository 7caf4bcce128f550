//! Waking up when the log has grown.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgNotification};

/// Wakes its owner when something was appended. A notification may be lost with its connection;
/// the poll behind it makes that cost a moment, not an event.
pub struct HeadListener {
    listener: PgListener,
}

impl HeadListener {
    /// Listens on a connection of its own, taken from the pool.
    pub async fn connect(db: &PgPool) -> sqlx::Result<Self> {
        let mut listener = PgListener::connect_with(db).await?;
        listener.listen("log_head").await?;
        Ok(Self { listener })
    }

    /// Returns when the log has grown, or might have: at a notification, after `poll`, or when the
    /// connection had to be made anew. Says whether it was notified.
    pub async fn changed(&mut self, poll: Duration) -> bool {
        self.grown(poll).await.is_some()
    }

    /// The same; says to which position the log has come, if it was notified. Safe to drop while it
    /// waits.
    pub async fn grown(&mut self, poll: Duration) -> Option<i64> {
        match tokio::time::timeout(poll, self.listener.recv()).await {
            Ok(Ok(notification)) => {
                let mut head = position(&notification);
                while let Some(notification) = self.listener.next_buffered() {
                    head = head.max(position(&notification));
                }
                Some(head)
            }
            // Postgres is away; the listener reconnects at the next call, not in a tight loop.
            Ok(Err(_)) => {
                tokio::time::sleep(poll).await;
                None
            }
            Err(_) => None,
        }
    }
}

/// Up to where the log has come; one that does not say so may have come to any.
fn position(notification: &PgNotification) -> i64 {
    notification.payload().parse().unwrap_or(i64::MAX)
}
