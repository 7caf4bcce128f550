//! `/v1/returns/{id}`: goods that come back. Read out of the document of its order, as a parcel is:
//! see [`super::fulfilment`].

use domain::return_::document::{self, Document};
use domain::{ReturnId, Seen, StreamId};
use identity::Principal;
use service::Problem;

use crate::app::App;
use crate::document::{Folded, Row, Stored, read};
use crate::fresh::Fresh;
use crate::one::{Id, Resource};
use crate::resources::order::part;
use crate::scope::{Viewer, is_for};

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
        let stream = Self::stream(&id)?.to_string();
        let order = read!(
            app,
            fresh,
            Orders,
            stream,
            "orders",
            "id = (SELECT (e.data ->> 'order_id')::uuid FROM events e
                   WHERE e.stream = 'return-' || $1::uuid::text AND e.version = 1)",
            id.0,
            for Viewer::of(principal)
        );
        let order = order.filter(|order| is_for(principal, &order.document));
        Ok(order.and_then(|order| part(&order, "returns", id.0)).map(Row::stored::<Self>))
    }
}
