//! A guest's order becomes a customer's, who has signed in since. Who may ask for it is not said
//! here.

use super::{Assigned, Error, Event, Order, Status};
use crate::ids::CustomerId;

impl Order {
    /// Makes a guest's order a customer's, however far it has come.
    pub fn assign(&self, customer_id: CustomerId) -> Result<Vec<Event>, Error> {
        if self.status == Status::Unplaced {
            return Err(Error::NotFound);
        }
        match self.owner.customer_id {
            Some(owner) if owner == customer_id => Ok(vec![]),
            None if self.owner.guest_id.is_some() => Ok(vec![Assigned { customer_id }.into()]),
            Some(_) | None => Err(Error::OfAnother),
        }
    }
}
