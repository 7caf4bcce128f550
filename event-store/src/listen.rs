//! Waking up when the log has grown.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;

/// How often those who share a connection are woken all the same, and how long it is left alone
/// after it failed.
const SHARED_POLL: Duration = Duration::from_secs(1);

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
    /// connection had to be made anew.
    pub async fn changed(&mut self, poll: Duration) {
        match tokio::time::timeout(poll, self.listener.recv()).await {
            Ok(Ok(_)) => while self.listener.next_buffered().is_some() {},
            // Postgres is away; the listener reconnects at the next call, not in a tight loop.
            Ok(Err(_)) => tokio::time::sleep(poll).await,
            Err(_) => {}
        }
    }
}

/// One connection that listens for any number of followers, for as long as there are any. Clones
/// share it.
#[derive(Clone)]
pub struct Heads {
    db: PgPool,
    /// What wakes the followers, while there are any.
    waker: Arc<Mutex<Option<watch::Sender<()>>>>,
}

/// One of those who share a connection.
pub struct HeadWatch(watch::Receiver<()>);

impl Heads {
    /// Nothing is asked of the pool until somebody follows.
    pub fn new(db: PgPool) -> Self {
        Self { db, waker: Arc::default() }
    }

    /// Follows the log. What was appended before is no news: look once more after this.
    pub fn follow(&self) -> HeadWatch {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = waker.get_or_insert_with(|| {
            let sender = watch::Sender::new(());
            tokio::spawn(self.clone().listen(sender.clone()));
            sender
        });
        HeadWatch(sender.subscribe())
    }

    /// Listens until the last follower has gone.
    async fn listen(self, waker: watch::Sender<()>) {
        loop {
            tokio::select! {
                () = wake(&self.db, &waker) => tokio::time::sleep(SHARED_POLL).await,
                () = waker.closed() => {}
            }
            // Under the lock, because a new follower may have come meanwhile.
            let mut current = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
            if waker.receiver_count() == 0 {
                *current = None;
                return;
            }
        }
    }
}

/// Wakes the followers whenever the log has grown; ends only where no connection can be had.
async fn wake(db: &PgPool, waker: &watch::Sender<()>) {
    let Ok(mut listener) = HeadListener::connect(db).await else { return };
    loop {
        // The first time too: what was appended before the connection stood is not notified.
        waker.send_replace(());
        listener.changed(SHARED_POLL).await;
    }
}

impl HeadWatch {
    /// Returns when the log has grown, or might have, or after `poll`.
    pub async fn changed(&mut self, poll: Duration) {
        let _ = tokio::time::timeout(poll, self.0.changed()).await;
    }
}
