//! Who is found to be one with whom: by commands that are done, and never with who was forgotten.

use axum::http::StatusCode;
use domain::{CustomerId, GuestId};
use identity::token::Subject;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;
use vault::DataSubject;

use crate::known::Known;
use crate::people::address;
use crate::shop::{post, put};

/// A command that is refused finds nobody to be one, though both tokens are good.
#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_united_by_what_is_refused(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let (customer_id, guest_id) = (Uuid::now_v7(), Uuid::now_v7());
    let customer = known.token(Subject::Customer(CustomerId(customer_id))).await;
    let guest = known.token(Subject::Guest(GuestId(guest_id))).await;
    let other = known.token(Subject::Guest(GuestId(Uuid::now_v7()))).await;
    known.address(&guest).await;
    let (theirs, own) = (known.cart(&guest).await, known.cart(&customer).await);
    let of_another = known.cart(&other).await;
    let nothing = Uuid::now_v7().to_string();
    let is_one = async || {
        let (guest, customer) = (DataSubject(guest_id), DataSubject(customer_id));
        known.vault.is_of(guest, customer).await.unwrap()
    };
    let me = json!({ "customer_id": customer_id });
    for refused in [
        put(format!("/v1/carts/{of_another}/customer"), &me),
        put(format!("/v1/carts/{nothing}/customer"), &me),
        put(format!("/v1/orders/{nothing}/customer"), &me),
        post(format!("/v1/carts/{own}/merge"), &json!({ "from": of_another })),
        post(format!("/v1/carts/{own}/merge"), &json!({ "from": nothing })),
    ] {
        let said = known.send(&customer, refused.with("guest-token", &guest)).await;
        assert_eq!(said.status, StatusCode::NOT_FOUND, "{said:?}");
        assert!(!is_one().await, "{said:?}");
    }
    let merge = post(format!("/v1/carts/{own}/merge"), &json!({ "from": theirs }));
    known.done(&customer, merge.with("guest-token", &guest)).await;
    assert!(is_one().await);
}

/// Who was forgotten is told nothing more of: an address that the shop names for their order stays
/// nobody's but the one in it.
#[sqlx::test(migrations = "../migrations")]
async fn nobody_is_found_to_be_who_was_forgotten(db: PgPool) {
    let known = Known::open(&db);
    known.sell().await;
    let staff = known.staff().await;
    let id = Uuid::now_v7();
    let customer = known.token(Subject::Customer(CustomerId(id))).await;
    let home = known.address(&customer).await;
    let cart = known.cart(&customer).await;
    let order = known.check_out(&customer, &cart, &home).await.id();
    let insisting = json!({"despite_open_orders": true});
    known.done(&customer, post("/v1/people/me/forget", &insisting)).await;
    let nobodys = known.done(&staff, post("/v1/addresses", &json!({ "address": address() }))).await;
    let address_id: Uuid = nobodys.id().parse().unwrap();
    let there = put(format!("/v1/orders/{order}/address"), &json!({ "address_id": address_id }));
    let refused = known.send(&staff, there).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::GONE, "erased"), "{refused:?}");
    let linked = known.vault.is_of(DataSubject(address_id), DataSubject(id)).await.unwrap();
    assert!(!linked);
}
