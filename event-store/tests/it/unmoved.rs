//! Commands that expect other streams to be where their caller read them.

use domain::{CartId, StreamId};
use event_store::{Outcome, Request};
use futures::future::join_all;
use sqlx::PgPool;

use crate::support::{accept, add, cart_id, code, create_cart, on_sale, receive, request, writer};

/// Other streams may be expected too; the refusal names all that have moved on.
#[sqlx::test(migrations = "../migrations")]
async fn other_streams_are_judged_in_the_decision(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    let carts = [(); 3].map(|()| cart_id());
    for cart in carts {
        accept(&writers[0], create_cart(cart)).await;
    }
    on_sale(&writers[0], "TOTE", 0).await;
    let asking = |unmoved: &[(CartId, i64)]| {
        let stream = |(cart, version): &(CartId, i64)| (StreamId::Cart(*cart), *version);
        Request { unmoved: unmoved.iter().map(stream).collect(), ..request(receive("TOTE")) }
    };
    let unmoved = asking(&[(carts[0], 1), (carts[1], 1), (cart_id(), 0)]);
    // Neither of the writers knows from where the other has brought the streams.
    for writer in &writers {
        assert_eq!(code(&writer.submit(unmoved.clone()).await.unwrap()), "accepted");
    }
    accept(&writers[0], add(carts[0], "TOTE", 1)).await;
    accept(&writers[1], add(carts[1], "TOTE", 1)).await;
    for writer in &writers {
        let refused = writer.submit(asking(&[(carts[2], 1), (carts[0], 1), (carts[1], 7)])).await;
        let refused = refused.unwrap();
        assert_eq!(code(&refused), "document_changed");
        let Outcome::Refused(refusal) = refused.outcome else { panic!("accepted") };
        let moved = [(carts[0], 1), (carts[1], 7)].map(|(cart, expected)| {
            serde_json::json!({"stream": format!("cart-{cart}"), "expected": expected, "actual": 2})
        });
        assert_eq!(refusal.figures()["moved"], serde_json::json!(moved));
    }
}

/// The other streams move while commands that expect them not to are under way, over two processes:
/// whatever is accepted was appended before they moved.
#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_appended_after_what_it_expects_has_moved(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    on_sale(&writers[0], "TOTE", 0).await;
    for _ in 0..20 {
        let cart = cart_id();
        accept(&writers[0], create_cart(cart)).await;
        let tries = (0..20).map(|n| {
            let unmoved = vec![(StreamId::Cart(cart), 1)];
            writers[n % 2].submit(Request { unmoved, ..request(receive("TOTE")) })
        });
        let (tries, moved) =
            tokio::join!(join_all(tries), accept(&writers[1], add(cart, "TOTE", 1)));
        for answer in tries.into_iter().map(Result::unwrap) {
            let is_before = answer.position < moved.position;
            assert_eq!(code(&answer) == "accepted", is_before, "{answer:?}, {moved:?}");
        }
    }
}
