//! What is read elsewhere and believed for a while. One task reads it again and again, so that no
//! request waits for where it is read from; only who lacks something has it read anew, within
//! bounds. What is read, and what it is worth, is not known here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// The longest pause after a read that failed.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

/// How often something is read, and how long it is believed.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How often it is read.
    pub every: Duration,
    /// How soon it is read again for who lacks something: whoever makes names up cannot have it
    /// read more often than that.
    pub again_after: Duration,
    /// How long a read may take.
    pub read_max: Duration,
    /// How long somebody waits for one.
    pub wait_max: Duration,
    /// How long it is believed while it cannot be read.
    pub believed: Duration,
}

/// It could not be read in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what verifies tokens cannot be read")]
pub struct Stale;

/// Something that is read aside, for as long as somebody has this.
pub struct Mirror<T> {
    state: watch::Receiver<State<T>>,
    wanted: Arc<Notify>,
    pace: Pace,
}

struct State<T> {
    /// What was read, and when that began.
    read: Option<(Arc<T>, Instant)>,
    /// When the last try began that has ended, whichever way.
    tried_at: Option<Instant>,
}

impl<T> State<T> {
    fn since(&self, at: Instant) -> Option<Arc<T>> {
        self.read.as_ref().filter(|(_, began)| *began >= at).map(|(value, _)| value.clone())
    }

    fn younger_than(&self, age: Duration) -> Option<Arc<T>> {
        self.read.as_ref().filter(|(_, began)| began.elapsed() < age).map(|it| it.0.clone())
    }

    fn was_tried_since(&self, at: Instant) -> bool {
        self.tried_at.is_some_and(|tried| tried >= at)
    }
}

impl<T: Send + Sync + 'static> Mirror<T> {
    /// Reads `what` by `read` as soon as somebody asks for it, and again and again from then on.
    ///
    /// # Panics
    /// Outside a runtime.
    pub fn start<F, R, E>(what: String, pace: Pace, read: F) -> Self
    where
        F: Fn() -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let (sender, state) = watch::channel(State { read: None, tried_at: None });
        let wanted = Arc::new(Notify::new());
        tokio::spawn(keep(what, pace, read, sender, wanted.clone()));
        Self { state, wanted, pace }
    }

    /// What is known of it.
    ///
    /// # Errors
    /// Nothing, or it is too old.
    pub async fn known(&self) -> Result<Arc<T>, Stale> {
        let believed = self.pace.believed;
        if let Some(value) = self.state.borrow().younger_than(believed) {
            return Ok(value);
        }
        let asked = Instant::now();
        self.wanted.notify_one();
        let settled =
            |it: &State<T>| it.younger_than(believed).is_some() || it.was_tried_since(asked);
        self.wait(settled, |state| state.younger_than(believed)).await
    }

    /// What it is now, read after this was asked.
    ///
    /// # Errors
    /// It could not be read in time.
    pub async fn anew(&self) -> Result<Arc<T>, Stale> {
        let asked = Instant::now();
        self.wanted.notify_one();
        self.wait(|state| state.was_tried_since(asked), |state| state.since(asked)).await
    }

    async fn wait(
        &self,
        settled: impl Fn(&State<T>) -> bool,
        value: impl Fn(&State<T>) -> Option<Arc<T>>,
    ) -> Result<Arc<T>, Stale> {
        let mut state = self.state.clone();
        let state = timeout(self.pace.wait_max, state.wait_for(|it| settled(it))).await;
        state.ok().and_then(Result::ok).and_then(|state| value(&state)).ok_or(Stale)
    }
}

async fn keep<T, F, R, E>(
    what: String,
    pace: Pace,
    read: F,
    sender: watch::Sender<State<T>>,
    wanted: Arc<Notify>,
) where
    F: Fn() -> R,
    R: Future<Output = Result<T, E>>,
    E: std::error::Error + 'static,
{
    tokio::select! {
        () = sender.closed() => return,
        () = wanted.notified() => {}
    }
    let mut was_read = true;
    loop {
        let began = Instant::now();
        let value = tokio::select! {
            () = sender.closed() => return,
            value = timeout(pace.read_max, read()) => value,
        };
        // Told once, when it begins and when it is over.
        match &value {
            Ok(Ok(_)) if !was_read => tracing::info!(what, "can be read again"),
            Ok(Err(error)) if was_read => {
                tracing::warn!(what, error = error as &dyn std::error::Error, "cannot be read");
            }
            Err(_) if was_read => tracing::warn!(what, "cannot be read in time"),
            _ => {}
        }
        let value = value.ok().and_then(Result::ok);
        was_read = value.is_some();
        sender.send_modify(|state| {
            state.tried_at = Some(began);
            if let Some(value) = value {
                state.read = Some((Arc::new(value), began));
            }
        });
        let pause = if was_read { pace.every } else { pace.every.min(RETRY_AFTER_MAX) };
        tokio::select! {
            () = sender.closed() => return,
            () = sleep_until(began + pause) => continue,
            () = wanted.notified() => {}
        }
        tokio::select! {
            () = sender.closed() => return,
            () = sleep_until(began + pace.again_after) => {}
        }
    }
}

impl<T> fmt::Debug for Mirror<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror").field("pace", &self.pace).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use super::*;

    const AGAIN_AFTER: Duration = Duration::from_millis(20);
    /// Long enough for any machine.
    const LONG: Duration = Duration::from_hours(1);
    const PACE: Pace = Pace {
        every: LONG,
        again_after: AGAIN_AFTER,
        read_max: LONG,
        wait_max: LONG,
        believed: LONG,
    };

    /// Somewhere to read from, which counts how often it was, and may hang.
    #[derive(Default)]
    struct Source {
        reads: AtomicU32,
        hangs: AtomicBool,
    }

    fn start(source: &Arc<Source>, pace: Pace) -> Mirror<u32> {
        let source = source.clone();
        Mirror::start("a test's".to_owned(), pace, move || {
            let source = source.clone();
            async move {
                if source.hangs.load(Ordering::SeqCst) {
                    std::future::pending::<()>().await;
                }
                Ok::<_, std::convert::Infallible>(source.reads.fetch_add(1, Ordering::SeqCst))
            }
        })
    }

    #[tokio::test]
    async fn it_is_read_again_and_again_though_nobody_asks() {
        let source = Arc::new(Source::default());
        let mirror = start(&source, Pace { every: Duration::from_millis(1), ..PACE });
        assert!(mirror.known().await.is_ok());
        while source.reads.load(Ordering::SeqCst) < 5 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn who_lacks_something_has_it_read_but_not_more_often_than_that() {
        let source = Arc::new(Source::default());
        let mirror = start(&source, PACE);
        assert_eq!(mirror.known().await.as_deref(), Ok(&0));
        assert_eq!(mirror.known().await.as_deref(), Ok(&0));
        let began = Instant::now();
        for wanted in 1..=3 {
            // However many ask at once.
            let (one, other) = tokio::join!(mirror.anew(), mirror.anew());
            assert_eq!((one.as_deref(), other.as_deref()), (Ok(&wanted), Ok(&wanted)));
        }
        // The first of them may have been due.
        assert!(began.elapsed() >= AGAIN_AFTER * 2);
    }

    #[tokio::test]
    async fn while_it_hangs_nobody_waits_who_needs_nothing_new() {
        let source = Arc::new(Source::default());
        let mirror = start(&source, Pace { wait_max: Duration::from_millis(50), ..PACE });
        assert_eq!(mirror.known().await.as_deref(), Ok(&0));
        source.hangs.store(true, Ordering::SeqCst);
        assert_eq!(mirror.anew().await, Err(Stale));
        assert_eq!(mirror.known().await.as_deref(), Ok(&0));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_believed_for_ever() {
        let source = Arc::new(Source::default());
        let short = Duration::from_millis(50);
        let mirror = start(&source, Pace { believed: short, ..PACE });
        assert!(mirror.known().await.is_ok());
        let mirror = Mirror { pace: Pace { wait_max: short, ..mirror.pace }, ..mirror };
        source.hangs.store(true, Ordering::SeqCst);
        tokio::time::sleep(short).await;
        assert_eq!(mirror.known().await, Err(Stale));
    }
}
