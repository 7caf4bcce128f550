//! Messages on the bus, as the feed reads them: needs no server.

use event_store::feed;
use proptest::prelude::*;
use serde_json::{Value, json};

fn sent(position: i64) -> Value {
    json!({
        "position": position,
        "stream": "cart-0190d000-0000-7000-8000-000000000001",
        "version": 1,
        "type": "cart.abandoned",
        "schema": 1,
        "slot": 17,
        "occurred_at": "2026-09-21T14:13:20Z",
        "recorded_at": "2026-09-21T14:13:20.123456Z",
        "metadata": { "command": "c:key" },
        "data": {},
    })
}

#[test]
fn an_event_is_read_in_its_own_place_only() {
    let payload = sent(7).to_string();
    let event = feed::event(7, payload.as_bytes()).unwrap();
    assert_eq!((event.position, event.kind.as_str()), (7, "cart.abandoned"));
    assert!(event.decode().is_ok());
    for sequence in [6, 8, i64::MIN, i64::MAX] {
        let malformed = feed::event(sequence, payload.as_bytes()).unwrap_err();
        assert_eq!(malformed.sequence, sequence);
        assert!(malformed.reason.contains("position 7"), "{malformed:?}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("2026-09-21T14:13:20+02:00")),
        Just(json!("cart-")),
        Just(json!([[]])),
        Just(json!({ "command": 1 })),
    ]
}

proptest! {
    #[test]
    fn whatever_is_read_can_be_sent_again(
        position: i64,
        member: prop::sample::Index,
        value in any_value(),
        rubbish: Vec<u8>,
    ) {
        prop_assert!(feed::event(position, &rubbish).is_err());
        let mut message = sent(position);
        let members: Vec<String> = message.as_object().unwrap().keys().cloned().collect();
        message[member.get(&members)] = value;
        if let Ok(event) = feed::event(position, message.to_string().as_bytes()) {
            let again = feed::event(position, &serde_json::to_vec(&event).unwrap()).unwrap();
            let written = serde_json::to_value(&again).unwrap();
            prop_assert_eq!(written, serde_json::to_value(&event).unwrap());
            prop_assert_eq!(again.decode().ok(), event.decode().ok());
        }
    }
}
