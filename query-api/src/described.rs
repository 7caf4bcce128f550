//! What this API is asked and answers, as an OpenAPI document: a line a route of
//! [`crate::resources`]. One that is not here fails a test.

mod log;
mod sockets;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::Method;
use domain::page::{cart, order, sales};
use domain::{Sku, cart as carts, fulfilment, location, payment, product, return_, stock};
use identity::routes::described::operation;
use schemars::JsonSchema;
use serde_json::{Value, json};
use service::Problem;
use service::accept::{CSV, JSON};
use service::openapi::{Code, Description, Endpoint};

use crate::fields::{FieldNames, Fields};
use crate::included::{Include, MEMBER};
use crate::list::ListQuery;
use crate::one::{Id, One, Resource as _};
use crate::outline::Outline;
use crate::resources::{self, projection};
use crate::search::Found;
use crate::search::request::{self, Parameters as Search};

/// The codes of what is refused here, each with its status.
pub const CODES: &[Code] = &[
    (400, "as_of_ahead"),
    (400, "invalid_last_event_id"),
    (400, "invalid_log_id"),
    (400, "position_unknown"),
    (403, "origin_not_allowed"),
    (404, "not_found"),
    (406, "not_acceptable"),
    (409, "another_log"),
    (422, "history_too_long"),
    (426, "upgrade_required"),
    (429, "follows_too_many"),
    (500, "stream_unreadable"),
    (503, "no_index_key"),
    (503, "overloaded"),
    (503, "too_many_exports"),
    (503, "too_many_folds"),
    (503, "too_many_followers"),
    (503, "too_many_searches"),
    (503, "too_many_waiting"),
    (503, "wrong_index_key"),
    (504, "projection_behind"),
];

/// The groups.
const CATALOGUE: &str = "catalogue";
const SHOPPING: &str = "shopping";
const LOG: &str = "log";
const RUNNING: &str = "running";
const TAGS: [(&str, &str); 4] = [
    (CATALOGUE, "What is for sale: products, search, stock."),
    (SHOPPING, "Carts, orders and what belongs to them."),
    (LOG, "Everything that happened."),
    (RUNNING, "How the engine stands."),
];

const ABOUT: &str = "Everything that is read of a shop. What a command has done is there once a \
read names its `position` as `min_position`: it waits until then, as long as `Prefer: wait=5` \
says. A document has an `ETag`, whose first number is the version that commands take in \
`If-Match`; lists and what is found have a weak one, for `If-None-Match` alone.\n\n\
Lists come in pages: `next` is the `cursor` of the page after. Shoppers find what is theirs, \
strangers the catalogue; what is not for somebody is not there for them.\n\n\
The events of the log are described in `/asyncapi.json` and, as JSON Schemas, in \
`/events.schema.json`. What a service tells those who watch it (`/health`, `/metrics`) is not in \
here.";

/// The document, once it was made.
pub static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// What members those documents may have that are read under a path, by themselves or in a list.
static OUTLINES: LazyLock<BTreeMap<&str, Outline>> = LazyLock::new(|| {
    let paths = DOCUMENT["paths"].as_object().into_iter().flatten();
    let outlines = paths.map(|(path, methods)| {
        let answer = &methods["get"]["responses"]["200"]["content"][JSON]["schema"];
        let outline = Outline::of(answer, &DOCUMENT);
        let is_list = !path.ends_with('}');
        (path.as_str(), if is_list { outline.of_items() } else { outline })
    });
    outlines.collect()
});

/// What these names mean of the documents that are read under a path.
///
/// # Errors
/// 400 `invalid_query`, where they have nothing of such a name.
pub fn fields(path: &str, names: &FieldNames) -> Result<Fields, Problem> {
    names.of(OUTLINES.get(path).unwrap_or(&Outline::default()))
}

/// The document.
pub fn document() -> Value {
    let mut document = Description::new("Reads", ABOUT);
    for (name, about) in TAGS {
        document.tag(name, about);
    }
    document.knows(CODES.iter().copied());
    document.any(identity::guard::CODES.iter().copied());
    lists(&mut document);
    lists_of_orders(&mut document);
    singles(&mut document);
    search(&mut document);
    log::describe(&mut document);
    sockets::describe(&mut document);
    let projections = document.output::<projection::Projections>();
    let told = get("/v1/projections", "projection.list", RUNNING)
        .text("How far each read model has come.")
        .answer(200, "All of them.", Some((JSON, &projections)), &["Log-Id"]);
    document.add(told);
    document.finish()
}

fn lists(document: &mut Description) {
    let products = document.output::<product::document::Document>();
    list::<resources::product::Products>(
        document,
        "/v1/products",
        ("product", CATALOGUE),
        "Products. Strangers see those that are published.",
        &products,
    );
    let stock = stock_schema(document);
    list::<resources::stock::Stocks>(
        document,
        "/v1/stock",
        ("stock", CATALOGUE),
        "What is there of each SKU. Strangers see what a storefront shows.",
        &stock,
    );
    let of_locations = document.output::<location::document::Document>();
    list::<resources::location::Locations>(
        document,
        "/v1/locations",
        ("location", CATALOGUE),
        "Where stock lies.",
        &of_locations,
    );
    let days = document.output::<sales::Document>();
    list::<resources::sales::Sales>(
        document,
        "/v1/sales",
        ("sales", LOG),
        "What was sold, by day (UTC) and currency.",
        &days,
    );
}

fn lists_of_orders(document: &mut Description) {
    use resources::{
        fulfilment as parcels, order as orders, payment as payments, return_ as returns,
    };
    let of_orders = document.output::<order::Document>();
    list::<orders::Orders>(
        document,
        "/v1/orders",
        ("order", SHOPPING),
        "Orders with their payments, parcels and returns. Customers see their own.",
        &of_orders,
    );
    let of_payments = document.output::<payment::document::Document>();
    list::<payments::Payments>(
        document,
        "/v1/payments",
        ("payment", SHOPPING),
        "Payments.",
        &of_payments,
    );
    let of_parcels = document.output::<fulfilment::document::Document>();
    list::<parcels::Fulfilments>(
        document,
        "/v1/fulfilments",
        ("fulfilment", SHOPPING),
        "Parcels. Customers see those of their orders.",
        &of_parcels,
    );
    let of_returns = document.output::<return_::document::Document>();
    list::<returns::Returns>(
        document,
        "/v1/returns",
        ("return", SHOPPING),
        "Goods that come back. Customers see those of their orders.",
        &of_returns,
    );
}

fn singles(document: &mut Description) {
    let id = document.input::<Id>();
    let sku = document.input::<Sku>();
    let code = document.input::<domain::Location>();
    let stock = stock_schema(document);
    let cart =
        [document.output::<cart::Document>(), document.output::<carts::document::Document>()];
    let cart = json!({ "anyOf": cart });
    let product = document.output::<product::document::Document>();
    let location = document.output::<location::document::Document>();
    let order = document.output::<order::Document>();
    let payment = document.output::<payment::document::Document>();
    let parcel = document.output::<fulfilment::document::Document>();
    let returned = document.output::<return_::document::Document>();
    let (id, sku, code) = (("id", id), ("sku", sku), ("code", code));
    for (path, name, tag, text, key, schema) in [
        ("/v1/products/{id}", "product.read", CATALOGUE, "A product.", &id, product),
        ("/v1/stock/{sku}", "stock.read", CATALOGUE, "What is there of a SKU.", &sku, stock),
        ("/v1/locations/{code}", "location.read", CATALOGUE, "A location.", &code, location),
        (
            "/v1/carts/{id}",
            "cart.read",
            SHOPPING,
            "A cart; one that is open with what its lines are today. The past is shown without.",
            &id,
            cart,
        ),
        (
            "/v1/orders/{id}",
            "order.read",
            SHOPPING,
            "An order with its payments, parcels and returns.",
            &id,
            order,
        ),
        ("/v1/payments/{id}", "payment.read", SHOPPING, "A payment.", &id, payment),
        ("/v1/fulfilments/{id}", "fulfilment.read", SHOPPING, "A parcel.", &id, parcel),
        ("/v1/returns/{id}", "return.read", SHOPPING, "Goods that come back.", &id, returned),
    ] {
        let (parameter, key) = key;
        let headers = ["ETag", "Cache-Control", "Log-Id", "Preference-Applied"];
        let include = match name {
            "product.read" => resources::product::Product::INCLUDES,
            "cart.read" => resources::cart::CartAsShown::INCLUDES,
            "order.read" => resources::order::Order::INCLUDES,
            _ => None,
        };
        let mut told =
            get(path, name, tag).text(text).path(parameter, "Which.", key).query::<One>(document);
        let mut schema = schema;
        if let Some(include) = include {
            told = including(told, include);
            schema = beside(document, &schema, include);
        }
        let told = told
            .takes(&["If-None-Match", "Prefer"])
            .answer(200, "It.", Some((JSON, &schema)), &headers)
            .answer(304, "It is as it was.", None, &headers)
            .refused(&[504])
            .refuses(["not_found", "history_too_long"]);
        document.add(told);
    }
}

fn search(document: &mut Description) {
    let found = document.output::<Found>();
    let found = beside(document, &found, request::INCLUDES);
    let headers = ["ETag", "Search-Backend", "Cache-Control", "Log-Id", "Preference-Applied"];
    let told = get("/v1/search", "search", CATALOGUE)
        .text("Finds products that are published.")
        .query::<Search>(document)
        .takes(&["If-None-Match", "Prefer"])
        .answer(200, "A page of hits.", Some((JSON, &found)), &headers)
        .answer(304, "It is as it was.", None, &headers)
        .link(200, "product.read", &json!({ "id": "$response.body#/hits/0/id" }), None)
        .refused(&[504]);
    document.add(including(told, request::INCLUDES));
}

/// It may be asked for what is shown beside.
fn including(told: Endpoint, include: Include) -> Endpoint {
    let text =
        format!("`{0}` for what `{1}` has of it, beside it.", include.word(), include.path());
    told.option("include", &text, &json!({ "type": "string", "enum": [include.word()] }))
}

/// An answer that may have something beside it.
fn beside(document: &mut Description, answer: &Value, include: Include) -> Value {
    let included = json!({ MEMBER: included(document, include) });
    json!({ "allOf": [answer, { "type": "object", "properties": included }] })
}

/// What is shown beside documents.
fn included(document: &mut Description, include: Include) -> Value {
    let (name, item) = match include {
        Include::Stock => ("IncludedStock", stock_schema(document)),
        Include::Products => ("IncludedProducts", document.output::<product::document::Document>()),
    };
    let schema = json!({
        "description": "What documents refer to, each once, where `include` asked for it.",
        "type": "object",
        "required": [include.word(), "more"],
        "properties": {
            include.word(): { "type": "array", "items": item },
            "more": { "type": "boolean", "description": "There is more than fitted: ask for it." },
        },
    });
    document.named(name, schema)
}

/// A list of what is called so, of which each has a schema, and may be read by itself.
fn list<Q: JsonSchema + ListQuery>(
    document: &mut Description,
    path: &str,
    (name, tag): (&str, &'static str),
    text: &str,
    item: &Value,
) {
    let mut page = json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": item },
            "next": {
                "type": ["string", "null"],
                "description": "The `cursor` of the page after; `null` on the last one.",
                "examples": [null],
            },
        },
    });
    if let Some(include) = Q::INCLUDES {
        page["properties"][MEMBER] = included(document, include);
    }
    let pascal = |word: &str| word[..1].to_uppercase() + &word[1..];
    let page_name = name.split('_').map(pascal).collect::<String>() + "Page";
    let page = document.named(&page_name, page);
    let headers =
        ["ETag", "Link", "Log-Id", "Parked-Streams", "Preference-Applied", "Cache-Control"];
    let mut told = get(path, &format!("{name}.list"), tag)
        .text(text)
        .query::<Q>(document)
        .takes(&["If-None-Match", "Prefer"])
        .answer(200, "A page of them.", Some((JSON, &page)), &headers)
        .answer(304, "It is as it was.", None, &headers)
        .refused(&[504]);
    if let Some(include) = Q::INCLUDES {
        told = including(told, include);
    }
    if Q::CSV.is_some() {
        let csv = json!({
            "type": "string",
            "description": "A row each, below the names of the columns; `Link` leads on.",
        });
        told = told
            .answer(200, "A page of them.", Some((CSV, &csv)), &headers)
            .refuses(["not_acceptable"]);
    }
    let key = match name {
        "stock" => "sku",
        "location" => "code",
        _ => "id",
    };
    if name != "sales" {
        let id = json!({ key: "$response.body#/items/0/id" });
        told = told.link(200, &format!("{name}.read"), &id, None);
    }
    document.add(told);
}

/// Of stock those who work here see the document, others what is on offer.
fn stock_schema(document: &mut Description) -> Value {
    let whole = document.output::<stock::document::Document>();
    let offer = document.named(
        "StockOnOffer",
        json!({
            "description": "What everybody sees of a SKU that is for sale.",
            "type": "object",
            "required": ["id", "in_stock", "available", "or_more", "orderable"],
            "properties": {
                "id": { "type": "string", "description": "The SKU." },
                "in_stock": { "type": "boolean" },
                "available": {
                    "type": "integer", "minimum": 0, "maximum": 10,
                    "description": "Units that may be sold, ten at most.",
                },
                "or_more": { "type": "boolean", "description": "There are more than that." },
                "orderable": {
                    "type": "boolean",
                    "description": "It may be ordered, whether it is there or not.",
                },
            },
        }),
    );
    json!({ "anyOf": [whole, offer] })
}

/// A read for those who may, of the log that they mean.
fn get(path: &str, id: &str, tag: &'static str) -> Endpoint {
    let access = resources::accesses().find(|(known, _)| *known == path);
    let access = access.map_or(identity::Access::Ops, |(_, access)| access);
    // Of what is for anyone some is for those who work here: drafts, the past.
    operation(Method::GET, path, id, tag, access)
        .takes(&["Log-Id"])
        .refused(&[400, 403])
        .refuses(["another_log"])
}
