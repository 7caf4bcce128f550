//! The log through NATS, and what happens when something on the bus is no event.

use event_store::tail::Tail;
use kit_log::eventually;
use projector::working::worker::{self, Context, Readers};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::shop::{Shop, documents, id, projection};

#[sqlx::test(migrations = "../migrations")]
async fn a_message_that_is_no_event_is_kept_and_read_from_the_log(db: PgPool) {
    let shop = Shop::open(&db);
    let client = async_nats::connect(harness::required("NATS_URL")).await.unwrap();
    let bus = async_nats::jetstream::new(client);
    let stream_name = format!("test{}", id().simple());
    let (relaying, stop) = (CancellationToken::new(), CancellationToken::new());
    let relay =
        event_store::relay::run(db.clone(), bus.clone(), stream_name.clone(), relaying.clone());
    let relay = tokio::spawn(relay);
    shop.cart().await;
    shop.cart().await;
    let published = async || match bus.get_stream(&stream_name).await {
        Ok(mut stream) => stream.info().await.is_ok_and(|info| info.state.last_sequence == 2),
        Err(_) => false,
    };
    eventually("both events are published", published).await;
    relaying.cancel();
    relay.await.unwrap();

    let context = Context {
        db: db.clone(),
        tail: Tail::start(db.clone(), Some(bus.clone()), stream_name.clone()),
        bus: None,
        owner: "test".to_owned(),
        stop: stop.clone(),
    };
    let worker = tokio::spawn(worker::run(context, projection("carts"), Readers::default()));
    eventually("two carts are seen", async || documents(&db, "carts").await.len() == 2).await;

    let subject = format!("{stream_name}.events.0.cart.created");
    bus.publish(subject, "no event at all".into()).await.unwrap().await.unwrap();
    shop.cart().await;
    eventually("the third cart is seen", async || documents(&db, "carts").await.len() == 3).await;
    let sequences = async || {
        sqlx::query_scalar::<_, i64>("SELECT sequence FROM parked_messages")
            .fetch_all(&db)
            .await
            .unwrap()
    };
    eventually("the message is kept", async || sequences().await == [3]).await;
    shop.cart().await;
    eventually("the log goes on", async || documents(&db, "carts").await.len() == 4).await;

    stop.cancel();
    worker.await.unwrap().unwrap();
    bus.delete_stream(&stream_name).await.unwrap();
}
