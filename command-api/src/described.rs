//! What this API is asked and answers, as an OpenAPI document: each command of [`crate::routes`]
//! from the line that registers it, and what is beside them.

use std::sync::LazyLock;

use axum::http::Method;
use domain::command::refused;
use domain::refusal::Kind;
use domain::{Category, Location, Refusal, Sku, location, page, payment, product, return_, stock};
use identity::routes::described::{self as people, operation};

use serde_json::{Value, json};
use service::openapi::{Description, Endpoint};

use crate::command::Accepted;
use crate::routes::{self, Extent, Route};
use crate::{batch, problem, sealed, webhooks};

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";
/// How a command may be refused, whatever it is.
const REFUSED: [u16; 5] = [400, 408, 413, 415, 503];
/// The same, by what stands in its headers.
const BY_HEADERS: [&str; 3] = ["another_log", "idempotency_key_expired", "idempotency_key_reused"];
/// The same, by a condition. A key of before may be that of such a refusal too.
const BY_CONDITION: [&str; 2] = ["document_changed", "version_mismatch"];

const ABOUT: &str = "Everything that changes in a shop. Each command is answered once it is \
durable, with the `position` of the log that has it: a read of query-api with `min_position` \
waits until it is there.\n\n\
Send each command under an `Idempotency-Key` of its own: sent again, after an answer that was lost \
or a 503, it takes effect once and gets the answer that it got first. A refusal is a problem \
(RFC 9457) with a `code` that never changes; one that is `passing` may be sent again under the \
same key. There may be codes one day that are not in this document: go by the status then.\n\n\
What a service tells those who watch it (`/health`, `/metrics`) is not in here.";

/// The groups, by the kind of stream that their commands are addressed to.
const TAGS: [(&str, &str); 9] = [
    ("cart", "Carts, from the first line to the checkout."),
    ("order", "What changes of an order after it was placed."),
    ("payment", "Paying orders, and giving money back."),
    ("fulfilment", "Parcels."),
    ("return", "Goods that come back."),
    ("product", "The catalogue."),
    ("stock", "What is there of each SKU."),
    ("location", "Where stock lies."),
    ("batch", "Many commands at once."),
];

/// The commands of shoppers of which something is sealed.
const SEALED: [&str; 6] = [
    "payment.start",
    "payment.abort",
    "order.cancel",
    "order.change_line",
    "order.remove_line",
    "return.request",
];

/// Those of the shop of which something is sealed: of who was forgotten it is not kept.
const NOTED: [&str; 11] = [
    "payment.refund",
    "payment.resolve",
    "payment.correct_collection",
    "payment.remit",
    "payment.correct_remittance",
    "payment.correct_refund",
    "payment.uncollect",
    "fulfilment.fail",
    "fulfilment.lose",
    "return.reject",
    "return.receive",
];

/// The commands that go to an address, which a shopper must have.
const ADDRESSED: [&str; 2] = ["cart.checkout", "order.change_address"];

/// The commands by which a customer takes along what they had as a guest, unless forgotten.
const TAKEN_ALONG: [&str; 3] = ["cart.assign", "cart.merge", "order.assign"];

/// The document, once it was made.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The document.
pub fn document() -> Value {
    let mut document = Description::new("Commands", ABOUT);
    for (name, about) in TAGS {
        document.tag(name, about);
    }
    document.tag("gateway", "What payment gateways tell without being asked.");
    document.knows(problem::CODES.iter().copied());
    document.knows(Refusal::codes().map(|(code, kind)| (status(kind), code)));
    for route in routes::all() {
        let described = command(route, &mut document);
        document.add(linked(described, route));
    }
    let sent = batch(&mut document);
    document.add(sent);
    let told = webhook();
    document.add(told);
    sealed::describe(&mut document);
    people::describe(&mut document);
    webhook::routes::described::describe(&mut document);
    document.finish()
}

/// The status that a sort of refusal is answered with.
fn status(kind: Kind) -> u16 {
    problem::status(kind).as_u16()
}

fn command(route: &Route, document: &mut Description) -> Endpoint {
    let body = (route.body)(document, &name(route.name));
    let of_body = document.schema(&body);
    let text = of_body["description"].as_str().unwrap_or_default();
    let (subject, is_new) = route.subject();
    let tag = TAGS.iter().map(|(tag, _)| *tag).find(|tag| *tag == route.kind());
    let told = operation(
        route.method.clone(),
        route.path,
        route.name,
        tag.unwrap_or("batch"),
        route.access,
    );
    let mut told = told.text(text).takes(&["Prefer", "Log-Id", "Guest-Token"]);
    told = match route.keyed {
        Extent::All => told.needs("Idempotency-Key"),
        Extent::Some | Extent::None => told.takes(&["Idempotency-Key"]),
    };
    if route.has_id() {
        // What is made by a command has nothing yet to match.
        told = told.takes(&["If-Match"]);
        let (description, schema) = match route.kind() {
            "stock" => ("The SKU.", document.input::<Sku>()),
            "location" => ("The code of the location.", document.input::<Location>()),
            _ => ("What the command is for.", json!({ "type": "string", "format": "uuid" })),
        };
        told = told.path("id", description, &schema);
    }
    if route.has_sku() {
        let sku = document.input::<Sku>();
        told = told.path("sku", "The SKU of the line or variant.", &sku);
    }
    // A DELETE that has nothing to say has no body.
    let says_something = of_body["properties"].as_object().is_some_and(|it| !it.is_empty());
    if says_something || route.method != Method::DELETE {
        told = told.body(JSON, &body, of_body.get("required").is_some());
    }
    let accepted = document.output::<Accepted>();
    let shown = shown(subject, document);
    let content = json!({ "anyOf": [accepted, shown] });
    let headers = ["ETag", "Log-Id", "Idempotent-Replayed", "Preference-Applied"];
    let made = [&headers[..], &["Location"]].concat();
    let done = if is_new { (201, "It was made.") } else { (200, "It was done.") };
    let later = (202, "It is accepted; the payment tells how it went.");
    let answers = match route.later {
        Extent::None => vec![done],
        Extent::Some => vec![done, later],
        Extent::All => vec![later],
    };
    for (status, description) in answers {
        let headers = if status == 200 { &headers[..] } else { &made[..] };
        told = told.answer(status, description, Some((JSON, &content)), headers);
    }
    // What pays, and what they write, is sealed for who asks, unless they were forgotten.
    if SEALED.contains(&route.name) {
        told = told.refuses(["erased", "too_many_records"]);
    }
    if NOTED.contains(&route.name) {
        told = told.refuses(["too_many_records"]);
    }
    if ADDRESSED.contains(&route.name) {
        told = told.refuses(["erased", "unknown_address"]);
    }
    if TAKEN_ALONG.contains(&route.name) {
        told = told.refuses(["erased"]);
    }
    let own = refused::of(route.name).unwrap_or_default();
    told.refused(&REFUSED).refuses(own.iter().copied()).refuses(BY_HEADERS).refuses(BY_CONDITION)
}

/// What of a subject is shown to who prefers it in the answer.
fn shown(subject: &str, document: &mut Description) -> Value {
    let category = Category::ALL.iter().find(|category| category.name() == subject);
    match category {
        Some(Category::Product) => document.output::<product::document::Document>(),
        Some(Category::Stock) => document.output::<stock::document::Document>(),
        Some(Category::Location) => document.output::<location::document::Document>(),
        Some(Category::Cart) => document.output::<page::cart::Document>(),
        Some(Category::Order) => document.output::<page::order::Document>(),
        Some(Category::Payment) => document.output::<payment::document::Document>(),
        Some(Category::Fulfilment) => document.output::<domain::fulfilment::document::Document>(),
        Some(Category::Return) => document.output::<return_::document::Document>(),
        Some(Category::Sku) | None => json!({}),
    }
}

/// What may be asked next of what was made.
fn linked(mut told: Endpoint, route: &Route) -> Endpoint {
    let (subject, is_new) = route.subject();
    if !is_new {
        return told;
    }
    let statuses: &[u16] = match route.later {
        Extent::None => &[201],
        Extent::Some => &[201, 202],
        Extent::All => &[202],
    };
    let id = json!("$response.body#/id");
    let parameters = json!({ "path.id": id, "header.If-Match": "$response.header.ETag" });
    let of_it = routes::all().filter(|next| next.kind() == subject && next.has_id());
    let mut next: Vec<_> = of_it.map(|next| (next.name, parameters.clone(), None)).collect();
    if subject == "order" {
        let body = json!({ "order_id": id });
        for name in ["payment.start", "fulfilment.create", "return.request"] {
            next.push((name, json!({}), Some(body.clone())));
        }
    }
    for status in statuses {
        for (name, parameters, body) in &next {
            told = told.link(*status, name, parameters, body.as_ref());
        }
    }
    told
}

fn batch(document: &mut Description) -> Endpoint {
    let names: Vec<&str> = routes::all().map(|route| route.name).collect();
    let line = document.input::<batch::ask::Ask>();
    document.amend("Ask", |schema| schema["properties"]["command"]["enum"] = json!(names));
    let verdict = document.output::<batch::Verdict>();
    let lines = |schema: &Value, about: &str| {
        json!({ "type": "string", "description": about, "contentMediaType": JSON,
                "contentSchema": schema })
    };
    operation(Method::POST, "/v1/batch", "batch.send", "batch", batch::ACCESS)
        .text("Takes a command a line, and answers each with a line, in the same order.")
        .takes(&["Log-Id"])
        .body(NDJSON, &lines(&line, "A command a line."), true)
        .answer(
            200,
            "A verdict a line.",
            Some((NDJSON, &lines(&verdict, "A verdict a line."))),
            &["Log-Id"],
        )
        .refused(&[400, 415, 503])
        .refuses(["another_log"])
}

fn webhook() -> Endpoint {
    let name = json!({ "type": "string", "pattern": "^[a-z0-9_]{1,32}$" });
    let event = json!({ "type": "object", "description": "An event, as the gateway has it." });
    Endpoint::new(Method::POST, webhooks::PATH, "gateway.tell", "gateway")
        .access_without_token(webhooks::ACCESS.name())
        .text("Tells what happened at a gateway. Asks for its signature instead of a token.")
        .takes(&["X-Request-Id"])
        .path("name", "Which gateway.", &name)
        .body(JSON, &event, true)
        .answer(204, "It stands in the log, or is of no interest.", None, &[])
        .refused(&[400, 408, 413, 415, 429, 500, 503])
        .refuses(["gateway_not_found"])
}

/// The name of a command's body among the schemas: `CartAddLine`.
fn name(command: &str) -> String {
    let words = command.split(['.', '_']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect()
}
