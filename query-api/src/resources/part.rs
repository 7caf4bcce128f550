//! Parcels and returns. By itself each is read out of the document of its order, which is made of
//! its events too, and the log says whose it is; the past is folded from its own stream. Lists are
//! of rows of their own, which the orders say whose they are.

use std::collections::HashMap;

use domain::StreamId;
use identity::Principal;
use serde::Deserialize;
use serde_json::value::RawValue;
use service::Problem;
use uuid::Uuid;

use crate::app::App;
use crate::document::{Folded, Row, Stored, read};
use crate::fresh::Fresh;
use crate::scope::{Viewer, is_for};

/// The part with this stream and id among those of a member of its order.
pub(super) async fn read_part<F: Folded>(
    app: &App,
    fresh: &Fresh,
    principal: Principal,
    stream: StreamId,
    (member, id): (&str, Uuid),
) -> Result<Option<Stored>, Problem> {
    let order = read!(
        app,
        fresh,
        Orders,
        stream,
        "orders",
        "id = (SELECT (e.data ->> 'order_id')::uuid FROM events e
               WHERE e.stream = $1 AND e.version = 1)",
        stream.to_string(),
        for Viewer::of(principal)
    );
    let order = order.filter(|order| is_for(principal, &order.document));
    Ok(order.and_then(|order| part(&order, member, id)).map(Row::stored::<F>))
}

/// One of an order's parts out of the order's row, byte for byte; `None` where the row does not
/// have it yet.
fn part(order: &Row, field: &str, id: Uuid) -> Option<Row> {
    let members: HashMap<&str, &RawValue> = serde_json::from_str(&order.document).ok()?;
    let parts: Vec<&RawValue> = serde_json::from_str(members.get(field)?.get()).ok()?;
    parts.into_iter().find_map(|document| {
        let Stamp { id: of, version, position } = serde_json::from_str(document.get()).ok()?;
        let row = || {
            let (document, build) = (document.get().to_owned(), order.build);
            Row { document, version, position, build }
        };
        (of == id).then(row)
    })
}

/// What is read of a parcel or a return.
#[derive(Deserialize)]
struct Stamp {
    id: Uuid,
    version: i64,
    position: i64,
}
