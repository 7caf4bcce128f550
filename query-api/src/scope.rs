//! Whose documents somebody sees: the shop all of them, a shopper what is theirs. What is not
//! theirs is not there for them.

use domain::Owner;
use event_store::whose;
use identity::{Access, Principal};
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
    principal.works_here()
        || serde_json::from_str(document).is_ok_and(|owner| is_owner(principal, owner))
}

fn is_owner(principal: Principal, owner: Owner) -> bool {
    principal.works_here() || principal.shopper().is_some_and(|shopper| owner.is(shopper))
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
