//! Decisions about stock: what may be taken, and from where.

use super::{
    Adjusted, Committed, Counted, Event, Hold, Low, Part, PolicySet, ReceiptCorrected, Received,
    Released, Reserved, Shelf, Shipped, Short, Source, Stock, ThresholdSet, Transferred, event,
    levels,
};
use crate::ids::{FulfilmentId, OrderId, ProductId};
use crate::text::{Location, Note, Quantity};
use chrono::{DateTime, Utc};

/// The most units one location may hold of a SKU.
pub const ON_HAND_MAX: i64 = 1_000_000_000;
/// Locations that may hold a SKU.
pub const LOCATIONS_MAX: usize = 1_000;

refusals! {
    /// Why stock refused.
    Error {
        /// Fewer units can be had than were asked for.
        OutOfStock {
            /// Units that can be had.
            available: i64,
            /// Units asked for.
            wanted: u32,
        } = "out_of_stock", Passing, "only {available} of the {wanted} units wanted are available";
        /// More units would be gone than there were.
        WouldGoNegative {
            /// Units at the location.
            on_hand: i64,
        } = "stock_would_go_negative", Passing,
            "there are only {on_hand} units at this location";
        /// More than a location may hold.
        TooMany = "stock_too_large", Invalid,
            "a location may hold at most 1,000,000,000 units of a SKU";
        /// More locations than a SKU may have.
        TooManyLocations = "too_many_locations", Invalid,
            "a SKU may be held at no more than 1,000 locations";
        /// The correction corrects nothing.
        NothingToAdjust = "nothing_to_adjust", Invalid,
            "an adjustment of zero units corrects nothing";
        /// From a location to itself.
        SameLocation = "same_location", Invalid, "units are transferred to another location";
        /// The order already holds units.
        AlreadyReserved = "stock_already_reserved", Conflict,
            "the order already holds units of this SKU";
        /// The order holds no such units.
        NotHeld = "stock_not_held", Conflict, "the order holds no such units of this SKU";
        /// They are not where they are to leave from.
        NotThere {
            /// Units that can leave.
            on_hand: i64,
            /// Units that are to leave.
            wanted: u32,
        } = "stock_not_there", Passing,
            "only {on_hand} of the {wanted} units are there to leave; count or transfer them first";
        /// They lie where nothing is for sale.
        NotSellable = "location_not_sellable", Conflict,
            "what lies at this location is not for sale; transfer it first";
        /// They were sold as another product's, and would be for sale as this one's.
        OfAnother {
            /// Whose SKU it is now.
            product_id: ProductId,
        } = "sku_of_another_product", Conflict,
            "another product has this SKU by now: put the units where nothing is for sale, or \
             write them off";
        /// They were sold as another product's, and would be carried as this one's.
        OthersThere {
            /// Units there that are this product's.
            own: i64,
            /// Units that are to be carried.
            wanted: u32,
        } = "stock_of_another_product", Passing,
            "only {own} of the {wanted} units are there as this product's; what came back of the \
             one that had the SKU before stays where it is until it is written off";
        /// Another product is to have the SKU, and units of the old one are there.
        NotEmpty {
            /// Units at all locations.
            on_hand: i64,
            /// Units that orders hold.
            held: i64,
        } = "stock_not_empty", Passing,
            "{on_hand} units of the product that had this SKU are there, and orders hold {held}";
    }
}

/// Each gives the events of one decision; none where all is so already.
impl Stock {
    /// Takes in units that arrived.
    pub fn receive(
        &self,
        at: Shelf,
        quantity: Quantity,
        source: Source,
    ) -> Result<Vec<Event>, Error> {
        self.must_fit(&at.location, i64::from(quantity))?;
        let Shelf { location, sellable } = at;
        Ok(self.told(Received { location, sellable, quantity, source, of_another: false }))
    }

    /// Takes in units that were sold as a product's which had this SKU before `product_id`: where
    /// nothing is for sale, and apart from those that are this one's.
    pub fn receive_of_another(
        &self,
        at: Shelf,
        quantity: Quantity,
        source: Source,
        product_id: ProductId,
    ) -> Result<Vec<Event>, Error> {
        let Shelf { location, sellable } = at;
        if sellable {
            return Err(Error::OfAnother { product_id });
        }
        self.must_fit(&location, i64::from(quantity))?;
        Ok(self.told(Received { location, sellable, quantity, source, of_another: true }))
    }

    /// Takes units out again that were told to have arrived there, and had not: as many as are
    /// there of this product, or of the one that had its SKU before.
    pub fn correct_receipt(
        &self,
        at: Shelf,
        quantity: Quantity,
        source: Source,
        of_another: bool,
    ) -> Result<Vec<Event>, Error> {
        let Shelf { location, sellable } = at;
        let level = self.at(&location);
        let (on_hand, units) =
            (if of_another { level.of_another } else { level.own() }, i64::from(quantity));
        if units > on_hand {
            return Err(Error::WouldGoNegative { on_hand });
        }
        let short = if sellable { self.short_by(-units) } else { vec![] };
        Ok(self.told(ReceiptCorrected { location, sellable, quantity, source, of_another, short }))
    }

    /// Carries units from one location to another, or says all that is in the way at either. What
    /// orders hold stays as it is: how many they hold, not where, is what counts. Those of a
    /// product that had the SKU before stay where they are.
    pub fn transfer(
        &self,
        from: Shelf,
        to: Shelf,
        quantity: Quantity,
        reason: Option<Note>,
    ) -> Result<Vec<Event>, Vec<Error>> {
        if from.location == to.location {
            return Err(vec![Error::SameLocation]);
        }
        let units = i64::from(quantity);
        let fits = [
            self.must_fit(&from.location, -units),
            self.must_be_own(&from.location, quantity),
            self.must_fit(&to.location, units),
        ];
        let refused: Vec<Error> = fits.into_iter().filter_map(Result::err).collect();
        if !refused.is_empty() {
            return Err(refused);
        }
        let short = self.short_by(to.for_sale(units) - from.for_sale(units));
        Ok(self.told(Transferred { from, to, quantity, reason, short }))
    }

    /// Takes what was counted for the truth, whatever was promised.
    pub fn count(
        &self,
        at: Shelf,
        on_hand: u32,
        reason: Option<Note>,
    ) -> Result<Vec<Event>, Error> {
        let expected = self.at(&at.location).on_hand;
        let on_hand = i64::from(on_hand);
        if on_hand == expected && self.levels.contains_key(&at.location) {
            return Ok(vec![]);
        }
        self.must_fit(&at.location, on_hand - expected)?;
        let short = self.short_by(at.for_sale(on_hand - expected));
        let Shelf { location, sellable } = at;
        Ok(self.told(Counted { location, sellable, on_hand, expected, reason, short }))
    }

    /// Puts a count right by the units found or missing, whatever was promised.
    pub fn adjust(&self, at: Shelf, delta: i64, reason: Note) -> Result<Vec<Event>, Error> {
        if delta == 0 {
            return Err(Error::NothingToAdjust);
        }
        self.must_fit(&at.location, delta)?;
        let short = self.short_by(at.for_sale(delta));
        let Shelf { location, sellable } = at;
        Ok(self.told(Adjusted { location, sellable, delta, reason, short }))
    }

    /// Sets units aside for an order.
    pub fn reserve(
        &self,
        order_id: OrderId,
        quantity: Quantity,
        until: DateTime<Utc>,
    ) -> Result<Vec<Event>, Error> {
        if self.holds.contains_key(&order_id) {
            return Err(Error::AlreadyReserved);
        }
        let parts = self.allocate(quantity).ok_or_else(|| Error::OutOfStock {
            available: self.obtainable(),
            wanted: quantity.get(),
        })?;
        Ok(self.told(Reserved { order_id, parts, until }))
    }

    /// The order is certain.
    pub fn commit(&self, order_id: OrderId) -> Result<Vec<Event>, Error> {
        match self.holds.get(&order_id) {
            Some(Hold { committed: true, .. }) => Ok(vec![]),
            Some(hold) => Ok(vec![Committed { order_id, parts: hold.parts.clone() }.into()]),
            None => Err(Error::NotHeld),
        }
    }

    /// Sets units aside for an order that is certain at once.
    pub fn reserve_committed(
        &self,
        order_id: OrderId,
        quantity: Quantity,
        until: DateTime<Utc>,
    ) -> Result<Vec<Event>, Error> {
        let mut events = self.reserve(order_id, quantity, until)?;
        let parts = events.iter().find_map(|event| match event {
            Event::Reserved(reserved) => Some(reserved.parts.clone()),
            _ => None,
        });
        events.extend(parts.map(|parts| Committed { order_id, parts }.into()));
        Ok(events)
    }

    /// Some units of the order will not come: they are for sale again. None where it holds fewer.
    pub fn release_units(&self, order_id: OrderId, quantity: Quantity) -> Vec<Event> {
        let released = |hold: &Hold| {
            let parts = levels::let_go(hold, quantity, None)?;
            Some(Released { order_id, parts, committed: hold.committed }.into())
        };
        self.holds.get(&order_id).and_then(released).into_iter().collect()
    }

    /// The order is off.
    pub fn release(&self, order_id: OrderId) -> Vec<Event> {
        let released = |Hold { parts, committed, .. }: &Hold| {
            Released { order_id, parts: parts.clone(), committed: *committed }.into()
        };
        self.holds.get(&order_id).map(released).into_iter().collect()
    }

    /// Units leave the building in a parcel: from this location, whose own or nobody's units they
    /// must be there; or, if none is named, from where they are held, as far as they are there.
    /// What the order holds shrinks by as many, wherever that is.
    pub fn ship(
        &self,
        order_id: OrderId,
        fulfilment_id: FulfilmentId,
        quantity: Quantity,
        from: Option<&Location>,
    ) -> Result<Vec<Event>, Error> {
        let hold = self.holds.get(&order_id).filter(|hold| hold.committed);
        let hold = hold.ok_or(Error::NotHeld)?;
        let gone = levels::let_go(hold, quantity, from).ok_or(Error::NotHeld)?;
        let parts = match from {
            Some(location) => self.leave(hold, quantity, location),
            None => self.leaving(hold, quantity),
        };
        let parts = parts.map_err(|on_hand| Error::NotThere { on_hand, wanted: quantity.get() })?;
        if parts.iter().any(|part| !self.at(&part.location).sellable) {
            return Err(Error::NotSellable);
        }
        Ok(vec![Shipped { order_id, fulfilment_id, parts, held: gone }.into()])
    }

    /// Says how many units may be promised beyond what is there.
    pub fn set_policy(&self, backorder_max: u32) -> Vec<Event> {
        let is_news = self.backorder_max != backorder_max;
        is_news.then(|| PolicySet { backorder_max }.into()).into_iter().collect()
    }

    /// Says how few units are few; tells at once if they are.
    pub fn set_threshold(&self, threshold: Option<u32>) -> Vec<Event> {
        if self.threshold == threshold {
            return vec![];
        }
        let mut events = vec![ThresholdSet { threshold }.into()];
        events.extend(self.low(threshold, || self.available()));
        events
    }

    /// Another product has the SKU from now on. It inherits no units, neither to sell nor to send,
    /// and nothing that was said of the old one's.
    pub fn hand_over(&self) -> Result<Vec<Event>, Error> {
        let on_hand = self.levels.values().map(|level| level.on_hand).sum();
        let held = self.holds.values().map(|hold| event::units(&hold.parts)).sum();
        if on_hand != 0 || held != 0 {
            return Err(Error::NotEmpty { on_hand, held });
        }
        let mut events = self.set_policy(0);
        events.extend(self.set_threshold(None));
        Ok(events)
    }

    /// Whether so many of the units there are this product's, as far as they are there at all.
    fn must_be_own(&self, location: &Location, wanted: Quantity) -> Result<(), Error> {
        let level = self.at(location);
        let (own, units) = (level.own(), i64::from(wanted));
        let others = units > own && units <= level.on_hand;
        if others { Err(Error::OthersThere { own, wanted: wanted.get() }) } else { Ok(()) }
    }

    /// Whether so many units may come to a location, or leave it, outside of any order.
    fn must_fit(&self, location: &Location, delta: i64) -> Result<(), Error> {
        let on_hand = self.at(location).on_hand;
        let is_new = !self.levels.contains_key(location);
        match on_hand.saturating_add(delta) {
            after if after < 0 => Err(Error::WouldGoNegative { on_hand }),
            after if after > ON_HAND_MAX => Err(Error::TooMany),
            _ if is_new && self.levels.len() >= LOCATIONS_MAX => Err(Error::TooManyLocations),
            _ => Ok(()),
        }
    }

    /// All units from one location; `Err` with how many can leave, if these are fewer.
    fn leave(&self, hold: &Hold, quantity: Quantity, from: &Location) -> Result<Vec<Part>, i64> {
        let can_leave = self.can_leave(hold, from);
        let part = Part { location: from.clone(), quantity };
        if i64::from(quantity) <= can_leave { Ok(vec![part]) } else { Err(can_leave) }
    }

    /// Who comes short as what may be sold changes by so many units.
    fn short_by(&self, units: i64) -> Vec<Short> {
        if units < 0 { self.short(self.available() + units) } else { vec![] }
    }

    /// The event, and the news that few units are left, where it is that which makes them few.
    fn told(&self, event: impl Into<Event>) -> Vec<Event> {
        let event = event.into();
        let low = self.low(self.threshold, || self.available() + event.available_by());
        std::iter::once(event).chain(low).collect()
    }

    /// The news that so many units are few, unless it was told. Nobody counts them at all their
    /// places who does not wait for it.
    fn low(&self, threshold: Option<u32>, available: impl FnOnce() -> i64) -> Option<Event> {
        let threshold = threshold.filter(|_| !self.low)?;
        let available = available();
        (available <= i64::from(threshold)).then(|| Low { available, threshold }.into())
    }
}
