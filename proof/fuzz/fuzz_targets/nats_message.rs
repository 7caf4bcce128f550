//! The payload of a message on the bus, as the feed reads it.

#![no_main]

use event_store::feed;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let said = serde_json::from_slice::<Value>(data).ok();
    let said = said.and_then(|event| event.get("position")?.as_i64());
    let sequence = said.unwrap_or(1);
    let Ok(event) = feed::event(sequence, data) else { return };
    assert_eq!(event.position, sequence);
    assert!(feed::event(sequence.wrapping_add(1), data).is_err(), "in another's place");

    let sent = serde_json::to_vec(&event).expect("an event can be sent");
    let again = feed::event(sequence, &sent).expect("and is an event again");
    assert_eq!(serde_json::to_vec(&again).expect("an event can be sent"), sent);
    let (read, again) = (event.decode(), again.decode());
    match (read, again) {
        (Ok(read), Ok(again)) => assert_eq!(read, again),
        (Err(_), Err(_)) => {}
        (read, again) => panic!("read differently when sent again: {read:?}, {again:?}"),
    }
});
