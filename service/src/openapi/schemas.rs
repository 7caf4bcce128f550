//! The schemas of a document: of each type what is read as one, and what is written.
//!
//! The two often differ: a member that may be left out is there in what is written. Where they do,
//! the first is called `…Input`.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value};

/// Where schemas lie in a document, and where those of inputs do until it is finished.
const SCHEMAS: &str = "#/components/schemas/";
const INPUTS: &str = "#/components/inputs/";

/// What was taken in so far.
pub struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
    /// Those with names of their own.
    named: Map<String, Value>,
}

impl Default for Schemas {
    fn default() -> Self {
        Self::new()
    }
}

impl Schemas {
    /// None.
    pub fn new() -> Self {
        let settings = |path: &'static str| {
            SchemaSettings::draft2020_12()
                .with(|settings| {
                    settings.definitions_path = path.trim_start_matches('#').into();
                    settings.meta_schema = None;
                })
                .with_transform(bounded)
        };
        Self {
            read: settings(INPUTS).for_deserialize().into_generator(),
            written: settings(SCHEMAS).for_serialize().into_generator(),
            named: Map::new(),
        }
    }

    /// What is read as a `T`.
    pub fn input<T: JsonSchema>(&mut self) -> Value {
        self.read.subschema_for::<T>().to_value()
    }

    /// What is written as a `T`.
    pub fn output<T: JsonSchema>(&mut self) -> Value {
        self.written.subschema_for::<T>().to_value()
    }

    /// What is read as a `T`, under a name of its own.
    pub fn input_named<T: JsonSchema>(&mut self, name: &str) -> Value {
        let schema = self.read_whole::<T>();
        self.named(name, schema)
    }

    /// What is read as a `T`, all of it here and under no name.
    pub fn read_whole<T: JsonSchema>(&mut self) -> Value {
        let mut schema = T::json_schema(&mut self.read);
        bounded(&mut schema);
        schema.to_value()
    }

    /// A schema under a name.
    pub fn named(&mut self, name: &str, schema: Value) -> Value {
        self.named.insert(name.to_owned(), schema);
        serde_json::json!({ "$ref": format!("{SCHEMAS}{name}") })
    }

    /// What lies under a name of its own.
    pub fn of(&self, reference: &Value) -> Value {
        let name = reference["$ref"].as_str().and_then(|place| place.strip_prefix(SCHEMAS));
        name.and_then(|name| self.named.get(name)).cloned().unwrap_or_default()
    }

    /// Changes what is read under a name.
    pub fn amend(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        if let Some(schema) = self.read.definitions_mut().get_mut(name) {
            change(schema);
        }
    }

    /// All of them by name, with what refers to them in `document` put right.
    pub fn finish(mut self, document: &mut Value) -> Map<String, Value> {
        let mut read = self.read.take_definitions(true);
        let mut all = self.written.take_definitions(true);
        let apart = apart(&read, &all);
        let names: BTreeSet<String> = read.keys().cloned().collect();
        let rename = |value: &mut Value| {
            for name in &names {
                let suffix = if apart.contains(name) { "Input" } else { "" };
                refer(value, &format!("{INPUTS}{name}"), &format!("{SCHEMAS}{name}{suffix}"));
            }
        };
        for (name, schema) in &mut read {
            rename(schema);
            let suffix = if apart.contains(name) { "Input" } else { "" };
            all.insert(format!("{name}{suffix}"), schema.take());
        }
        for (name, mut schema) in self.named {
            rename(&mut schema);
            all.insert(name, schema);
        }
        rename(document);
        // By name, for readers and for differences.
        let sorted: std::collections::BTreeMap<_, _> = all.into_iter().collect();
        sorted.into_iter().collect()
    }
}

/// The names under which something else is read than written, by themselves or by what they hold.
fn apart(read: &Map<String, Value>, written: &Map<String, Value>) -> BTreeSet<String> {
    let mut apart = BTreeSet::new();
    let alike = |value: &Value| value.to_string().replace(INPUTS, SCHEMAS);
    for (name, schema) in read {
        if written.get(name).is_some_and(|written| alike(schema) != alike(written)) {
            apart.insert(name.clone());
        }
    }
    loop {
        let holds = |schema: &Value| {
            let text = schema.to_string();
            apart.iter().any(|name: &String| text.contains(&format!("\"{INPUTS}{name}\"")))
        };
        let more: Vec<String> = read
            .iter()
            .filter(|(name, schema)| {
                !apart.contains(*name) && written.contains_key(*name) && holds(schema)
            })
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            return apart;
        }
        apart.extend(more);
    }
}

/// Has all that refers to one place refer to another.
fn refer(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(place) if name == "$ref" && place == from => {
                        to.clone_into(place);
                    }
                    member => refer(member, from, to),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| refer(item, from, to)),
        _ => {}
    }
}

/// What fits into the integers of Rust, which their formats alone do not tell everybody.
fn bounded(schema: &mut Schema) {
    let most = match schema.get("format").and_then(Value::as_str) {
        Some("uint32") => Some(u64::from(u32::MAX)),
        Some("int32") => Some(u64::from(i32::MAX.unsigned_abs())),
        Some("int64") => Some(i64::MAX.unsigned_abs()),
        Some("uint64" | "uint") => Some(u64::MAX),
        _ => None,
    };
    if let Some(most) = most
        && schema.get("maximum").is_none()
    {
        schema.insert("maximum".to_owned(), most.into());
    }
    transform_subschemas(&mut bounded as &mut dyn Transform, schema);
}
