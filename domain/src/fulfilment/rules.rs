//! Decisions about parcels. What stock and the order make of them is
//! [`crate::command::fulfilment`]'s.

use super::{
    ARRIVALS_MAX, ATTEMPTS_MAX, Cancelled, Created, Delivered, DeliveryFailed, Event, Fulfilment,
    Lost, Packed, PartlyDelivered, ReturnedToSender, Shipped, Status, TrackingSet,
};
use crate::ids::OrderId;
use crate::order::{self, Units, UnitsLeft};
use crate::return_::{Arrival, Disposal};
use crate::text::{Label, Location, Note, Quantity, Sku};

refusals! {
    /// Why a parcel refused.
    Error {
        /// Its id is in use.
        AlreadyExists = "fulfilment_already_exists", Conflict,
            "a fulfilment with this id exists already";
        /// There is none.
        NotFound = "fulfilment_not_found", NotFound, "there is no such fulfilment";
        /// Its state does not allow it. What was told of one that has left may turn out otherwise.
        WrongState {
            /// Where it stands.
            status: Status,
            /// What was asked.
            action: String,
        } = "fulfilment_wrong_state", Conflict or Passing if *status != Status::Cancelled,
            "a fulfilment that is {status} cannot {action}";
        /// It was handed over: what comes back of it is a return.
        Delivered = "fulfilment_delivered", Passing,
            "the fulfilment was delivered: what its customer sends back is a return of the order \
             (POST /v1/returns); where it was not handed over, say first that its delivery failed";
        /// Units are named that are not in it.
        NotInIt(Vec<UnitsLeft>) = "not_in_fulfilment", Conflict,
            "some lines have fewer units in this fulfilment";
        /// Its units lie apart: it cannot be told where it leaves from.
        LocationRequired(Vec<HeldAt>) = "location_required", Passing,
            "its units lie at several locations, none of which has them all: plan a parcel for \
             each location, or name the one it leaves from";
        /// Too many arrivals.
        TooManyArrivals = "too_many_arrivals", Conflict,
            "a parcel that comes back is told in at most 1,000 arrivals";
        /// Too many attempts.
        TooManyAttempts = "too_many_delivery_attempts", Conflict,
            "at most 100 failed attempts to deliver are recorded";
    }
}

/// Units of a parcel, and where they lie.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HeldAt {
    /// What.
    pub sku: Sku,
    /// Where.
    pub location: Location,
    /// How many.
    pub quantity: Quantity,
}

impl Status {
    /// The stored and shown name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unborn => "unborn",
            Self::Created => "created",
            Self::Packed => "packed",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::PartlyDelivered => "partly_delivered",
            Self::DeliveryFailed => "delivery_failed",
            Self::ReturnedToSender => "returned_to_sender",
            Self::Lost => "lost",
            Self::Cancelled => "cancelled",
        }
    }
}

impl std::fmt::Display for Status {
    /// As it is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Fulfilment {
    /// Plans it.
    pub fn create(
        &self,
        order_id: OrderId,
        lines: Vec<Units>,
        location: Option<Location>,
    ) -> Result<Vec<Event>, Error> {
        match self.order_id {
            None => Ok(vec![Created { order_id, lines, location }.into()]),
            Some(_) => Err(Error::AlreadyExists),
        }
    }

    /// Packs it.
    pub fn pack(&self) -> Result<Vec<Event>, Error> {
        let packed = |order_id| Packed { order_id }.into();
        self.go_on(&[Status::Created], Status::Packed, "be packed", packed)
    }

    /// Sends it: from where, who carries it, and under which number. Of one that has left the
    /// latter two are told late or put right; what is not named of it stays.
    pub fn ship(
        &self,
        location: Option<Location>,
        carrier: Option<Label>,
        tracking: Option<Label>,
    ) -> Result<Vec<Event>, Error> {
        let is_told = carrier.is_some() || tracking.is_some();
        let order_id = self.order_id.ok_or(Error::NotFound)?;
        if is_told && self.is_out() {
            let carrier = carrier.or_else(|| self.carrier.clone());
            let tracking = tracking.or_else(|| self.tracking.clone());
            let is_news = (&carrier, &tracking) != (&self.carrier, &self.tracking);
            let set = TrackingSet { order_id, carrier, tracking }.into();
            return Ok(is_news.then_some(set).into_iter().collect());
        }
        let shipped = |order_id| Shipped { order_id, location, carrier, tracking }.into();
        self.go_on(&[Status::Packed], Status::Shipped, "be shipped", shipped)
    }

    /// It was handed over: what is named of it, or, where nothing is named, all of it.
    pub fn deliver(&self, lines: Vec<Units>) -> Result<Vec<Event>, Error> {
        if self.status == Status::Delivered {
            return self.must_have_been_taken(lines).map(|()| vec![]);
        }
        // One that was given up may have arrived after all.
        let from = [Status::Shipped, Status::DeliveryFailed, Status::PartlyDelivered, Status::Lost];
        if !lines.is_empty() && from.contains(&self.status) {
            let order_id = self.order_id.ok_or(Error::NotFound)?;
            let left = |sku: &Sku| order::units_of(&self.lines, sku);
            let lines = order::merge(lines, left).map_err(Error::NotInIt)?;
            if !order::without(&self.lines, &lines).is_empty() {
                return Ok(vec![PartlyDelivered { order_id, lines }.into()]);
            }
        }
        let delivered = |order_id| Delivered { order_id }.into();
        self.go_on(&from, Status::Delivered, "be delivered", delivered)
    }

    /// Nobody took it, this time or again; or, though it was told to be handed over, nothing of it
    /// was.
    pub fn fail(&self, reason: Note) -> Result<Vec<Event>, Error> {
        let order_id = self.order_id.ok_or(Error::NotFound)?;
        match self.status {
            Status::Shipped
            | Status::Delivered
            | Status::PartlyDelivered
            | Status::DeliveryFailed => {
                if self.attempts >= ATTEMPTS_MAX {
                    return Err(Error::TooManyAttempts);
                }
                Ok(vec![DeliveryFailed { order_id, reason }.into()])
            }
            _ => Err(self.wrong("fail delivery")),
        }
    }

    /// Nobody knows where it is, though it may have been told to be handed over, or to have come
    /// back for good; of one that is lost, something else is known by now.
    pub fn lose(&self, reason: Note) -> Result<Vec<Event>, Error> {
        if self.status == Status::Lost && self.loss.as_ref() != Some(&reason) {
            let order_id = self.order_id.ok_or(Error::NotFound)?;
            return Ok(vec![Lost { order_id, reason }.into()]);
        }
        let lost = |order_id| Lost { order_id, reason }.into();
        let out =
            [Status::Shipped, Status::Delivered, Status::PartlyDelivered, Status::DeliveryFailed];
        let back = [Status::ReturnedToSender];
        // What goes out again is the order's to send.
        let from = if self.is_back() { &back[..] } else { &out };
        self.go_on(from, Status::Lost, "be lost", lost)
    }

    /// All that is in it, put there.
    pub fn all_at(&self, location: &Location) -> Vec<Arrival> {
        let stored = |Units { sku, quantity }: &Units| {
            let disposal = Disposal::Stored(location.clone());
            Arrival { sku: sku.clone(), quantity: *quantity, disposal }
        };
        self.lines.iter().map(stored).collect()
    }

    /// It came back: these units of it, some of which may go out again. The others are lost.
    pub fn come_back(&self, lines: Vec<Arrival>, send_again: bool) -> Result<Vec<Event>, Error> {
        let order_id = self.order_id.ok_or(Error::NotFound)?;
        if self.status == Status::Delivered {
            return Err(Error::Delivered);
        }
        let told = (&lines, send_again) == (&self.back, self.send_again);
        if self.status == Status::ReturnedToSender && !told {
            return Err(self.wrong("return to its sender otherwise"));
        }
        if lines.len() > ARRIVALS_MAX {
            return Err(Error::TooManyArrivals);
        }
        let units = lines.iter().map(Arrival::units).collect();
        order::merge(units, |sku| order::units_of(&self.lines, sku)).map_err(Error::NotInIt)?;
        let returned = |_| ReturnedToSender { order_id, lines, send_again }.into();
        let from = [Status::PartlyDelivered, Status::DeliveryFailed, Status::Lost];
        self.go_on(&from, Status::ReturnedToSender, "return to its sender", returned)
    }

    /// Calls it off.
    pub fn cancel(&self) -> Result<Vec<Event>, Error> {
        let cancelled = |order_id| Cancelled { order_id }.into();
        let from = [Status::Created, Status::Packed];
        self.go_on(&from, Status::Cancelled, "be cancelled", cancelled)
    }

    /// Whether it came back, and stays.
    pub fn is_back(&self) -> bool {
        self.status == Status::ReturnedToSender && !self.send_again
    }

    /// Whether it is packed and has not left.
    pub fn is_packed(&self) -> bool {
        self.status == Status::Packed
    }

    /// Whether it has left, and not come back.
    fn is_out(&self) -> bool {
        match self.status {
            Status::Shipped
            | Status::Delivered
            | Status::PartlyDelivered
            | Status::DeliveryFailed
            | Status::Lost => true,
            Status::Unborn
            | Status::Created
            | Status::Packed
            | Status::ReturnedToSender
            | Status::Cancelled => false,
        }
    }

    /// Refuses to have had only some of it handed over where all of it was.
    fn must_have_been_taken(&self, lines: Vec<Units>) -> Result<(), Error> {
        let all = |sku: &Sku| order::units_of(&self.lines, sku) + order::units_of(&self.taken, sku);
        let named = order::merge(lines, all).map_err(Error::NotInIt)?;
        let is_all = named.is_empty() || order::without(&self.lines, &named).is_empty();
        if is_all { Ok(()) } else { Err(self.wrong("be delivered in part")) }
    }

    /// From one of some states to another.
    fn go_on(
        &self,
        from: &[Status],
        to: Status,
        action: &str,
        event: impl FnOnce(OrderId) -> Event,
    ) -> Result<Vec<Event>, Error> {
        let order_id = self.order_id.ok_or(Error::NotFound)?;
        if self.status == to {
            return Ok(vec![]);
        }
        if from.contains(&self.status) {
            return Ok(vec![event(order_id)]);
        }
        Err(self.wrong(action))
    }

    fn wrong(&self, action: &str) -> Error {
        Error::WrongState { status: self.status, action: action.to_owned() }
    }
}
