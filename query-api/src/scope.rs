//! Whose documents somebody sees: the shop all of them, a shopper what is theirs. What is not
//! theirs is not there for them.

use domain::{OrderId, Owner, StreamId};
use identity::{Access, Principal};
use serde::Deserialize;
use service::Problem;
use sqlx::PgConnection;

/// Refuses who does not work here.
///
/// # Errors
/// 401 for those who have not said who they are, 403 for shoppers.
pub fn must_work_here(principal: Principal) -> Result<(), Problem> {
    if principal.works_here() { Ok(()) } else { Access::Staff.check(principal) }
}

/// Whether somebody may see a document that is somebody's, as it is served.
pub fn is_for(principal: Principal, document: &str) -> bool {
    if principal.works_here() {
        return true;
    }
    let owner = serde_json::from_str::<Owner>(document);
    principal.shopper().is_some_and(|shopper| owner.is_ok_and(|owner| owner.is(shopper)))
}

/// What the first event of an order's part says: of which order it is.
#[derive(Deserialize)]
struct PartOfOrder {
    order_id: OrderId,
}

/// Who reads a document that is somebody's.
#[derive(Clone, Copy)]
pub struct Viewer {
    /// Who.
    pub principal: Principal,
    /// Whether they may see it, as it is stored.
    pub may_see: fn(Principal, &str) -> bool,
}

impl Viewer {
    /// Of a document that says whose it is.
    pub fn of(principal: Principal) -> Self {
        Self { principal, may_see: is_for }
    }
}

/// Whether somebody may see a thing, as the log has it: the first event of a part of an
/// order says whose part; of an order or a cart it is the last that gave it to somebody.
/// None where nothing has happened to it.
pub async fn is_for_by_log(
    db: &mut PgConnection,
    principal: Principal,
    stream: &str,
) -> sqlx::Result<Option<bool>> {
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
            Err(_) => return Ok(Some(is_for(principal, &said))),
        }
    }
    Ok(Some(false))
}

#[cfg(test)]
mod tests {
    use domain::{CustomerId, GuestId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_is_somebodys_is_for_them_and_for_the_shop() {
        let id = Uuid::from_u128;
        let of_customer = format!(r#"{{"id":"x","customer_id":"{}","lines":[]}}"#, id(1));
        let of_guest = format!(r#"{{"customer_id":null,"guest_id":"{}"}}"#, id(1));
        let nobodys = r#"{"customer_id":null}"#;
        let all = [
            (Principal::Customer(CustomerId(id(1))), [true, false, false]),
            (Principal::Customer(CustomerId(id(2))), [false, false, false]),
            (Principal::Guest(GuestId(id(1))), [false, true, false]),
            (Principal::Stranger, [false, false, false]),
            (Principal::ANYONE, [true, true, true]),
        ];
        for (principal, sees) in all {
            let documents = [&of_customer[..], &of_guest, nobodys];
            assert_eq!(documents.map(|it| is_for(principal, it)), sees, "{principal:?}");
            assert_eq!(must_work_here(principal).is_ok(), principal.works_here());
        }
        assert!(!is_for(Principal::Guest(GuestId(id(1))), "no document"));
    }
}
