//! The events of the log, described: JSON Schemas of what stands in a line of it, and an `AsyncAPI`
//! document of where they are heard.

use domain::Event;
use event_store::RawEvent;
use event_store::jetstream::OVERSIZED;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use service::openapi::JSON_SCHEMA;

use crate::socket::PROTOCOL;

/// Where the schemas lie, and where the other document does.
pub const SCHEMAS: &str = "/events.schema.json";
/// See [`asyncapi`].
pub const ASYNCAPI: &str = "/asyncapi.json";

/// The schemas: any event, and by its name each of them as it is written today.
pub fn schemas() -> Value {
    let (events, mut all) = described("#/$defs/");
    let any: Vec<Value> =
        events.iter().map(|(name, _)| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    all.extend(events.into_iter().map(|(name, event)| (name, event.schema)));
    json!({
        "$schema": JSON_SCHEMA,
        "$id": "urn:commerce-engine:events",
        "title": "Events of the log",
        "description": "An event as it is written today. What is stored is never edited: `schema` \
                        counts the shapes that the `data` of a `type` has had, and an older event \
                        has a lower number, and may lack what came with a later one.",
        "oneOf": any,
        "$defs": sorted(all),
    })
}

/// Where events are heard, and what they say.
pub fn asyncapi() -> Value {
    let (events, schemas) = described("#/components/schemas/");
    let mut messages = Map::new();
    let mut by_name = Map::new();
    for (name, event) in events {
        by_name.insert(name.clone(), json!({ "$ref": format!("#/components/messages/{name}") }));
        messages.insert(
            name,
            json!({
                "name": event.kind, "title": event.kind, "summary": event.summary,
                "contentType": "application/json", "payload": event.schema,
            }),
        );
    }
    let heard = |channel: &str| {
        let place =
            |name: &String| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") });
        by_name.keys().map(place).collect::<Vec<Value>>()
    };
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Events",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything that happens in a shop, in one order: each event has its \
                            `position`, 1, 2, 3 … without gaps. It is heard at least once; who \
                            has seen all up to a position has seen it.",
            "license": { "name": "Apache-2.0" },
        },
        "servers": {
            "nats": {
                "host": "127.0.0.1:4222", "protocol": "nats",
                "description": "NATS JetStream; its sequence is the position.",
            },
            "query-api": {
                "host": "127.0.0.1:8081", "protocol": "http",
                "description": "Server-sent events, and exports as lines of JSON.",
            },
            "sockets": {
                "host": "127.0.0.1:8081", "protocol": "ws",
                "description": format!(
                    "WebSockets of query-api. Who cannot set headers names the protocols \
                     `{PROTOCOL}` and `bearer.<token>`."
                ),
            },
        },
        "channels": channels(&by_name),
        "operations": {
            "hearLog": {
                "action": "send", "channel": { "$ref": "#/channels/log" },
                "summary": "The log as messages.", "messages": heard("log"),
            },
            "followLog": {
                "action": "send", "channel": { "$ref": "#/channels/live" },
                "summary": "The log live.", "messages": heard("live"),
            },
            "followLogBySocket": {
                "action": "send", "channel": { "$ref": "#/channels/liveSocket" },
                "summary": "The log live, over a WebSocket.",
            },
            "followOrderBySocket": {
                "action": "send", "channel": { "$ref": "#/channels/orderSocket" },
                "summary": "An order live, over a WebSocket.",
            },
        },
        "components": { "messages": messages, "schemas": sorted(schemas) },
    })
}

/// A message of a WebSocket, whose data is that of a server-sent event.
fn of_socket(name: &str, summary: &str, event: &str) -> Value {
    json!({
        "name": name, "title": name, "summary": summary, "contentType": "application/json",
        "payload": {
            "type": "object",
            "properties": {
                "id": {
                    "type": "string",
                    "description": "Where to go on, as `last_event_id`. Alone, as in the first \
                                    message of the log, it says that nothing that was asked for \
                                    happened up to there.",
                },
                "event": { "type": "string", "description": event },
                "data": { "type": "object" },
            },
        },
    })
}

/// What a client says when it opens one.
fn query_of_socket(more: Value) -> Value {
    let mut properties = json!({ "last_event_id": { "type": "string" } });
    if let (Value::Object(properties), Value::Object(more)) = (&mut properties, more) {
        properties.extend(more);
    }
    json!({
        "ws": {
            "method": "GET",
            "query": { "type": "object", "properties": properties },
            "bindingVersion": "0.1.0",
        },
    })
}

fn channels(messages: &Map<String, Value>) -> Value {
    let text = json!({ "type": "string" });
    json!({
        "liveSocket": {
            "address": "/v1/events/ws",
            "description": "As `live`, each a message of text. Nothing is taken in return.",
            "servers": [{ "$ref": "#/servers/sockets" }],
            "messages": {
                "event": of_socket(
                    "event",
                    "An event of the log.",
                    "Its `type`; or the code of the problem that `data` is, which is the end.",
                ),
            },
            "bindings": query_of_socket(
                json!({ "after": text, "until": text, "limit": text, "types": text })
            ),
        },
        "orderSocket": {
            "address": "/v1/orders/{id}/live/ws",
            "description": "As `/v1/orders/{id}/live`, each a message of text.",
            "servers": [{ "$ref": "#/servers/sockets" }],
            "parameters": { "id": { "description": "Which order." } },
            "messages": {
                "order": of_socket("order", "The order's document.", "`order`."),
            },
            "bindings": query_of_socket(json!({})),
        },
        "log": {
            "address": "commerce.events.{slot}.{type}",
            "description": format!(
                "A message an event. One that is too large for NATS has the header `{OVERSIZED}` \
                 and is read from query-api."
            ),
            "servers": [{ "$ref": "#/servers/nats" }],
            "parameters": {
                "slot": { "description": "0 to 255: what is read together shares one." },
                "type": { "description": "The `type` of the event, as in `order.placed`." },
            },
            "messages": messages,
        },
        "live": {
            "address": "/v1/events",
            "description": "With `Accept: text/event-stream`. The `id` of each is its position \
                            and its log; `Last-Event-ID` goes on there.",
            "servers": [{ "$ref": "#/servers/query-api" }],
            "messages": messages,
        },
    })
}

/// An event, described.
struct Described {
    kind: &'static str,
    summary: String,
    schema: Value,
}

/// Each event by the name of its schema, and what they have in common, which lies at `place`.
fn described(place: &'static str) -> (Vec<(String, Described)>, Map<String, Value>) {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = place.trim_start_matches('#').into();
        settings.meta_schema = None;
    });
    let mut generator = settings.for_serialize().into_generator();
    let envelope = <RawEvent as schemars::JsonSchema>::json_schema(&mut generator).to_value();
    let events = Event::schemas(&mut generator).into_iter().map(|(kind, schema, data)| {
        let mut event = envelope.clone();
        let data = data.to_value();
        let text = data["description"].as_str().unwrap_or_default();
        let summary = text.split("\n\n").next().unwrap_or_default().to_owned();
        event["description"] = json!(summary);
        event["properties"]["stream"] = stream(kind);
        event["properties"]["type"] = json!({ "const": kind });
        event["properties"]["schema"] = json!({ "const": schema });
        event["properties"]["data"] = data;
        (name(kind), Described { kind, summary, schema: event })
    });
    let events = events.collect();
    (events, generator.take_definitions(true))
}

/// What an event of this type happened to, which its data do not say again.
fn stream(kind: &str) -> Value {
    let of = kind.split('.').next().unwrap_or_default();
    let id = match of {
        "stock" | "sku" => "the SKU",
        "location" => "its code",
        _ => "its id",
    };
    json!({
        "type": "string",
        "pattern": format!("^{of}-."),
        "description": format!("What it happened to: `{of}-` and {id}."),
    })
}

/// The name of an event's schema: `PaymentRequestFailed`.
fn name(kind: &str) -> String {
    let words = kind.split(['.', '_']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}

fn sorted(all: Map<String, Value>) -> Map<String, Value> {
    let all: std::collections::BTreeMap<String, Value> = all.into_iter().collect();
    all.into_iter().collect()
}
