//! What a writer has just appended, and the relay beside it.

use std::time::Duration;

use async_nats::jetstream::Context;
use domain::ProductId;
use event_store::at_hand::{AtHand, Lot};
use event_store::jetstream::Limits;
use event_store::{RawEvent, Request, Writer, read, relay};
use futures::StreamExt as _;
use sqlx::PgPool;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{accept, bus, cart_id, create_cart, create_product, log_id, writer};

/// How long the relay is waited for.
const PATIENCE: Duration = Duration::from_mins(1);

/// A relay at work that takes what is put there: it has published one event.
async fn relay_beside(
    at_hand: &AtHand,
    writer: &Writer,
    bus: &Context,
    name: &str,
) -> CancellationToken {
    let db = writer.db().clone();
    let relay = relay::Relay::new(db, bus.clone(), name.to_owned(), Limits::default());
    let stop = CancellationToken::new();
    tokio::spawn(relay.beside(at_hand.clone()).run(stop.clone()));
    soon("made", async || bus.get_stream(name).await.is_ok()).await;
    // It stands by until there is something to do.
    accept(writer, create_cart(cart_id())).await;
    soon("wanted", async || at_hand.is_wanted()).await;
    stop
}

/// Waits until it is so.
async fn soon(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect(what);
}

/// The payloads of the stream's first messages, once they are there.
async fn payloads(bus: &Context, name: &str, count: u64) -> Vec<String> {
    let mut stream = bus.get_stream(name).await.unwrap();
    soon("published", async || stream.info().await.unwrap().state.last_sequence >= count).await;
    let mut payloads = Vec::new();
    for sequence in 1..=count {
        let message = stream.get_raw_message(sequence).await.unwrap();
        payloads.push(String::from_utf8(message.payload.to_vec()).unwrap());
    }
    payloads
}

#[sqlx::test(migrations = "../migrations")]
async fn it_is_published_as_the_log_holds_it(db: PgPool) {
    let (bus, name) = bus().await;
    let writer = writer(&db);
    let stop = relay_beside(&writer.at_hand(), &writer, &bus, &name).await;
    let variant = kit::variant("tote", &[kit::eur("19.990")]);
    let product = create_product(ProductId(Uuid::now_v7()), vec![variant]);
    for at in ["2026-11-28T12:00:00.123456789Z", "1999-12-31T23:59:59.999999999Z"] {
        let request = Request {
            correlation_id: Some(Uuid::now_v7()),
            actor: Some("K\u{e4}se \"\u{1f9c0}\" \\ \u{2028}\n".to_owned()),
            ..Request::new(create_cart(cart_id()), at.parse().unwrap())
        };
        kit_log::accept(&writer, request).await;
    }
    accept(&writer, product).await;
    let events = read::after(&db, 0, 10).await.unwrap();
    let held: Vec<String> =
        events.iter().map(|event| serde_json::to_string(event).unwrap()).collect();
    assert_eq!(payloads(&bus, &name, held.len() as u64).await, held);
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}

/// The log has nothing of it, which no writer would do.
#[sqlx::test(migrations = "../migrations")]
async fn the_log_is_not_read_for_it(db: PgPool) {
    let (bus, name) = bus().await;
    let client = async_nats::connect(harness::required("NATS_URL")).await.unwrap();
    let mut published = client.subscribe(format!("{name}.events.>")).await.unwrap();
    // Once this is answered, NATS knows of the subscription: it came before on the same connection.
    let _ = async_nats::jetstream::new(client).get_stream(&name).await;
    let (writer, at_hand) = (writer(&db), AtHand::default());
    let stop = relay_beside(&at_hand, &writer, &bus, &name).await;
    let mut event = read::after(&db, 0, 1).await.unwrap().remove(0);
    event.position = 2;
    at_hand.put(Lot { log_id: log_id(&db).await, events: vec![event.clone()] });
    let mut position = async || {
        let message = published.next().await.unwrap();
        serde_json::from_slice::<RawEvent>(&message.payload).unwrap().position
    };
    let heard = timeout(PATIENCE, async { while position().await != 2 {} });
    heard.await.expect("published");
    stop.cancel();
    let _ = bus.delete_stream(&name).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_missing_is_read_and_what_is_known_is_passed_by(db: PgPool) {
    let (bus, name) = bus().await;
    let (writer, at_hand) = (writer(&db), AtHand::default());
    let stop = relay_beside(&at_hand, &writer, &bus, &name).await;
    for _ in 0..3 {
        accept(&writer, create_cart(cart_id())).await;
    }
    // Late, out of order, and again.
    let events = read::after(&db, 0, 10).await.unwrap();
    for part in [&events[2..3], &events[..2], &events[1..], &events[3..]] {
        at_hand.put(Lot { log_id: log_id(&db).await, events: part.to_vec() });
    }
    accept(&writer, create_cart(cart_id())).await;
    for (sequence, payload) in (1..).zip(payloads(&bus, &name, 5).await) {
        assert_eq!(serde_json::from_str::<RawEvent>(&payload).unwrap().position, sequence);
    }
    stop.cancel();
    bus.delete_stream(&name).await.unwrap();
}
