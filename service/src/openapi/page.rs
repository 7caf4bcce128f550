//! A document as a page for people: HTML without a script, with all that the document says.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// How it looks.
pub const STYLE: &str = include_str!("page.css");

/// The page of a document.
pub fn of(document: &Value) -> String {
    let title = escaped(document["info"]["title"].as_str().unwrap_or_default());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"docs.css\">\n<h1>{title}</h1>\n"
    );
    page += &prose(&document["info"]["description"]);
    page += "<p>The same for programs: <a href=\"openapi.json\">openapi.json</a>.</p>\n<nav>";
    for tag in array(&document["tags"]) {
        let name = escaped(tag["name"].as_str().unwrap_or_default());
        // Writing to a string cannot fail, here and below.
        let _ = write!(page, "<a href=\"#{name}\">{name}</a> ");
    }
    page += "<a href=\"#schemas\">schemas</a></nav>\n";
    for tag in array(&document["tags"]) {
        let name = tag["name"].as_str().unwrap_or_default();
        let _ = writeln!(page, "<h2 id=\"{0}\">{0}</h2>", escaped(name));
        page += &prose(&tag["description"]);
        for (path, methods) in members(&document["paths"]) {
            for (method, operation) in members(methods) {
                if operation["tags"][0] == name {
                    page += &operation_of(path, method, operation, document);
                }
            }
        }
    }
    page += "<h2 id=\"schemas\">schemas</h2>\n";
    for (name, schema) in members(&document["components"]["schemas"]) {
        let _ = writeln!(
            page,
            "<details id=\"schema-{0}\"><summary>{0}</summary>\n{1}{2}</details>",
            escaped(name),
            prose(&schema["description"]),
            properties(schema)
        );
    }
    page
}

fn operation_of(path: &str, method: &str, operation: &Value, document: &Value) -> String {
    let id = escaped(operation["operationId"].as_str().unwrap_or_default());
    let summary = escaped(operation["summary"].as_str().unwrap_or_default());
    let mut html = format!(
        "<details id=\"{id}\"><summary><b>{}</b> <code>{}</code> {summary}</summary>\n",
        escaped(&method.to_ascii_uppercase()),
        escaped(path)
    );
    html += &prose(&operation["description"]);
    let access = escaped(operation["x-access"].as_str().unwrap_or_default());
    let _ = writeln!(html, "<p class=\"aside\">{id}, for: {access}</p>");
    html += &parameters(operation, document);
    if let Some(body) = operation.get("requestBody") {
        let is_needed = if body["required"] == true { "" } else { ", which may be left out" };
        let _ = writeln!(html, "<h4>Body{is_needed}</h4>");
        for (kind, content) in members(&body["content"]) {
            let _ = writeln!(html, "<p>{}: {}</p>", escaped(kind), kind_of(&content["schema"]));
            if let Some(example) = content.get("example") {
                let _ = writeln!(html, "<pre>{}</pre>", escaped(&format!("{example:#}")));
            }
        }
    }
    html += "<h4>Answers</h4>\n<table>\n";
    for (status, answer) in members(&operation["responses"]) {
        let answer = resolved(answer, document);
        let content = members(&answer["content"]);
        let content: Vec<String> = content
            .map(|(kind, one)| format!("{}: {}", escaped(kind), kind_of(&one["schema"])))
            .collect();
        let codes = answer.pointer("/content/application~1problem+json/schema/allOf/1/properties");
        let codes: Vec<String> = codes
            .map(|properties| array(&properties["code"]["enum"]))
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_str)
            .map(|code| format!("<code>{}</code>", escaped(code)))
            .collect();
        let description = marked(answer["description"].as_str().unwrap_or_default());
        let told = if codes.is_empty() { content.join("<br>") } else { codes.join(", ") };
        let _ = writeln!(html, "<tr><td>{status}<td>{description}<td>{told}");
    }
    html += "</table>\n";
    for (status, answer) in members(&operation["responses"]) {
        for (kind, content) in members(&answer["content"]) {
            if let Some(example) = content.get("example") {
                let text = example.as_str().map_or_else(|| format!("{example:#}"), str::to_owned);
                let (kind, text) = (escaped(kind), escaped(&text));
                let _ = writeln!(html, "<p>{status}, {kind}, such as:</p><pre>{text}</pre>");
            }
        }
    }
    html + "</details>\n"
}

fn parameters(operation: &Value, document: &Value) -> String {
    let all = array(&operation["parameters"]);
    if all.is_empty() {
        return String::new();
    }
    let mut html = "<h4>Parameters</h4>\n<table>\n".to_owned();
    for parameter in all {
        let parameter = resolved(parameter, document);
        let text = |name: &str| marked(parameter[name].as_str().unwrap_or_default());
        let needed = if parameter["required"] == true { " *" } else { "" };
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code>{needed}<td>{}<td>{}<td>{}",
            text("name"),
            text("in"),
            kind_of(&parameter["schema"]),
            text("description")
        );
    }
    html + "</table>\n"
}

/// A row for each member of an object, or else what it is.
fn properties(schema: &Value) -> String {
    let needed = array(&schema["required"]);
    let mut html = String::new();
    for (name, member) in members(&schema["properties"]) {
        let mark = if needed.iter().any(|one| one == name) { " *" } else { "" };
        let description = marked(member["description"].as_str().unwrap_or_default());
        let _ = writeln!(
            html,
            "<tr><td><code>{}</code>{mark}<td>{}<td>{description}",
            escaped(name),
            kind_of(member)
        );
    }
    if html.is_empty() {
        return format!("<p>{}</p>\n", kind_of(schema));
    }
    format!("<table>\n{html}</table>\n")
}

/// What a value is, in a line.
fn kind_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|place| place.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            return choices.iter().map(kind_of).collect::<Vec<_>>().join(" or ");
        }
    }
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().map(|word| format!("<code>{}</code>", escaped(&plain(word))));
        return words.collect::<Vec<_>>().join(" ");
    }
    if let Some(word) = schema.get("const") {
        return format!("<code>{}</code>", escaped(&plain(word)));
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(plain).collect::<Vec<_>>().join(" or "),
        kind => plain(kind),
    };
    if kind.starts_with("array") {
        return format!("{}s of {}", escaped(&kind), kind_of(&schema["items"]));
    }
    let bounds = ["format", "pattern", "minLength", "maxLength", "minimum", "maximum"];
    let bounds = bounds.iter().filter_map(|name| Some((name, schema.get(name)?)));
    bounds.fold(escaped(&kind), |html, (name, bound)| {
        html + &format!(", {name} <code>{}</code>", escaped(&plain(bound)))
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "anything".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// What a reference refers to, or the thing itself.
fn resolved<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    let place = value["$ref"].as_str().and_then(|place| place.strip_prefix('#'));
    place.and_then(|place| document.pointer(place)).unwrap_or(value)
}

fn prose(text: &Value) -> String {
    let paragraphs = text.as_str().unwrap_or_default().split("\n\n");
    let paragraphs = paragraphs.filter(|paragraph| !paragraph.is_empty());
    paragraphs.fold(String::new(), |html, one| html + "<p>" + &marked(one) + "</p>\n")
}

/// With what stands in backticks as code.
fn marked(text: &str) -> String {
    let escaped = escaped(text);
    let mut html = String::new();
    for (place, part) in escaped.split('`').enumerate() {
        if place % 2 == 0 {
            html += part;
        } else {
            let _ = write!(html, "<code>{part}</code>");
        }
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
