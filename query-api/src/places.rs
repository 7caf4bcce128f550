//! Places for those who follow an order: few, also of one caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use identity::Principal;
use service::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::UnderWay;

/// The most followers of orders at once.
pub const FOLLOWERS_MAX: usize = 256;
/// The most of them that are one caller's.
pub const OF_ONE_MAX: usize = 16;
/// What a refused follower is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// All of them, free at first.
pub struct Places {
    room: Arc<Semaphore>,
    of_each: Arc<Mutex<HashMap<Principal, usize>>>,
}

/// One follower's place.
pub(crate) struct Place {
    of_each: Arc<Mutex<HashMap<Principal, usize>>>,
    principal: Principal,
    _room: OwnedSemaphorePermit,
    _under_way: UnderWay,
}

impl Default for Places {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(FOLLOWERS_MAX)), of_each: Arc::default() }
    }
}

impl Places {
    /// A place, unless there is none, or none for them.
    pub(crate) fn take(&self, principal: Principal) -> Result<Place, Problem> {
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            let detail = format!("{FOLLOWERS_MAX} clients follow orders already");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Problem::new(status, "too_many_followers", detail).retry_after(RETRY_AFTER));
        };
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        let count = of_each.entry(principal).or_default();
        if *count >= OF_ONE_MAX {
            let detail = format!("you follow {OF_ONE_MAX} orders already");
            let status = StatusCode::TOO_MANY_REQUESTS;
            return Err(Problem::new(status, "follows_too_many", detail).retry_after(RETRY_AFTER));
        }
        *count += 1;
        let of_each = self.of_each.clone();
        Ok(Place { of_each, principal, _room: room, _under_way: UnderWay::new("followers") })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = of_each.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                of_each.remove(&self.principal);
            }
        }
    }
}
