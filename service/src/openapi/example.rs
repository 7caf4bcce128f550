//! Examples of bodies and answers: all that may be said, with the words that their schemas give. A
//! type whose schema has an example of all of it is shown as that.

use serde_json::{Map, Value, json};

/// How deep a schema may lie within others that are shown.
const DEPTH_MAX: usize = 8;

/// Gives each body and each good answer that a document knows an example.
pub fn fill(document: &mut Value) {
    let schemas = document["components"]["schemas"].clone();
    let operations = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = operations.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for operation in operations {
        if let Some(body) = operation.pointer_mut("/requestBody/content/application~1json") {
            show(body, &schemas);
        }
        let answers = operation["responses"].as_object_mut().into_iter().flatten();
        let good = answers.filter(|(status, _)| status.starts_with('2'));
        let content = good.filter_map(|(_, answer)| answer.get_mut("content")?.as_object_mut());
        content.flat_map(Map::values_mut).for_each(|content| show(content, &schemas));
    }
}

/// Of lines, one of them.
fn show(content: &mut Value, schemas: &Value) {
    let example = match content["schema"].get("contentSchema") {
        Some(line) => of(line, schemas, 0).map(|line| format!("{line}\n").into()),
        None => of(&content["schema"], schemas, 0),
    };
    if let Some(example) = example {
        content["example"] = example;
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
    if let Some(parts) = schema["allOf"].as_array() {
        // Beside a choice, what need not be there is left out: not all that may be chosen has it.
        let is_choice = |part: &&Value| part.get("anyOf").or_else(|| part.get("oneOf")).is_some();
        let has_choice = parts.iter().any(|part| is_choice(&part));
        let parts = parts
            .iter()
            .filter(|part| !has_choice || is_choice(part) || part.get("required").is_some());
        let parts = parts.map(|part| match deeper(part)? {
            Value::Object(members) => Some(members),
            _ => None,
        });
        let all: Option<Vec<Map<String, Value>>> = parts.collect();
        return all.map(|all| all.into_iter().flatten().collect::<Map<_, _>>().into());
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return choices.iter().find(|choice| choice["type"] != "null").and_then(deeper);
        }
    }
    if *schema == json!(true) || *schema == json!({}) {
        return Some(json!({}));
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
        match example(member) {
            Some(_) if !is_needed(name) && kind(member) == Some("boolean") => {}
            Some(example) => drop(members.insert(name.clone(), example)),
            None if is_needed(name) => return None,
            None => {}
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
