//! What members a document has, as its JSON Schema says: by that it is known what may be asked of
//! it by name. Knows no document.

use std::collections::BTreeMap;

use serde_json::Value;

/// The member of an answer that has what is shown beside documents.
pub const MEMBER: &str = "included";
/// The most names one below the other.
pub const DEPTH_MAX: usize = 6;

/// What may be below a member; nothing below what is no object. A list has what its items have.
#[derive(Debug, Default)]
pub struct Outline {
    members: BTreeMap<String, Outline>,
    /// What is below a member of any name, where names are not the schema's to say.
    any: Option<Box<Outline>>,
}

impl Outline {
    /// By a schema, which refers to others in `root`.
    pub fn of(schema: &Value, root: &Value) -> Self {
        let mut outline = Self::default();
        outline.take(schema, root, DEPTH_MAX);
        outline
    }

    /// That of the documents on a page of a list or of hits, and of what is included beside them.
    #[must_use]
    pub fn of_items(mut self) -> Self {
        let items = ["items", "hits"].into_iter().find_map(|name| self.members.remove(name));
        let mut items = items.unwrap_or_default();
        items.members.extend(self.members.remove_entry(MEMBER));
        items
    }

    /// Whether something may have this name, with dots between a member and one below it.
    pub fn has(&self, name: &str) -> bool {
        let (member, below) =
            name.split_once('.').map_or((name, None), |(member, below)| (member, Some(below)));
        let known = self.members.get(member).or(self.any.as_deref());
        known.is_some_and(|known| below.is_none_or(|below| known.has(below)))
    }

    fn take(&mut self, schema: &Value, root: &Value, depth: usize) {
        if let Some(place) = schema["$ref"].as_str().and_then(|place| place.strip_prefix('#'))
            && let Some(schema) = root.pointer(place)
        {
            self.take(schema, root, depth);
        }
        let choices = ["allOf", "anyOf", "oneOf"].map(|word| schema[word].as_array());
        for choice in choices.into_iter().flatten().flatten() {
            self.take(choice, root, depth);
        }
        if schema["items"].is_object() {
            self.take(&schema["items"], root, depth);
        }
        let Some(depth) = depth.checked_sub(1) else { return };
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            self.members.entry(name.clone()).or_default().take(member, root, depth);
        }
        let any = &schema["additionalProperties"];
        if any.is_object() || *any == Value::Bool(true) {
            self.any.get_or_insert_default().take(any, root, depth);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_document_may_have_is_what_its_schema_says() {
        let root = json!({ "defs": {
            "Order": { "properties": {
                "id": { "type": "string" },
                "lines": { "type": "array", "items": { "$ref": "#/defs/Line" } },
                "parent": { "anyOf": [{ "$ref": "#/defs/Order" }, { "type": "null" }] },
            } },
            "Line": { "allOf": [{ "properties": { "sku": {} } }], "properties": {
                "options": { "type": "object", "additionalProperties": { "type": "string" } },
            } },
        } });
        let outline = Outline::of(&json!({ "$ref": "#/defs/Order" }), &root);
        for name in ["id", "lines", "lines.sku", "lines.options", "lines.options.colour"] {
            assert!(outline.has(name), "{name}");
            assert!(outline.has(&format!("parent.{name}")), "what it is itself, of another");
        }
        for name in ["", ".", "ids", "id.of", "lines.", "lines.id", "lines.options.colour.red"] {
            assert!(!outline.has(name), "{name}");
        }
        assert!(outline.has(&["parent"; DEPTH_MAX].join(".")));
        assert!(!outline.has(&["parent"; DEPTH_MAX + 1].join(".")), "without an end");
        let page = json!({ "properties": {
            "items": { "items": { "$ref": "#/defs/Line" } }, "next": {},
            "included": { "properties": { "stock": {} } },
        } });
        let page = Outline::of(&page, &root).of_items();
        assert!(page.has("sku") && page.has("included.stock") && !page.has("next"));
    }
}
