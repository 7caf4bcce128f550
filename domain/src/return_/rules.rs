//! Decisions about returns. What the order, its stock and its money make of them is
//! [`crate::command::return_`]'s.

use super::{
    ARRIVALS_MAX, Approved, Arrival, Closed, Event, ReceiptCorrected, Received, Rejected,
    Requested, Return, Status, Withdrawn, Withheld, gathered,
};
use crate::ids::OrderId;
use crate::money::Money;
use crate::order::Units;
use crate::text::Note;

refusals! {
    /// Why a return refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "return_already_exists", Conflict, "a return with this id exists already";
        /// There is none.
        NotFound = "return_not_found", NotFound, "there is no such return";
        /// Its state does not allow it. What was told to have come may turn out otherwise.
        WrongState {
            /// Where it stands.
            status: Status,
            /// What was asked.
            action: String,
        } = "return_wrong_state", Conflict or Passing if !status.is_final(),
            "a return that is {status} cannot {action}";
        /// Nothing is named.
        NothingNamed = "return_names_nothing", Invalid, "name the lines that come back";
        /// Too many arrivals.
        TooManyArrivals = "too_many_arrivals", Conflict, "a return has at most 1,000 arrivals";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Return {
    /// Asks for it.
    pub fn request(
        &self,
        order_id: OrderId,
        lines: Vec<Units>,
        reason: Note,
    ) -> Result<Vec<Event>, Error> {
        match self.order_id {
            None if lines.is_empty() => Err(Error::NothingNamed),
            None => Ok(vec![Requested { order_id, lines, reason }.into()]),
            Some(_) => Err(Error::AlreadyExists),
        }
    }

    /// Its goods are expected.
    pub fn approve(&self) -> Result<Vec<Event>, Error> {
        let approved = |order_id| Approved { order_id }.into();
        self.go_on(&[Status::Requested], Status::Approved, "be approved", approved)
    }

    /// It is refused: asked for in vain, or not accepted as it came; or for another reason than
    /// was said.
    pub fn reject(&self, reason: Note) -> Result<Vec<Event>, Error> {
        if self.status == Status::Rejected && self.rejection.as_ref() != Some(&reason) {
            let order_id = self.order_id.ok_or(Error::NotFound)?;
            return Ok(vec![Rejected { order_id, reason }.into()]);
        }
        let rejected = |order_id| Rejected { order_id, reason }.into();
        self.go_on(
            &[Status::Requested, Status::Approved],
            Status::Rejected,
            "be rejected",
            rejected,
        )
    }

    /// The customer keeps the goods, of which none came.
    pub fn withdraw(&self) -> Result<Vec<Event>, Error> {
        let withdrawn = |order_id| Withdrawn { order_id }.into();
        let from = [Status::Requested, Status::Approved];
        self.go_on(&from, Status::Withdrawn, "be withdrawn", withdrawn)
    }

    /// Goods arrived, of whose price some may be withheld. Whether it is as many as are expected,
    /// and worth that much, is the order's to say.
    pub fn receive(
        &self,
        lines: Vec<Arrival>,
        withheld: Option<Withheld>,
    ) -> Result<Vec<Event>, Error> {
        let order_id = self.order_id.ok_or(Error::NotFound)?;
        if !matches!(self.status, Status::Approved | Status::Received) {
            return Err(self.wrong("receive goods"));
        }
        if lines.is_empty() {
            return Err(Error::NothingNamed);
        }
        if self.arrivals.saturating_add(lines.len()) > ARRIVALS_MAX {
            return Err(Error::TooManyArrivals);
        }
        Ok(vec![Received { order_id, lines, withheld }.into()])
    }

    /// In all other goods arrived than was told, or otherwise, or another part of their price is
    /// withheld (where nobody says, as much as before). What of it the order, its stock and its
    /// money can follow is theirs to say.
    pub fn correct_receipt(
        &self,
        lines: &[Arrival],
        withheld: Option<Money>,
        reason: Note,
    ) -> Result<Vec<Event>, Error> {
        let order_id = self.order_id.ok_or(Error::NotFound)?;
        if !matches!(self.status, Status::Received | Status::Closed) {
            return Err(self.wrong("be corrected"));
        }
        if lines.len() > ARRIVALS_MAX {
            return Err(Error::TooManyArrivals);
        }
        let (before, lines) = (self.received.clone(), gathered(lines));
        let withheld = withheld.filter(|part| !self.withholds(*part));
        if withheld.is_none() && same(&before, &lines) {
            return Ok(vec![]);
        }
        Ok(vec![ReceiptCorrected { order_id, before, lines, withheld, reason }.into()])
    }

    fn withholds(&self, amount: Money) -> bool {
        self.withheld.map_or(amount.is_zero(), |withheld| withheld == amount)
    }

    /// Nothing more is expected.
    pub fn close(&self) -> Result<Vec<Event>, Error> {
        let closed = |order_id| Closed { order_id }.into();
        self.go_on(&[Status::Approved, Status::Received], Status::Closed, "be closed", closed)
    }

    fn go_on(
        &self,
        from: &[Status],
        to: Status,
        action: &str,
        event: impl FnOnce(OrderId) -> Event,
    ) -> Result<Vec<Event>, Error> {
        let order_id = self.order_id.ok_or(Error::NotFound)?;
        match self.status {
            status if status == to => Ok(vec![]),
            status if from.contains(&status) => Ok(vec![event(order_id)]),
            _ => Err(self.wrong(action)),
        }
    }

    fn wrong(&self, action: &str) -> Error {
        Error::WrongState { status: self.status, action: action.to_owned() }
    }
}

/// Whether both are the same arrivals, in whatever order.
fn same(one: &[Arrival], other: &[Arrival]) -> bool {
    one.len() == other.len() && one.iter().all(|arrival| other.contains(arrival))
}

impl Status {
    /// Whether nothing that is refused of it is allowed later.
    fn is_final(self) -> bool {
        matches!(self, Self::Rejected | Self::Withdrawn | Self::Closed)
    }
}
