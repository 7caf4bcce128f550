//! `/v1/fulfilments`: parcels.

use domain::fulfilment::document::{self, Document, Status};
use domain::{FulfilmentId, Location, ReadModel, Seen, StreamId};
use identity::Principal;
use service::Problem;
use uuid::Uuid;

use crate::app::App;
use crate::document::{Folded, Stored};
use crate::fresh::Fresh;
use crate::list::{ListQuery, query, sorts};
use crate::listing::{CREATED, Listing, word};
use crate::one::{Id, Resource};
use crate::resources::part::read_part;
use crate::scope::ListScope;

/// A parcel.
pub(crate) struct Fulfilment;

impl Folded for Fulfilment {
    type Document = Document;

    fn fold(document: Option<Document>, seen: &Seen<'_>) -> Option<Document> {
        document::fold(document, seen)
    }

    fn revision(document: &Document) -> (i64, i64) {
        (document.version, document.position)
    }
}

impl Resource for Fulfilment {
    const NAME: &'static str = "fulfilment";
    const PAST_IS_THEIRS: bool = true;
    type Id = Id;

    fn stream(id: &Id) -> Result<StreamId, Problem> {
        Ok(StreamId::Fulfilment(FulfilmentId(id.0)))
    }

    async fn read(
        app: &App,
        fresh: &Fresh,
        principal: Principal,
        id: Id,
    ) -> Result<Option<Stored>, Problem> {
        read_part::<Self>(app, fresh, principal, Self::stream(&id)?, ("fulfilments", id.0)).await
    }
}

sorts! {
    Oldest = "created_at", "fulfilments", CREATED up;
    #[default]
    Newest = "-created_at", "fulfilments -", CREATED down;
}

query! {
    /// Which parcels.
    Fulfilments {
        /// Of this order.
        order_id: Option<Uuid>,
        /// Where they stand.
        status: Option<Status>,
        /// Leaving from this location, or gone from there.
        location: Option<Location>,
        sort: Sorting,
    }
}

impl ListQuery for Fulfilments {
    async fn listing(self, _: &App, principal: Principal) -> Result<Listing, Problem> {
        let scope = ListScope::of_orders_owner(principal)?;
        Ok(Listing::of(&scope, ReadModel::Fulfilments, "fulfilments", self.sort.into())
            .only("order_id =", self.order_id)
            .only("status =", self.status.map(word))
            .only("location =", self.location.map(|at| at.to_string())))
    }
}
