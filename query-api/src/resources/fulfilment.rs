//! `/v1/fulfilments/{id}`: a parcel.

use domain::fulfilment::document::{self, Document};
use domain::{FulfilmentId, Seen, StreamId};
use identity::Principal;
use service::Problem;

use crate::app::App;
use crate::document::{Folded, Stored};
use crate::fresh::Fresh;
use crate::one::{Id, Resource};
use crate::resources::part::read_part;

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
