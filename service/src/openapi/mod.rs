//! What a service says of its API: an OpenAPI 3.1 document, made of the types that read requests
//! and write answers, so that it cannot say anything else than they do.
//!
//! * [`schemas`] takes the types in; [`headers`] has those that requests and answers share;
//! * [`deprecation`] is what its answers say of one that is to go;
//! * [`operation`] is one route, [`refusals`] what it answers of problems; [`example`] fills in
//!   what might be sent and answered;
//! * [`page`] shows the document to people; [`serve`] serves both.
//!
//! Knows no route of any service.

pub mod deprecation;
pub mod example;
pub mod headers;
pub mod operation;
pub mod page;
pub mod refusals;
pub mod schemas;
pub mod serve;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

pub use operation::Endpoint;
use refusals::{Codes, SAID_BY_EACH};
use schemas::Schemas;

use crate::problem::{self, Problem};

/// The dialect of JSON Schema that all schemas here are of.
pub const JSON_SCHEMA: &str = "https://json-schema.org/draft/2020-12/schema";

/// The code of a problem, and the status that it comes with.
pub type Code = (u16, &'static str);

/// A document that is being written.
pub struct Description {
    info: Value,
    tags: Vec<Value>,
    paths: BTreeMap<String, Map<String, Value>>,
    codes: Codes,
    /// Those that any operation may have.
    any: Codes,
    refusals: BTreeSet<u16>,
    schemas: Schemas,
}

impl Description {
    /// Of the API called so, about which this is to be said.
    pub fn new(title: &str, description: &str) -> Self {
        let mut document = Self {
            info: json!({
                "title": title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": description,
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            }),
            tags: Vec::new(),
            paths: BTreeMap::new(),
            codes: Codes::default(),
            any: Codes::default(),
            refusals: BTreeSet::new(),
            schemas: Schemas::new(),
        };
        // That there is no such route, no operation says.
        let of_any = |(status, _): &Code| !SAID_BY_EACH.contains(status);
        document.knows(problem::CODES.iter().copied());
        document.any(problem::CODES.iter().copied().filter(of_any));
        document
    }

    /// A group of operations.
    pub fn tag(&mut self, name: &str, description: &str) {
        self.tags.push(json!({ "name": name, "description": description }));
    }

    /// Codes that problems may have.
    pub fn knows(&mut self, codes: impl IntoIterator<Item = Code>) {
        self.codes.extend(codes);
    }

    /// Codes that problems of any operation may have.
    pub fn any(&mut self, codes: impl IntoIterator<Item = Code> + Clone) {
        self.codes.extend(codes.clone());
        self.any.extend(codes);
    }

    /// What is read as a `T`.
    pub fn input<T: JsonSchema>(&mut self) -> Value {
        self.schemas.input::<T>()
    }

    /// What is written as a `T`.
    pub fn output<T: JsonSchema>(&mut self) -> Value {
        self.schemas.output::<T>()
    }

    /// What is read as a `T`, under a name of its own.
    pub fn input_named<T: JsonSchema>(&mut self, name: &str) -> Value {
        self.schemas.input_named::<T>(name)
    }

    /// What lies under a name of its own.
    pub fn schema(&self, reference: &Value) -> Value {
        self.schemas.of(reference)
    }

    /// Says more of what is read under a name than its type can.
    pub fn amend(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        self.schemas.amend(name, change);
    }

    /// What types cannot say, under a name.
    pub fn named(&mut self, name: &str, schema: Value) -> Value {
        self.schemas.named(name, schema)
    }

    /// An operation. One that is there already is written over. What answers JSON alone is refused
    /// to who does not take it.
    ///
    /// # Panics
    /// It says of a status alone what it is to say by codes, or a code that nobody knows.
    pub fn add(&mut self, operation: Endpoint) {
        let is_json = operation.answers_json_alone();
        let operation = if is_json { operation.refused(&[406]) } else { operation };
        let problem = self.schemas.output::<Problem>();
        let own = self.codes.chosen(operation.codes(), &self.any);
        let operation = own.each().fold(operation, |operation, (status, codes)| {
            let response = refusals::response(status, &problem, codes.iter().copied());
            operation.refused_by(status, response)
        });
        for status in operation.refusals() {
            let must_say = SAID_BY_EACH.contains(&status);
            assert!(!must_say, "{} says no code of its {status}", operation.id());
            self.refusals.insert(status);
        }
        let (path, method, value) = operation.written();
        self.paths.entry(path).or_default().insert(method, value);
    }

    /// All of it.
    pub fn finish(mut self) -> Value {
        let problem = self.schemas.output::<Problem>();
        let responses: Map<String, Value> = self
            .refusals
            .iter()
            .map(|status| {
                let response = refusals::response(*status, &problem, self.codes.of(*status));
                (operation::response_name(*status), response)
            })
            .collect();
        let mut document = json!({
            "openapi": "3.1.0",
            "info": self.info,
            "jsonSchemaDialect": JSON_SCHEMA,
            "servers": [{ "url": "/", "description": "The service that serves this document." }],
            "tags": self.tags,
            "paths": self.paths,
            "components": {
                "schemas": {},
                "responses": responses,
                "parameters": headers::parameters(),
                "headers": headers::headers(),
                "securitySchemes": { "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The service's own token, or one that it gave out. Where a \
                                    service was told to ask nobody, none is needed.",
                } },
            },
        });
        let schemas = self.schemas.finish(&mut document);
        document["components"]["schemas"] = schemas.into();
        example::fill(&mut document);
        leave_out_unused(&mut document);
        document
    }
}

/// Leaves out what nothing refers to, and then what nothing refers to but that.
fn leave_out_unused(document: &mut Value) {
    loop {
        let text = document.to_string();
        let mut left_out = false;
        for kind in ["schemas", "parameters", "headers"] {
            let Some(all) = document["components"][kind].as_object_mut() else { continue };
            let before = all.len();
            all.retain(|name, _| text.contains(&format!("\"#/components/{kind}/{name}\"")));
            left_out |= all.len() < before;
        }
        if !left_out {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;

    #[derive(schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
    #[schemars(extend("examples" = [{"name": "a thing", "count": 3}]))]
    struct Thing {
        name: String,
        /// How many.
        #[serde(default)]
        count: u32,
    }

    #[derive(schemars::JsonSchema, serde::Serialize, serde::Deserialize)]
    struct Things {
        items: Vec<Thing>,
    }

    #[test]
    fn what_is_read_and_written_otherwise_has_two_names() {
        let mut document = Description::new("test", "Of a test.");
        let (read, written) = (document.input::<Things>(), document.output::<Things>());
        let operation = Endpoint::new(Method::POST, "/v1/things", "thing.make", "things")
            .text("Makes things. One after the other.")
            .body("application/json", &read, true)
            .answer(200, "They are there.", Some(("application/json", &written)), &[])
            .refused(&[400]);
        document.add(operation);
        let made = document.finish();
        let schemas = made["components"]["schemas"].as_object().unwrap();
        let names: Vec<&str> = schemas.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["FieldError", "Problem", "Thing", "ThingInput", "Things", "ThingsInput"]
        );
        let made = &made["paths"]["/v1/things"]["post"];
        assert_eq!(made["summary"], "Makes things");
        let body = &made["requestBody"]["content"]["application/json"];
        assert_eq!(body["schema"]["$ref"], "#/components/schemas/ThingsInput");
        assert_eq!(body["example"]["items"][0]["name"], "a thing");
        let answer = &made["responses"]["200"]["content"]["application/json"];
        assert_eq!(answer["schema"]["$ref"], "#/components/schemas/Things");
        assert_eq!(
            answer["example"],
            serde_json::json!({"items": [{"name": "a thing", "count": 3}]})
        );
        assert_eq!(made["responses"]["400"]["$ref"], "#/components/responses/BadRequest");
    }
}
