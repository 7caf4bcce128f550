//! Whose a thing is, as the log has it. Who may see it, and what is kept for them, is for others to
//! say.

use domain::{AddressId, OrderId, Owner, StreamId};
use serde::Deserialize;
use sqlx::PgConnection;

/// Whose a thing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Whose {
    /// The shopper; none where it is nobody's.
    #[serde(flatten)]
    pub owner: Owner,
    /// The address it began with, where no shopper has taken it over since.
    pub address_id: Option<AddressId>,
}

/// What the first event of an order's part says: of which order it is.
#[derive(Deserialize)]
struct PartOfOrder {
    order_id: OrderId,
}

/// Whose a stream is: the first event of a part of an order says whose part; of an order or a cart
/// it is the last that gave it to somebody. Nobody's, where that cannot be read. None where nothing
/// has happened to it.
///
/// # Errors
/// The database does not answer.
pub async fn of_stream(db: &mut PgConnection, stream: &str) -> sqlx::Result<Option<Whose>> {
    let mut name = stream.to_owned();
    // An order says it itself; a part of one names its order first.
    for _ in 0..2 {
        let said = sqlx::query_scalar!(
            r#"SELECT data::text AS "data!" FROM events
               WHERE stream = $1
                   AND (version = 1 OR type IN ('cart.assigned', 'order.assigned'))
               ORDER BY version DESC LIMIT 1"#,
            name
        );
        let Some(said) = said.fetch_optional(&mut *db).await? else { return Ok(None) };
        match serde_json::from_str(&said) {
            Ok(PartOfOrder { order_id }) => name = StreamId::Order(order_id).to_string(),
            Err(_) => return Ok(Some(serde_json::from_str(&said).unwrap_or_default())),
        }
    }
    Ok(Some(Whose::default()))
}
