//! Whose documents somebody sees: the shop all of them, a shopper what is theirs. What is not
//! theirs is not there for them. Of a list that is a [`ListScope`], without which none can be made.

use domain::Owner;
use event_store::whose;
use identity::{Access, Principal};
use service::Problem;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

/// Refuses who does not work here.
///
/// # Errors
/// 401 for those who have not said who they are, 403 for shoppers.
pub fn must_work_here(principal: Principal) -> Result<(), Problem> {
    if principal.works_here() { Ok(()) } else { Access::Staff.check(principal) }
}

/// Whether somebody may see a document that is somebody's, as it is served.
pub fn is_for(principal: Principal, document: &str) -> bool {
    principal.works_here()
        || serde_json::from_str(document).is_ok_and(|owner| is_owner(principal, owner))
}

fn is_owner(principal: Principal, owner: Owner) -> bool {
    principal.works_here() || principal.shopper().is_some_and(|shopper| owner.is(shopper))
}

/// Which rows of a list somebody sees. Made of who asks, here alone.
#[derive(Debug)]
pub struct ListScope(Rows);

#[derive(Debug)]
enum Rows {
    All,
    OfCustomer(Uuid),
    OfOrdersOf(Uuid),
    Published,
}

impl ListScope {
    /// All rows, for who works here.
    ///
    /// # Errors
    /// 401 or 403 for all others.
    pub fn of_shop(principal: Principal) -> Result<Self, Problem> {
        must_work_here(principal)?;
        Ok(Self(Rows::All))
    }

    /// A customer's own, which a column names; all for who works here. A guest has no list, but the
    /// address of each order they placed.
    ///
    /// # Errors
    /// 401 or 403 for those who see none.
    pub fn of_owner(principal: Principal) -> Result<Self, Problem> {
        match principal {
            Principal::Customer(id) => Ok(Self(Rows::OfCustomer(id.0))),
            _ => Self::of_shop(principal),
        }
    }

    /// Of what belongs to orders, as [`Self::of_owner`]: found by their orders, which are few.
    ///
    /// # Errors
    /// 401 or 403 for those who see none.
    pub fn of_orders_owner(principal: Principal) -> Result<Self, Problem> {
        match principal {
            Principal::Customer(id) => Ok(Self(Rows::OfOrdersOf(id.0))),
            _ => Self::of_shop(principal),
        }
    }

    /// Of products those that are published; all for who works here.
    pub fn of_catalogue(principal: Principal) -> Self {
        Self(if principal.works_here() { Rows::All } else { Rows::Published })
    }

    /// All rows of a view that shows nothing but what anybody may see.
    pub fn of_anybody() -> Self {
        Self(Rows::All)
    }

    /// Writes the condition that no more rows are shown than these.
    pub fn condition(&self, sql: &mut QueryBuilder<Postgres>) {
        match self.0 {
            Rows::All => sql.push("true"),
            Rows::OfCustomer(id) => sql.push("customer_id = ").push_bind(id),
            Rows::OfOrdersOf(id) => sql
                .push("order_id = ANY(ARRAY(SELECT id FROM orders WHERE customer_id = ")
                .push_bind(id)
                .push("))"),
            Rows::Published => sql.push("status = ").push_bind("published"),
        };
    }
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

/// Whether somebody may see a thing, as the log has it. None where nothing has happened to it.
pub async fn is_for_by_log(
    db: &mut PgConnection,
    principal: Principal,
    stream: &str,
) -> sqlx::Result<Option<bool>> {
    let whose = whose::of_stream(db, stream).await?;
    Ok(whose.map(|whose| is_owner(principal, whose.owner)))
}

#[cfg(test)]
mod tests {
    use domain::{CustomerId, GuestId};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_list_shows_a_customer_their_own_and_the_shop_all() {
        let customer = Principal::Customer(CustomerId(Uuid::from_u128(1)));
        let guest = Principal::Guest(GuestId(Uuid::from_u128(1)));
        let sql = |scope: ListScope| {
            let mut sql = QueryBuilder::new("");
            scope.condition(&mut sql);
            sql.sql().as_str().to_owned()
        };
        assert_eq!(sql(ListScope::of_owner(customer).unwrap()), "customer_id = $1");
        assert!(
            sql(ListScope::of_orders_owner(customer).unwrap()).contains("WHERE customer_id = $1")
        );
        assert_eq!(sql(ListScope::of_catalogue(customer)), "status = $1");
        assert!(ListScope::of_shop(customer).is_err());
        for nobody in [guest, Principal::Stranger] {
            assert_eq!(sql(ListScope::of_catalogue(nobody)), "status = $1");
            let all = [ListScope::of_owner, ListScope::of_orders_owner, ListScope::of_shop];
            assert!(all.into_iter().all(|scope| scope(nobody).is_err()), "{nobody:?}");
        }
        for scope in [ListScope::of_owner, ListScope::of_orders_owner, ListScope::of_shop] {
            assert_eq!(sql(scope(Principal::ANYONE).unwrap()), "true");
        }
        assert_eq!(sql(ListScope::of_catalogue(Principal::ANYONE)), "true");
    }

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
