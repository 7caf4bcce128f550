//! Places for those who follow an order: few, also of one caller, and of the guests and of the
//! customers at one address, for anybody is as many guests as they like, and nearly as many
//! customers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use identity::Principal;
use service::Problem;
use service::rates::Whence;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::metrics::UnderWay;

/// The most followers of orders at once.
pub const FOLLOWERS_MAX: usize = 256;
/// The most of them that are one caller's.
pub const OF_ONE_MAX: usize = 16;
/// The most of them that are those of guests at one address.
pub const OF_GUESTS_THERE_MAX: usize = 64;
/// The most of them that are those of customers at one address.
pub const OF_CUSTOMERS_THERE_MAX: usize = 128;
/// What a refused follower is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// All of them, free at first.
pub struct Places {
    room: Arc<Semaphore>,
    of_each: Arc<Mutex<HashMap<Holder, usize>>>,
}

/// Whose places are counted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Caller(Principal),
    GuestsAt(Whence),
    CustomersAt(Whence),
}

/// One follower's place.
pub(crate) struct Place {
    of_each: Arc<Mutex<HashMap<Holder, usize>>>,
    holders: Vec<Holder>,
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
    pub(crate) fn take(&self, principal: Principal, whence: Whence) -> Result<Place, Problem> {
        let Ok(room) = self.room.clone().try_acquire_owned() else {
            let detail = format!("{FOLLOWERS_MAX} clients follow orders already");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(Problem::new(status, "too_many_followers", detail).retry_after(RETRY_AFTER));
        };
        let mut holders = vec![Holder::Caller(principal)];
        match principal {
            Principal::Guest(_) => holders.push(Holder::GuestsAt(whence)),
            Principal::Customer(_) => holders.push(Holder::CustomersAt(whence)),
            Principal::Stranger | Principal::Enrolling(_) | Principal::Member(..) => {}
        }
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        for holder in &holders {
            let (most, who) = match holder {
                Holder::Caller(_) => (OF_ONE_MAX, "you follow"),
                Holder::GuestsAt(_) => (OF_GUESTS_THERE_MAX, "guests at your address follow"),
                Holder::CustomersAt(_) => {
                    (OF_CUSTOMERS_THERE_MAX, "customers at your address follow")
                }
            };
            if of_each.get(holder).is_some_and(|count| *count >= most) {
                let (status, code) = (StatusCode::TOO_MANY_REQUESTS, "follows_too_many");
                let detail = format!("{who} {most} orders already");
                return Err(Problem::new(status, code, detail).retry_after(RETRY_AFTER));
            }
        }
        for holder in &holders {
            *of_each.entry(*holder).or_default() += 1;
        }
        let of_each = self.of_each.clone();
        Ok(Place { of_each, holders, _room: room, _under_way: UnderWay::new("followers") })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut of_each = self.of_each.lock().unwrap_or_else(PoisonError::into_inner);
        for holder in &self.holders {
            if let Some(count) = of_each.get_mut(holder) {
                *count -= 1;
                if *count == 0 {
                    of_each.remove(holder);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use domain::{CustomerId, GuestId};
    use uuid::Uuid;

    use super::*;

    fn taken(places: &Places, who: Principal, there: [u8; 4]) -> Option<Place> {
        places.take(who, Whence(IpAddr::from(there))).ok()
    }

    /// Nor does whoever becomes many customers keep anybody elsewhere out.
    #[test]
    fn customers_at_one_address_have_so_many_together() {
        let places = Places::default();
        let customer = || Principal::Customer(CustomerId(Uuid::now_v7()));
        let (here, there) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let all: Vec<Place> = (0..).map_while(|_| taken(&places, customer(), here)).collect();
        assert_eq!(all.len(), OF_CUSTOMERS_THERE_MAX);
        assert!(taken(&places, customer(), there).is_some());
        assert!(taken(&places, Principal::ANYONE, here).is_some());
    }

    /// Whoever becomes many guests keeps nobody elsewhere out, nor any customer.
    #[test]
    fn guests_at_one_address_have_so_many_together() {
        let places = Places::default();
        let guest = || Principal::Guest(GuestId(Uuid::now_v7()));
        let (here, there) = ([192, 0, 2, 1], [192, 0, 2, 2]);
        let mut all: Vec<Place> = (0..).map_while(|_| taken(&places, guest(), here)).collect();
        assert_eq!(all.len(), OF_GUESTS_THERE_MAX);
        assert!(taken(&places, guest(), there).is_some());
        let customer = Principal::Customer(CustomerId(Uuid::now_v7()));
        let own: Vec<Place> = (0..).map_while(|_| taken(&places, customer, here)).collect();
        assert_eq!(own.len(), OF_ONE_MAX);
        all.pop();
        let again = taken(&places, guest(), here);
        assert!(again.is_some() && taken(&places, guest(), here).is_none());
        drop((all, own, again));
        assert!(places.of_each.lock().unwrap().is_empty(), "nothing is left of who went");
    }
}
