//! Refusals under a key: those that pass are decided anew, the others are kept and told for ever.

use domain::OrderId;
use event_store::{Outcome, Request, SubmitError};
use futures::future::join_all;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{
    accept, add, adjust, assert_contiguous, cart_id, check_out, code, create_cart, keyed, on_sale,
    receive, writer,
};

/// It is decided anew until it is allowed, and from then on its answer stays: also where deciding
/// once more would come to a refusal that is not kept, and whichever process is asked.
#[sqlx::test(migrations = "../migrations")]
async fn a_refusal_that_passes_is_not_kept(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    on_sale(&writers[0], "TOTE", 0).await;
    let carts = [cart_id(), cart_id()];
    for cart in carts {
        accept(&writers[0], create_cart(cart)).await;
        accept(&writers[0], add(cart, "TOTE", 1)).await;
    }
    for writer in &writers {
        let refused = writer.submit(keyed("k", check_out(carts[0]))).await.unwrap();
        assert_eq!((code(&refused), refused.replayed), ("checkout_refused", false));
    }
    accept(&writers[0], receive("TOTE")).await;
    let take = || adjust("TOTE", -1);
    let taken = writers[0].submit(keyed("take", take())).await.unwrap();
    // Nothing is left: decided anew this would be refused for now.
    for writer in writers.iter().chain([&writer(&db)]) {
        let again = writer.submit(keyed("take", take())).await.unwrap();
        assert_eq!((code(&again), again.replayed), ("accepted", true));
        assert_eq!((&again.outcome, again.position), (&taken.outcome, taken.position));
        let other = Request { fingerprint: Uuid::max(), ..keyed("take", take()) };
        assert_eq!(writer.submit(other).await, Err(SubmitError::KeyReused));
    }
    accept(&writers[1], receive("TOTE")).await;
    let bought = writers[1].submit(keyed("k", check_out(carts[0]))).await.unwrap();
    assert_eq!((code(&bought), bought.replayed), ("accepted", false));
    let again = writers[0].submit(keyed("k", check_out(carts[0]))).await.unwrap();
    assert!(again.replayed && again.outcome == bought.outcome);
    assert_contiguous(&db).await;
}

/// Many at once under one key, over two processes, while the units come in: those before are told
/// no, one buys, and all after it hear of that.
#[sqlx::test(migrations = "../migrations")]
async fn retries_of_what_passes_take_effect_once(db: PgPool) {
    let writers = [writer(&db), writer(&db)];
    on_sale(&writers[0], "TOTE", 0).await;
    let cart = cart_id();
    accept(&writers[0], create_cart(cart)).await;
    accept(&writers[0], add(cart, "TOTE", 1)).await;
    let order = OrderId(Uuid::now_v7());
    let buy = |n: usize| writers[n % 2].submit(keyed("k", kit::check_out(cart, order)));
    let (tries, _) =
        tokio::join!(join_all((0..100).map(buy)), accept(&writers[0], receive("TOTE")));
    let last = buy(0).await.unwrap();
    assert_eq!(code(&last), "accepted");
    for answer in tries.into_iter().map(Result::unwrap) {
        assert!(
            answer.outcome == last.outcome || code(&answer) == "checkout_refused",
            "{answer:?}"
        );
    }
    let placed = "SELECT count(*) FROM events WHERE type = 'order.placed'";
    assert_eq!(sqlx::query_scalar::<_, i64>(placed).fetch_one(&db).await.unwrap(), 1);
}

/// A row of another program, with a refusal that this one does not know, and one that nobody knows.
#[sqlx::test(migrations = "../migrations")]
async fn what_was_kept_is_answered_whatever_has_become_of_the_enums(db: PgPool) {
    let insert = r#"INSERT INTO commands VALUES
        ('old', $1, '{"refused":{"code":"quince_too_ripe","kind":"philosophical",
                      "detail":"wait no longer","figures":{"days":3}}}', 7, now()),
        ('odd', $1, '{"postponed":{}}', 7, now())"#;
    sqlx::query(insert).bind(Uuid::nil()).execute(&db).await.unwrap();
    let writer = writer(&db);
    let commands =
        ["old", "odd", "new"].map(|key| writer.submit(keyed(key, create_cart(cart_id()))));
    let [old, odd, new] = join_all(commands).await.try_into().unwrap();
    let old = old.unwrap();
    assert_eq!((code(&old), old.position, old.replayed), ("quince_too_ripe", 7, true));
    let Outcome::Refused(refusal) = &old.outcome else { panic!("{old:?}") };
    assert_eq!(
        (refusal.to_string().as_str(), &refusal.figures()["days"]),
        ("wait no longer", &3.into())
    );
    assert!(matches!(odd, Err(SubmitError::AnswerUnreadable { .. })), "{odd:?}");
    assert_eq!(code(&new.unwrap()), "accepted");
}
