//! Whose documents somebody sees: the shop all of them, a shopper what is theirs. What is not
//! theirs is not there for them.

use domain::Owner;
use identity::{Access, Principal};
use service::Problem;

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
