//! Examples of bodies: all that may be said, with the words that their schemas give.

use serde_json::{Map, Value, json};

/// How deep a schema may lie within others that are shown.
const DEPTH_MAX: usize = 8;

/// Gives each body that a document knows an example.
pub fn fill(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for operation in operations {
        let Some(body) = operation.pointer_mut("/requestBody/content/application~1json") else {
            continue;
        };
        if let Some(example) = of(&body["schema"], &schemas, 0) {
            body["example"] = example;
        }
    }
}

/// Something that a schema allows.
fn of(schema: &Value, schemas: &Value, depth: usize) -> Option<Value> {
    if depth > DEPTH_MAX {
        return None;
    }
    let deeper = |schema: &Value| of(schema, schemas, depth + 1);
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
        return deeper(&schemas[name]);
    }
    if let Some(example) = schema["examples"].get(0).or_else(|| schema.get("const")) {
        return Some(example.clone());
    }
    if let Some(first) = schema["enum"].get(0) {
        return Some(first.clone());
    }
    for choice in ["anyOf", "oneOf", "allOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return choices.iter().find(|choice| choice["type"] != "null").and_then(deeper);
        }
    }
    match kind(schema)? {
        "object" => object(schema, deeper),
        "array" => Some(deeper(&schema["items"]).into_iter().collect()),
        "string" => Some(text(schema["format"].as_str())),
        "integer" | "number" => Some(json!(schema["minimum"].as_i64().unwrap_or(1).max(1))),
        "boolean" => Some(json!(true)),
        _ => None,
    }
}

fn kind(schema: &Value) -> Option<&str> {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
        kind => kind.as_str(),
    }
}

/// All members but those that say yes or no where they need not.
fn object(schema: &Value, example: impl Fn(&Value) -> Option<Value>) -> Option<Value> {
    let is_needed = |name: &str| {
        schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
    };
    let mut members = Map::new();
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if is_needed(name) || kind(member) != Some("boolean") {
            members.insert(name.clone(), example(member)?);
        }
    }
    Some(members.into())
}

fn text(format: Option<&str>) -> Value {
    match format {
        Some("uuid") => json!("0190d000-0000-7000-8000-00000000aaaa"),
        Some("date-time") => json!("2026-01-31T12:00:00Z"),
        Some("date") => json!("2026-01-31"),
        _ => json!("text"),
    }
}
