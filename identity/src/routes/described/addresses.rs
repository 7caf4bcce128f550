//! Where orders go, and to whom.

use axum::http::Method;
use service::openapi::Description;
use service::paging::Page;

use super::{BODY, JSON, KEPT, PAGED, PRIVATE, by_id, of, which};
use crate::routes::addresses::{Address, NewAddress, Whose};

const TAG: &str = "address";

pub(super) fn describe(document: &mut Description) {
    document.tag(TAG, "Where orders go. One does not change: another address is another one.");
    let new = document.input::<NewAddress>();
    let one = document.output::<Address>();
    let all = document.output::<Page<Address>>();
    let made = ["Cache-Control", "Location"];
    for operation in [
        of(Method::POST, "/v1/addresses", "address.create", TAG)
            .text("Keeps an address: a shopper's own, or whose the shop says.")
            .body(JSON, &new, true)
            .answer(201, "It is kept.", Some((JSON, &one)), &made)
            .link(201, "address.read", &by_id(), None)
            .link(201, "address.remove", &by_id(), None)
            .refused(&BODY)
            .refuses(KEPT),
        of(Method::GET, "/v1/addresses", "address.list", TAG)
            .text(
                "A shopper's own addresses, the newest first; for the shop, those of who is named.",
            )
            .query::<Whose>(document)
            .answer(200, "A page of them.", Some((JSON, &all)), PAGED)
            .refused(&[400])
            .refuses(KEPT),
        which(of(Method::GET, "/v1/addresses/{id}", "address.read", TAG))
            .text("An address, for whose it is and the shop. Of who was forgotten it is gone.")
            .answer(200, "It.", Some((JSON, &one)), PRIVATE)
            .refuses(KEPT),
        which(of(Method::DELETE, "/v1/addresses/{id}", "address.remove", TAG))
            .text("Takes an address out of a shopper's list. Orders that go there still do.")
            .answer(204, "It is in the list no more.", None, &[])
            .refuses(KEPT),
    ] {
        document.add(operation);
    }
}
