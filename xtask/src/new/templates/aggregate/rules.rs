//! Decisions about a medlar.

use super::{Created, Event, Quince, Retired, Status};
use crate::text::Label;

refusals! {
    /// Why a medlar refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "quince_already_exists", Conflict, "this id is in use already";
        /// There is none.
        NotFound = "quince_not_found", NotFound, "there is no such medlar";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Quince {
    /// Makes it.
    pub fn create(&self, title: Label) -> Result<Vec<Event>, Error> {
        match self.status {
            Status::Unborn => Ok(vec![Created { title }.into()]),
            Status::Open | Status::Retired => Err(Error::AlreadyExists),
        }
    }

    /// Takes it out of use.
    pub fn retire(&self) -> Result<Vec<Event>, Error> {
        match self.status {
            Status::Unborn => Err(Error::NotFound),
            Status::Open => Ok(vec![Retired {}.into()]),
            Status::Retired => Ok(vec![]),
        }
    }
}
