//! `/v1/returns`: goods that come back.

use domain::return_::Status;
use domain::return_::document::{self, Document};
use domain::{ReadModel, ReturnId, Seen, StreamId};
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

/// A return.
pub(crate) struct Return;

impl Folded for Return {
    type Document = Document;

    fn fold(document: Option<Document>, seen: &Seen<'_>) -> Option<Document> {
        document::fold(document, seen)
    }

    fn revision(document: &Document) -> (i64, i64) {
        (document.version, document.position)
    }
}

impl Resource for Return {
    const NAME: &'static str = "return";
    const PAST_IS_THEIRS: bool = true;
    type Id = Id;

    fn stream(id: &Id) -> Result<StreamId, Problem> {
        Ok(StreamId::Return(ReturnId(id.0)))
    }

    async fn read(
        app: &App,
        fresh: &Fresh,
        principal: Principal,
        id: Id,
    ) -> Result<Option<Stored>, Problem> {
        read_part::<Self>(app, fresh, principal, Self::stream(&id)?, ("returns", id.0)).await
    }
}

sorts! {
    Oldest = "created_at", "returns", CREATED up;
    #[default]
    Newest = "-created_at", "returns -", CREATED down;
}

query! {
    /// Which returns.
    Returns {
        /// Of this order.
        order_id: Option<Uuid>,
        /// Where they stand.
        status: Option<Status>,
        sort: Sorting,
    }
}

impl ListQuery for Returns {
    async fn listing(self, _: &App, principal: Principal) -> Result<Listing, Problem> {
        let scope = ListScope::of_orders_owner(principal)?;
        Ok(Listing::of(&scope, ReadModel::Returns, "returns", self.sort.into())
            .only("order_id =", self.order_id)
            .only("status =", self.status.map(word)))
    }
}
