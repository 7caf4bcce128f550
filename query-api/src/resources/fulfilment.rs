//! `/v1/fulfilments/{id}`: a parcel. It is read out of the document of its order, which is made of
//! its events too; the log says whose parcel it is. The past is folded from its own stream.

use domain::fulfilment::document::{self, Document};
use domain::{FulfilmentId, Seen, StreamId};
use identity::Principal;
use service::Problem;

use crate::app::App;
use crate::document::{Folded, Row, Stored, read};
use crate::fresh::Fresh;
use crate::one::{Id, Resource};
use crate::resources::order::part;
use crate::scope::{Viewer, is_for};

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
        let stream = Self::stream(&id)?.to_string();
        let order = read!(
            app,
            fresh,
            Orders,
            stream,
            "orders",
            "id = (SELECT (e.data ->> 'order_id')::uuid FROM events e
                   WHERE e.stream = 'fulfilment-' || $1::uuid::text AND e.version = 1)",
            id.0,
            for Viewer::of(principal)
        );
        let order = order.filter(|order| is_for(principal, &order.document));
        Ok(order.and_then(|order| part(&order, "fulfilments", id.0)).map(Row::stored::<Self>))
    }
}
