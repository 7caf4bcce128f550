//! What of an OpenAPI document callers may have relied on and find no more in a later one: what
//! they ask is taken no more, or what they are answered lacks something.
//!
//! Read plainly: it knows what the documents of this house are made of, and nothing else. What is
//! new in an answer breaks nobody, and neither does what is new and may be left out in a request.

use std::collections::BTreeSet;

use serde_json::Value;

/// How deep one schema may lie in another that is compared.
const DEPTH_MAX: usize = 12;

/// Something that breaks.
#[derive(Debug, PartialEq, Eq)]
pub struct Break {
    /// Of which operation, by its id.
    pub operation: String,
    /// What.
    pub what: String,
}

/// Who reads what is compared: the caller what is answered, the service what is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Caller,
    Service,
}

/// What breaks between two documents.
pub fn between(before: &Value, now: &Value) -> Vec<Break> {
    let mut found = Vec::new();
    for (id, (place, old)) in operations(before) {
        let new = operations(now).find(|(known, _)| *known == id);
        let what = match new {
            None => vec!["is there no more".to_owned()],
            Some((_, (new_place, _))) if new_place != place => {
                vec![format!("is at {new_place} and no more at {place}")]
            }
            Some((_, (_, new))) => Comparison { before, now }.operation(old, new),
        };
        let of = |what| Break { operation: id.to_owned(), what };
        found.extend(what.into_iter().map(of));
    }
    found
}

/// Each operation by its id, with its place.
fn operations(document: &Value) -> impl Iterator<Item = (&str, (String, &Value))> {
    members(&document["paths"]).flat_map(|(path, methods)| {
        members(methods).filter_map(move |(method, operation)| {
            let place = format!("{} {path}", method.to_ascii_uppercase());
            Some((operation["operationId"].as_str()?, (place, operation)))
        })
    })
}

/// Two documents, whose parts are compared.
struct Comparison<'a> {
    before: &'a Value,
    now: &'a Value,
}

impl<'a> Comparison<'a> {
    fn operation(&self, before: &'a Value, now: &'a Value) -> Vec<String> {
        let mut breaks = BTreeSet::new();
        self.parameters(before, now, &mut breaks);
        let (old, new) = (&before["requestBody"], &now["requestBody"]);
        if new["required"] == true && old["required"] != true {
            breaks.insert("needs a body".to_owned());
        }
        for (kind, old) in members(&old["content"]) {
            let new = &new["content"][kind];
            if new.is_null() {
                breaks.insert(format!("takes no more {kind}"));
            } else {
                self.schema(
                    Reader::Service,
                    "body",
                    &old["schema"],
                    &new["schema"],
                    0,
                    &mut breaks,
                );
            }
        }
        for (status, old) in members(&before["responses"]) {
            if !status.starts_with('2') {
                continue;
            }
            let new = &now["responses"][status];
            if new.is_null() {
                breaks.insert(format!("answers no more {status}"));
            }
            for (kind, old) in members(&old["content"]) {
                let new = &new["content"][kind]["schema"];
                self.schema(Reader::Caller, "answer", &old["schema"], new, 0, &mut breaks);
            }
        }
        breaks.into_iter().collect()
    }

    fn parameters(&self, before: &'a Value, now: &'a Value, breaks: &mut BTreeSet<String>) {
        let all = |document, operation: &'a Value| {
            let found = operation["parameters"].as_array().into_iter().flatten();
            found.map(move |one| resolved(document, one))
        };
        let same =
            |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        for old in all(self.before, before) {
            let place = format!("parameter {}", text(&old["name"]));
            match all(self.now, now).find(|new| same(old, new)) {
                None => drop(breaks.insert(format!("takes no more {place}"))),
                Some(new) => {
                    if new["required"] == true && old["required"] != true {
                        breaks.insert(format!("needs {place}"));
                    }
                    let (old, new) = (&old["schema"], &new["schema"]);
                    self.schema(Reader::Service, &place, old, new, 0, breaks);
                }
            }
        }
        for new in all(self.now, now).filter(|new| new["required"] == true) {
            if !all(self.before, before).any(|old| same(old, new)) {
                breaks.insert(format!("needs parameter {}", text(&new["name"])));
            }
        }
    }

    /// What of a schema breaks, as somebody reads it.
    fn schema(
        &self,
        reader: Reader,
        place: &str,
        before: &'a Value,
        now: &'a Value,
        depth: usize,
        breaks: &mut BTreeSet<String>,
    ) {
        let (before, now) = (resolved(self.before, before), resolved(self.now, now));
        if depth > DEPTH_MAX || before == now && self.before == self.now {
            return;
        }
        // Who reads must understand all that is written.
        let (written, read) = if reader == Reader::Service { (before, now) } else { (now, before) };
        let narrower = || if reader == Reader::Service { narrower(before, now) } else { None };
        if let Some(lost) = of_another_type(written, read).or_else(narrower) {
            breaks.insert(format!("{place}: {lost}"));
        }
        let needed = |schema: &Value, name: &str| {
            schema["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name))
        };
        for (name, old) in members(&before["properties"]) {
            let (place, now) = (format!("{place}/{name}"), having(self.now, now, name));
            let new = &now["properties"][name];
            if new.is_null() {
                breaks.insert(format!("{place} is there no more"));
                continue;
            }
            if reader == Reader::Caller && needed(before, name) && !needed(now, name) {
                breaks.insert(format!("{place} may be missing"));
            }
            self.schema(reader, &place, old, new, depth + 1, breaks);
        }
        for (name, _) in members(&now["properties"]) {
            if reader == Reader::Service && needed(now, name) && !needed(before, name) {
                breaks.insert(format!("{place}/{name} is needed"));
            }
        }
        if !before["items"].is_null() {
            let place = format!("{place}/*");
            self.schema(reader, &place, &before["items"], &now["items"], depth + 1, breaks);
        }
        for choice in ["anyOf", "oneOf", "allOf"] {
            let all = |schema: &'a Value| schema[choice].as_array().into_iter().flatten();
            for (old, new) in all(before).zip(all(now)) {
                self.schema(reader, place, old, new, depth + 1, breaks);
            }
            if all(now).count() < all(before).count() && reader == Reader::Service {
                breaks.insert(format!("{place} has fewer choices"));
            }
        }
    }
}

/// The type of what is written, where its reader does not understand it.
fn of_another_type(written: &Value, read: &Value) -> Option<String> {
    let kinds = |schema: &Value| -> BTreeSet<String> {
        match &schema["type"] {
            Value::Array(kinds) => kinds.iter().map(text).collect(),
            kind => kind.as_str().into_iter().map(str::to_owned).collect(),
        }
    };
    let (wrote, reads) = (kinds(written), kinds(read));
    if !reads.is_empty() && !wrote.is_subset(&reads) {
        return Some(format!("{wrote:?} is not {reads:?}"));
    }
    None
}

/// The word or the bound of which less is taken now. In answers both may widen: callers are told.
fn narrower(before: &Value, now: &Value) -> Option<String> {
    if let (Some(wrote), Some(reads)) = (before["enum"].as_array(), now["enum"].as_array())
        && let Some(word) = wrote.iter().find(|word| !reads.contains(word))
    {
        return Some(format!("{word} is not among its words"));
    }
    for (bound, is_upper) in [
        ("maximum", true),
        ("maxLength", true),
        ("maxItems", true),
        ("minimum", false),
        ("minLength", false),
        ("minItems", false),
    ] {
        let (wrote, reads) = (before[bound].as_i64(), now[bound].as_i64());
        if let Some(reads) = reads {
            let fits =
                wrote.is_some_and(|wrote| if is_upper { wrote <= reads } else { wrote >= reads });
            if !fits {
                return Some(format!("{bound} is {reads}"));
            }
        }
    }
    None
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}

/// What has a member of a schema: it, or one of those that it is all of.
fn having<'a>(document: &'a Value, schema: &'a Value, name: &str) -> &'a Value {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let mut parts = parts.map(|part| resolved(document, part));
    if schema["properties"][name].is_null() {
        parts.find(|part| !part["properties"][name].is_null()).unwrap_or(schema)
    } else {
        schema
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "paths": { "/v1/carts": { "post": {
                "operationId": "cart.create",
                "parameters": [
                    { "name": "limit", "in": "query",
                      "schema": { "maximum": 9, "type": "integer" } },
                ],
                "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Cart" },
                } } },
                "responses": { "201": { "content": { "application/json": { "schema": {
                    "type": "object", "required": ["id"],
                    "properties": { "id": { "type": "string" } },
                } } } } },
            } } },
            "components": { "schemas": { "Cart": {
                "type": "object", "required": ["currency"],
                "properties": {
                    "currency": { "type": "string", "enum": ["EUR", "USD"] },
                    "note": { "type": "string" },
                },
            } } },
        })
    }

    fn after(place: &str, value: Value) -> Vec<String> {
        let (before, mut now) = (document(), document());
        let (parent, name) = place.rsplit_once('/').unwrap();
        now.pointer_mut(parent).unwrap()[name] = value;
        between(&before, &now).into_iter().map(|found| found.what).collect()
    }

    #[test]
    fn what_callers_relied_on_and_find_no_more_breaks() {
        let cart = "/components/schemas/Cart";
        let post = "/paths/~1v1~1carts/post";
        let answer = format!("{post}/responses/201/content/application~1json/schema");
        assert_eq!(between(&document(), &document()), []);
        for (place, value, what) in [
            (format!("{post}/operationId"), json!("cart.open"), "is there no more"),
            (format!("{cart}/required"), json!(["currency", "note"]), "body/note is needed"),
            (
                format!("{cart}/properties/currency/enum"),
                json!(["EUR"]),
                "body/currency: \"USD\" is not among its words",
            ),
            (
                format!("{cart}/properties/note/type"),
                json!("integer"),
                "body/note: {\"string\"} is not {\"integer\"}",
            ),
            (format!("{answer}/required"), json!([]), "answer/id may be missing"),
            (format!("{answer}/properties"), json!({}), "answer/id is there no more"),
            (format!("{post}/responses"), json!({}), "answers no more 201"),
        ] {
            assert!(after(&place, value).contains(&what.to_owned()), "{place}");
        }
    }

    #[test]
    fn what_is_new_and_may_be_left_out_breaks_nobody() {
        let cart = "/components/schemas/Cart/properties";
        assert_eq!(after(&format!("{cart}/colour"), json!({ "type": "string" })), [""; 0]);
        let words = json!(["EUR", "USD", "JPY"]);
        assert_eq!(after(&format!("{cart}/currency/enum"), words), [""; 0]);
        let answer = "/paths/~1v1~1carts/post/responses/201/content/application~1json/schema";
        let id = json!({ "type": "string", "enum": ["a", "new one"] });
        assert_eq!(after(&format!("{answer}/properties/id"), id), [""; 0]);
        let schema = document().pointer(answer).unwrap().clone();
        let more = json!({ "allOf": [{ "properties": { "more": {} } }, schema] });
        assert_eq!(after(answer, more), [""; 0]);
        let status = json!({ "description": "later" });
        assert_eq!(after("/paths/~1v1~1carts/post/responses/202", status), [""; 0]);
    }

    #[test]
    fn a_parameter_that_must_be_there_or_takes_less_breaks() {
        let parameters = "/paths/~1v1~1carts/post/parameters";
        let limit = |schema: Value, required: bool| {
            let mut one = json!({ "name": "limit", "in": "query" });
            one["required"] = required.into();
            one["schema"] = schema;
            json!([one])
        };
        let nine = json!({ "type": "integer", "maximum": 9 });
        let five = json!({ "type": "integer", "maximum": 5 });
        assert_eq!(after(parameters, limit(nine.clone(), true)), ["needs parameter limit"]);
        assert_eq!(after(parameters, limit(five, false)), ["parameter limit: maximum is 5"]);
        assert_eq!(after(parameters, json!([])), ["takes no more parameter limit"]);
        assert_eq!(after(parameters, limit(nine, false)), [""; 0]);
    }
}
