//! What followers are sent, framed either way: server-sent events, or lines of JSON, each of which
//! is a message of a WebSocket ([`crate::socket`]).

use std::fmt::Write as _;

use bytes::Bytes;
use uuid::Uuid;

/// What a browser waits before it connects to a stream of events again, milliseconds.
const RECONNECT_MILLIS: u32 = 2_000;

/// How frames are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `id:`, `event:` and `data:`.
    ServerSent,
    /// `{"id":…,"event":…,"data":…}` and a line feed.
    Line,
}

/// Where a follower is: a position of a log. It goes on there.
#[derive(Clone, Copy, Debug)]
pub struct At(pub i64, pub Uuid);

impl Framing {
    /// What is sent first, with where the follower begins, if they would not find that again by
    /// themselves: who is cut off before anything happens goes on from there. A browser takes an
    /// id at the end of its block, also of one without data.
    pub fn greeting(self, at: Option<At>) -> Bytes {
        match (self, at) {
            (Self::ServerSent, None) => Bytes::from(format!("retry: {RECONNECT_MILLIS}\n\n")),
            (Self::ServerSent, Some(At(position, log_id))) => {
                Bytes::from(format!("retry: {RECONNECT_MILLIS}\nid: {position}.{log_id}\n\n"))
            }
            (Self::Line, at) => self.heartbeat(at),
        }
    }

    /// That somebody is there, with where the follower is, if that is known to be further than what
    /// was sent.
    pub fn heartbeat(self, at: Option<At>) -> Bytes {
        match (self, at) {
            (Self::ServerSent, None) => Bytes::from_static(b": heartbeat\n\n"),
            (Self::ServerSent, Some(At(position, log_id))) => {
                Bytes::from(format!(": heartbeat\nid: {position}.{log_id}\n\n"))
            }
            // The socket has its own, and a line of nothing is no message.
            (Self::Line, None) => Bytes::from_static(b"\n"),
            (Self::Line, Some(At(position, log_id))) => {
                Bytes::from(format!("{{\"id\":\"{position}.{log_id}\"}}\n"))
            }
        }
    }

    /// What is of that name, with JSON on one line.
    pub fn write(self, At(position, log_id): At, name: &str, json: &str, to: &mut Vec<u8>) {
        let mut head = String::with_capacity(128);
        // Writing to a string cannot fail.
        let _ = match self {
            Self::ServerSent => {
                write!(head, "id: {position}.{log_id}\nevent: {name}\ndata: ")
            }
            Self::Line => {
                write!(head, "{{\"id\":\"{position}.{log_id}\",\"event\":\"{name}\",\"data\":")
            }
        };
        to.extend_from_slice(head.as_bytes());
        to.extend_from_slice(json.as_bytes());
        to.extend_from_slice(match self {
            Self::ServerSent => b"\n\n".as_slice(),
            Self::Line => b"}\n".as_slice(),
        });
    }

    /// The last thing that is sent, under the code of a problem, which is JSON on one line.
    pub fn end(self, code: &str, json: &str) -> Bytes {
        Bytes::from(match self {
            Self::ServerSent => format!("event: {code}\ndata: {json}\n\n"),
            Self::Line => format!("{{\"event\":\"{code}\",\"data\":{json}}}\n"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let (at, mut events, mut lines) = (At(7, Uuid::nil()), Vec::new(), Vec::new());
        Framing::ServerSent.write(at, "order.placed", r#"{"a":1}"#, &mut events);
        let id = format!("7.{}", Uuid::nil());
        let told = format!("id: {id}\nevent: order.placed\ndata: {{\"a\":1}}\n\n");
        assert_eq!(String::from_utf8(events).unwrap(), told);
        Framing::Line.write(at, "order.placed", r#"{"a":1}"#, &mut lines);
        let line: Value = serde_json::from_slice(&lines).unwrap();
        assert_eq!(line, json!({"id": id, "event": "order.placed", "data": {"a": 1}}));
        let at: Value = serde_json::from_slice(&Framing::Line.heartbeat(Some(at))).unwrap();
        assert_eq!(at, json!({"id": id}));
        let begins = Some(At(7, Uuid::nil()));
        let greeting = format!("retry: {RECONNECT_MILLIS}\nid: {id}\n\n");
        assert_eq!(Framing::ServerSent.greeting(begins), greeting);
        assert_eq!(Framing::Line.greeting(begins), Framing::Line.heartbeat(begins));
        let end: Value = serde_json::from_slice(&Framing::Line.end("another_log", "{}")).unwrap();
        assert_eq!(end, json!({"event": "another_log", "data": {}}));
    }
}
