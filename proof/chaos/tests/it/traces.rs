//! A command is one trace, from its request through relay, projector and reaction to what readers
//! see; and nobody who takes no spans is waited for.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use async_nats::jetstream::stream::Stream;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::post;
use harness::{free_port, required};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Told;
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode as Became};
use prost::Message as _;
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::stack::{PATIENCE, Stack, log};

/// How often it is looked whether something has come.
const POLL: Duration = Duration::from_millis(50);
/// How long programs keep spans to send them together, milliseconds: not the usual five seconds.
const KEPT_MS: &str = "100";

/// Takes spans as a collector does, and keeps them with the name of the service that sent them.
#[derive(Clone, Default)]
struct Taker(Arc<Mutex<Vec<(String, Span)>>>);

impl Taker {
    /// Starts it, and says where it is.
    async fn start() -> (Self, String) {
        let taker = Self::default();
        let kept = taker.clone();
        let route = post(async move |body: Bytes| kept.take(&body));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", route);
        tokio::spawn(async move { axum::serve(listener, router).await });
        (taker, url)
    }

    fn take(&self, body: &[u8]) -> StatusCode {
        let Ok(request) = ExportTraceServiceRequest::decode(body) else {
            return StatusCode::BAD_REQUEST;
        };
        let mut taken = self.0.lock().unwrap();
        for of_service in request.resource_spans {
            let service = told(&of_service.resource.unwrap().attributes, "service.name").unwrap();
            let spans = of_service.scope_spans.into_iter().flat_map(|scope| scope.spans);
            taken.extend(spans.map(|span| (service.clone(), span)));
        }
        StatusCode::OK
    }

    /// The spans of a trace that came so far.
    fn of(&self, trace: u128) -> Vec<(String, Span)> {
        let taken = self.0.lock().unwrap();
        taken.iter().filter(|(_, span)| span.trace_id == trace.to_be_bytes()).cloned().collect()
    }

    /// The span of that name in a trace, once it has come; with it, who made it.
    async fn named(&self, trace: u128, name: &str) -> (String, Span) {
        self.until(trace, |span| span.name == name).await
    }

    /// The span that another one of its trace is below.
    async fn above(&self, span: &Span) -> Span {
        let trace = u128::from_be_bytes(span.trace_id[..].try_into().unwrap());
        self.until(trace, |above| above.span_id == span.parent_span_id).await.1
    }

    async fn until(&self, trace: u128, wanted: impl Fn(&Span) -> bool) -> (String, Span) {
        let coming = async {
            loop {
                if let Some(found) = self.of(trace).into_iter().find(|(_, span)| wanted(span)) {
                    return found;
                }
                sleep(POLL).await;
            }
        };
        let names = || self.of(trace).into_iter().map(|(_, span)| span.name).collect::<Vec<_>>();
        let came = timeout(PATIENCE, coming).await;
        came.unwrap_or_else(|_| panic!("it is not among {:?}", names()))
    }
}

fn told(attributes: &[KeyValue], name: &str) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Told::StringValue(text) => Some(text.clone()),
        Told::IntValue(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A trace that nobody else has, and the header that begins it.
fn begin(flags: &str) -> (u128, String) {
    let trace = Uuid::now_v7().as_u128();
    (trace, format!("00-{trace:032x}-00f067aa0ba902b7-{flags}"))
}

/// Posts as part of a trace; returns what was answered.
async fn ask(stack: &Stack, traceparent: &str, path: &str, body: Value) -> Value {
    let asked = Client::new()
        .post(stack.commands[0].url(path))
        .header("Idempotency-Key", Uuid::now_v7().to_string())
        .header("traceparent", traceparent);
    let answer = asked.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.unwrap()
}

/// Where an event says that it belongs in a trace.
async fn of_event(db: &PgPool, position: i64) -> Option<String> {
    let said = "SELECT metadata->>'traceparent' FROM events WHERE position = $1";
    sqlx::query_scalar(said).bind(position).fetch_one(db).await.unwrap()
}

/// What a span says to those below it.
fn parent(span: &Span) -> String {
    let trace = u128::from_be_bytes(span.trace_id[..].try_into().unwrap());
    let span = u64::from_be_bytes(span.span_id[..].try_into().unwrap());
    format!("00-{trace:032x}-{span:016x}-01")
}

/// The stream, once it is there: what was appended before it is not in it.
async fn stream(stack: &Stack) -> Stream {
    let bus = jetstream::new(async_nats::connect(required("NATS_URL")).await.unwrap());
    come(async || bus.get_stream(&stack.own).await.ok()).await
}

/// What is looked for, once it has come.
async fn come<T>(look: impl AsyncFn() -> Option<T>) -> T {
    let coming = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(POLL).await;
        }
    };
    timeout(PATIENCE, coming).await.expect("it comes")
}

fn tote() -> Value {
    let price = json!({"amount": "19.99", "currency": "EUR"});
    json!({"title": "Tote", "variants": [{"sku": "TOTE", "prices": [price]}]})
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_command_is_one_trace_up_to_what_readers_see(db: PgPool) {
    let (taker, url) = Taker::start().await;
    let told =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", url), ("OTEL_BSP_SCHEDULE_DELAY", KEPT_MS.to_owned())];
    let stack = Stack::start_told(&db, &told).await;

    let (unsampled, given) = begin("00");
    let made = ask(&stack, &given, "/v1/products", tote()).await;
    let said = of_event(&db, made["position"].as_i64().unwrap()).await.unwrap();
    assert!(said.starts_with(&given[..36]) && said.ends_with("-00"), "{said}");

    let stream = stream(&stack).await;
    let (trace, given) = begin("01");
    let made = ask(&stack, &given, "/v1/products", tote_called("TOTE-2")).await;
    let position = made["position"].as_i64().unwrap();
    let (service, answered) = taker.named(trace, "POST /v1/products").await;
    assert_eq!((&*service, answered.kind()), ("command-api", SpanKind::Server));
    assert_eq!(answered.parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes());
    assert_eq!(told_status(&answered), "201");
    assert_eq!(of_event(&db, position).await.unwrap(), parent(&answered));

    let sequence = u64::try_from(position).unwrap();
    let message = come(async || stream.get_raw_message(sequence).await.ok()).await;
    let carried = message.headers.get("traceparent").unwrap().as_str();
    // Others may have tried it too, while the stream was new.
    let (service, published) = taker.until(trace, |span| parent(span) == carried).await;
    assert_eq!((&*service, published.kind()), ("command-api", SpanKind::Producer));
    let last: String = sqlx::query_scalar("SELECT type FROM events WHERE position = $1")
        .bind(position)
        .fetch_one(&db)
        .await
        .unwrap();
    assert_eq!(published.name, format!("publish {last}"));
    assert_eq!(published.parent_span_id, answered.span_id);

    for projection in ["products", "search"] {
        let name = format!("fold {projection} product.created");
        let (service, folded) = taker.named(trace, &name).await;
        assert_eq!((&*service, folded.kind()), ("projector", SpanKind::Consumer));
        // By way of NATS, or, where that was not there yet, of Postgres.
        let above = taker.above(&folded).await;
        let ways = ["publish product.created", &answered.name];
        assert!(ways.contains(&&*above.name), "{above:?}");
        let at: i64 = told_of(&folded, "commerce.position").unwrap().parse().unwrap();
        assert_eq!(of_event(&db, at).await.unwrap(), parent(&answered));
        assert!(folded.end_time_unix_nano >= answered.start_time_unix_nano);
    }

    let path = format!("/v1/products/{}", made["id"].as_str().unwrap());
    let url = stack.query.url(&format!("{path}?min_position={position}"));
    let asked = Client::new().get(url).header("traceparent", &given).header("Prefer", "wait=20");
    assert!(asked.send().await.unwrap().status().is_success());
    let (service, read) = taker.named(trace, "GET /v1/products/{id}").await;
    assert_eq!((&*service, &*told_status(&read)), ("query-api", "200"));

    // All of the one that is not sampled was before.
    assert!(taker.of(unsampled).is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_happens_by_itself_belongs_to_the_trace_of_what_it_follows(db: PgPool) {
    let (taker, url) = Taker::start().await;
    let told =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", url), ("OTEL_BSP_SCHEDULE_DELAY", KEPT_MS.to_owned())];
    let stack = Stack::start_told(&db, &told).await;
    stack.sell("TOTE", "Tote", 5).await;
    let cart = stack.accept("/v1/carts", json!({"currency": "EUR"})).await["id"].clone();
    let cart = cart.as_str().unwrap();
    stack.accept(&format!("/v1/carts/{cart}/lines"), json!({"sku": "TOTE", "quantity": 1})).await;
    let placed = stack.accept(&format!("/v1/carts/{cart}/checkout"), json!({})).await;

    let (trace, given) = begin("01");
    let card = json!({"order_id": placed["id"], "method": "card", "token": "tok_success"});
    ask(&stack, &given, "/v1/payments", card).await;
    let (_, answered) = taker.named(trace, "POST /v1/payments").await;
    // What comes of it is one more step of the same trace.
    let (_, published) = taker.named(trace, "publish payment.authorized").await;
    let reacted = taker.above(&published).await;
    assert_eq!((&*reacted.name, reacted.kind()), ("react ask_gateway", SpanKind::Consumer));
    assert_eq!(reacted.parent_span_id, answered.span_id);
    assert_ne!(reacted.status.clone().unwrap_or_default().code(), Became::Error);
    taker.named(trace, "fold payments payment.authorized").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_takes_no_spans_is_not_waited_for(db: PgPool) {
    let nobody = format!("http://127.0.0.1:{}", free_port().unwrap());
    let told =
        [("OTEL_EXPORTER_OTLP_ENDPOINT", nobody), ("OTEL_BSP_SCHEDULE_DELAY", KEPT_MS.to_owned())];
    let stack = Stack::start_told(&db, &told).await;
    let (_, given) = begin("01");
    let made = ask(&stack, &given, "/v1/products", tote()).await;
    let said = of_event(&db, made["position"].as_i64().unwrap()).await.unwrap();
    assert!(said.starts_with(&given[..36]), "{said}");
    let command = &stack.commands[0];
    let lines = || std::fs::read_to_string(log("command-api", command.port)).unwrap();
    come(async || lines().contains("the taker of spans is away").then_some(())).await;
    stack.get("/v1/products", &made["position"]).await;
    assert_eq!(lines().matches("the taker of spans is away").count(), 1, "{}", lines());
}

fn tote_called(sku: &str) -> Value {
    let mut product = tote();
    product["variants"][0]["sku"] = sku.into();
    product
}

fn told_of(span: &Span, name: &str) -> Option<String> {
    told(&span.attributes, name)
}

fn told_status(span: &Span) -> String {
    told_of(span, "http.response.status_code").unwrap_or_default()
}
