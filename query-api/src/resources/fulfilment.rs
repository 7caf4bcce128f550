//! `/v1/fulfilments/{id}`: a parcel. It is read out of the document of its order, which is made of
//! its events too; the log says whose parcel it is. The past is folded from its own stream.

use domain::fulfilment::document::{self, Document};
use domain::{FulfilmentId, Seen, StreamId};
use serde::Deserialize;
use serde_json::value::RawValue;
use service::Problem;
use uuid::Uuid;

use crate::app::App;
use crate::caller::Caller;
use crate::document::{Folded, Row, Stored, read};
use crate::fresh::Fresh;
use crate::one::{Id, Resource};

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
    type Id = Id;

    fn stream(id: &Id) -> Result<StreamId, Problem> {
        Ok(StreamId::Fulfilment(FulfilmentId(id.0)))
    }

    async fn read(
        app: &App,
        fresh: &Fresh,
        caller: Caller,
        id: Id,
    ) -> Result<Option<Stored>, Problem> {
        caller.must_be_trusted()?;
        let stream = Self::stream(&id)?.to_string();
        let order = read!(
            app,
            fresh,
            Orders,
            stream,
            "orders",
            "id = (SELECT (e.data ->> 'order_id')::uuid FROM events e
                   WHERE e.stream = 'fulfilment-' || $1::uuid::text AND e.version = 1)",
            id.0
        );
        Ok(order.and_then(|order| parcel(&order, id.0)).map(Row::stored::<Self>))
    }
}

/// What is read of an order's document.
#[derive(Deserialize)]
struct Order<'a> {
    #[serde(borrow)]
    parcels: Vec<&'a RawValue>,
}

/// What is read of a parcel's.
#[derive(Deserialize)]
struct Parcel {
    id: Uuid,
    version: i64,
    position: i64,
}

/// The parcel out of its order's row, byte for byte; `None` where the row does not have it yet.
fn parcel(order: &Row, id: Uuid) -> Option<Row> {
    let Order { parcels } = serde_json::from_str(&order.document).ok()?;
    parcels.into_iter().find_map(|document| {
        let parcel: Parcel = serde_json::from_str(document.get()).ok()?;
        let Parcel { version, position, .. } = parcel;
        let row = || {
            let (document, build) = (document.get().to_owned(), order.build);
            Row { document, version, position, build }
        };
        (parcel.id == id).then(row)
    })
}
