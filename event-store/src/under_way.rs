//! Which orders somebody still waits for, as the log has it: no read model is asked, which may be
//! late or gone. What an order is, the domain knows; this knows by which events one begins and
//! ends.

use sqlx::PgPool;
use uuid::Uuid;

/// Orders that are told of.
pub const ORDERS_MAX: i64 = 20;

/// The orders of these people, or that go to one of these addresses, which were placed and are
/// neither complete nor off; no more than [`ORDERS_MAX`]. An order is whose it was given to last,
/// and goes where it was sent last.
///
/// # Errors
/// The database does not answer.
pub async fn orders(db: &PgPool, owners: &[Uuid], addresses: &[Uuid]) -> sqlx::Result<Vec<Uuid>> {
    let texts = |ids: &[Uuid]| ids.iter().map(Uuid::to_string).collect::<Vec<_>>();
    let streams = sqlx::query_scalar!(
        r#"WITH theirs AS (
               SELECT stream FROM events e
               WHERE type IN ('order.placed', 'order.assigned')
                 AND coalesce(data ->> 'customer_id', data ->> 'guest_id') = ANY($1)
                 AND NOT EXISTS (
                     SELECT FROM events later
                     WHERE later.stream = e.stream AND later.version > e.version
                       AND later.type = 'order.assigned')
               UNION
               SELECT stream FROM events e
               WHERE type IN ('order.placed', 'order.address_changed')
                 AND data ->> 'address_id' = ANY($2)
                 AND NOT EXISTS (
                     SELECT FROM events later
                     WHERE later.stream = e.stream AND later.version > e.version
                       AND later.type = 'order.address_changed'))
           SELECT stream AS "stream!" FROM theirs
           WHERE coalesce((
               SELECT later.type FROM events later
               WHERE later.stream = theirs.stream AND later.type IN (
                   'order.completed', 'order.cancelled', 'order.reinstated',
                   'order.delivery_corrected')
               ORDER BY later.version DESC LIMIT 1), '')
               NOT IN ('order.completed', 'order.cancelled')
           ORDER BY stream DESC LIMIT $3"#,
        &texts(owners),
        &texts(addresses),
        ORDERS_MAX
    );
    let streams = streams.fetch_all(db).await?;
    let ids = streams.iter().filter_map(|stream| stream.strip_prefix("order-")?.parse().ok());
    Ok(ids.collect())
}
