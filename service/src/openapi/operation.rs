//! One operation of a document: what is asked, and what may be answered.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::deprecation::{self, Deprecation};
use super::{Description, headers};
use crate::accept;

/// One route under one method.
pub struct Endpoint {
    path: String,
    method: Method,
    id: String,
    tag: &'static str,
    text: String,
    security: Vec<Value>,
    access: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    answers: Map<String, Value>,
    refusals: BTreeSet<u16>,
    codes: BTreeSet<&'static str>,
    refused: Map<String, Value>,
    deprecation: Option<Deprecation>,
}

impl Endpoint {
    /// Under an id that never changes, for clients are made of it; in a group.
    pub fn new(method: Method, path: &str, id: &str, tag: &'static str) -> Self {
        Self {
            path: path.to_owned(),
            method,
            id: id.to_owned(),
            tag,
            text: String::new(),
            security: Vec::new(),
            access: String::new(),
            parameters: Vec::new(),
            body: None,
            answers: Map::new(),
            refusals: BTreeSet::new(),
            codes: BTreeSet::new(),
            refused: Map::new(),
            deprecation: None,
        }
    }

    /// What it does. The first sentence stands for all of it in lists.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        Self { text: text.to_owned(), ..self }
    }

    /// Who may: those that have such a token, and others too if they may.
    #[must_use]
    pub fn access(mut self, role: &str, others: bool) -> Self {
        if others {
            self.security.push(json!({}));
        }
        self.security.push(json!({ "token": [] }));
        role.clone_into(&mut self.access);
        self
    }

    /// Who may call it without a token, known by something else.
    #[must_use]
    pub fn access_without_token(mut self, role: &str) -> Self {
        self.security.push(json!({}));
        role.clone_into(&mut self.access);
        self
    }

    /// A parameter of the path.
    #[must_use]
    pub fn path(mut self, name: &str, description: &str, schema: &Value) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": schema,
        }));
        self
    }

    /// The parameters of the query, as `T` reads them.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self, document: &mut Description) -> Self {
        let schema = document.schemas.read_whole::<T>();
        let needed = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let mut schema = never_null(schema.clone());
            let mut parameter = json!({
                "name": name, "in": "query", "required": needed.iter().any(|one| one == name),
            });
            if let Some(description) =
                schema.as_object_mut().and_then(|schema| schema.remove("description"))
            {
                parameter["description"] = description;
            }
            parameter["schema"] = schema;
            self.parameters.push(parameter);
        }
        self
    }

    /// Another parameter of the query, which may be left out.
    #[must_use]
    pub fn option(mut self, name: &str, description: &str, schema: &Value) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": false, "description": description,
            "schema": schema,
        }));
        self
    }

    /// Headers that many operations take: see [`headers`].
    #[must_use]
    pub fn takes(mut self, names: &[&str]) -> Self {
        self.parameters.extend(names.iter().map(|name| {
            debug_assert!(headers::parameters().contains_key(*name), "{name}");
            json!({ "$ref": format!("#/components/parameters/{name}") })
        }));
        self
    }

    /// A header that must be there.
    #[must_use]
    pub fn needs(mut self, name: &str) -> Self {
        let mut header = headers::parameters().remove(name).unwrap_or_default();
        header["required"] = true.into();
        self.parameters.push(header);
        self
    }

    /// What is sent.
    #[must_use]
    pub fn body(mut self, kind: &str, schema: &Value, required: bool) -> Self {
        self.body = Some(json!({
            "required": required, "content": { kind: { "schema": schema } },
        }));
        self
    }

    /// An answer with headers that many have: see [`headers`]. Kinds of content are added to those
    /// that are there.
    #[must_use]
    pub fn answer(
        mut self,
        status: u16,
        description: &str,
        content: Option<(&str, &Value)>,
        told: &[&str],
    ) -> Self {
        let answer = self.answers.entry(status.to_string()).or_insert_with(|| {
            let told = headers::references(&[told, &["X-Request-Id"]].concat());
            json!({ "description": description, "headers": told })
        });
        if let Some((kind, schema)) = content {
            answer["content"][kind] = json!({ "schema": schema });
        }
        self
    }

    /// Problems of these statuses, which say nothing of what is asked.
    #[must_use]
    pub fn refused(mut self, statuses: &[u16]) -> Self {
        self.refusals.extend(statuses);
        self
    }

    /// Problems with these codes, and of their statuses no others but what any operation may have.
    #[must_use]
    pub fn refuses(mut self, codes: impl IntoIterator<Item = &'static str>) -> Self {
        self.codes.extend(codes);
        self
    }

    /// How it answers problems of a status of which it says the codes.
    pub(super) fn refused_by(mut self, status: u16, response: Value) -> Self {
        self.refusals.remove(&status);
        self.refused.insert(status.to_string(), response);
        self
    }

    /// What may be asked next, with what an answer has: parameters or members of a body by what is
    /// taken for each.
    #[must_use]
    pub fn link(mut self, status: u16, to: &str, parameters: &Value, body: Option<&Value>) -> Self {
        let mut link = json!({ "operationId": to, "parameters": parameters });
        if let Some(body) = body {
            link["requestBody"] = body.clone();
        }
        if let Some(answer) = self.answers.get_mut(&status.to_string()) {
            answer["links"][to] = link;
        }
        self
    }

    /// That it is to go. Its answers say so too: see [`deprecation::announce`].
    #[must_use]
    pub fn deprecated(self, deprecation: &Deprecation) -> Self {
        Self { deprecation: Some(deprecation.clone()), ..self }
    }

    /// Whether what it answers is JSON, where it is anything.
    pub(super) fn answers_json_alone(&self) -> bool {
        accept::answers_json_alone(&self.answers)
    }

    /// The statuses of its problems, but for those of which it says the codes.
    pub(super) fn refusals(&self) -> BTreeSet<u16> {
        self.refusals.clone()
    }

    /// The codes that it says.
    pub(super) fn codes(&self) -> &BTreeSet<&'static str> {
        &self.codes
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Its path, its method, and itself.
    pub(super) fn written(self) -> (String, String, Value) {
        let mut responses = self.answers;
        if self.deprecation.is_some() {
            for answer in responses.values_mut() {
                let told = headers::references(&["Deprecation", "Sunset", "Link"]);
                if let Some(known) = answer["headers"].as_object_mut() {
                    known.extend(told);
                }
            }
        }
        responses.extend(self.refused);
        for status in self.refusals {
            let place = format!("#/components/responses/{}", response_name(status));
            responses.insert(status.to_string(), json!({ "$ref": place }));
        }
        let summary = self.text.split(['\n', '.']).next().unwrap_or_default();
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag],
            "summary": summary,
            "description": &self.text,
            "security": self.security,
            "x-access": self.access,
            "parameters": self.parameters,
            "responses": responses,
        });
        if let Some(body) = self.body {
            operation["requestBody"] = body;
        }
        if let Some(deprecation) = self.deprecation {
            operation["deprecated"] = true.into();
            operation[deprecation::MEMBER] = json!(deprecation);
            operation["description"] = format!("{}\n\n{}", self.text, deprecation.text()).into();
        }
        (self.path, self.method.as_str().to_ascii_lowercase(), operation)
    }
}

/// The name of the answer that all refusals of a status share.
pub(super) fn response_name(status: u16) -> String {
    let status = StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason());
    status.unwrap_or("Refused").replace([' ', '-', '\''], "")
}

/// What is not asked for is left out of a query: there is no `null` in one.
fn never_null(mut schema: Value) -> Value {
    if let Some(kinds) = schema["type"].as_array().cloned() {
        let mut kinds: Vec<Value> = kinds.into_iter().filter(|kind| kind != "null").collect();
        schema["type"] = if kinds.len() == 1 { kinds.remove(0) } else { kinds.into() };
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| !word.is_null());
    }
    if let Some(choices) = schema["anyOf"].as_array().cloned() {
        let choices: Vec<Value> =
            choices.into_iter().filter(|choice| choice["type"] != "null").collect();
        let Some(schema) = schema.as_object_mut() else { return schema };
        schema.remove("anyOf");
        if let [Value::Object(only)] = choices.as_slice() {
            schema.extend(only.clone());
        } else {
            schema.insert("anyOf".to_owned(), choices.into());
        }
    }
    if let Some(schema) = schema.as_object_mut()
        && schema.get("default").is_some_and(Value::is_null)
    {
        schema.remove("default");
    }
    schema
}
