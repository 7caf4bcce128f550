//! The HTTP shell, seen from outside: what a client gets for good and for bad requests.

mod alerts;
mod process;
mod tls;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Router, middleware};
use http_body_util::BodyExt as _;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use service::config::Secret;
use service::extract::{Path, Query};
use service::health::Health;
use service::json::{BODY_BYTES_MAX, Json};
use service::problem::TEXT_BYTES_MAX;
use service::traced::Trace;
use service::unread::refuse;
use service::{Problem, auth, http};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    lines: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    quantity: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    category: Vec<String>,
    limit: Option<u32>,
}

fn app() -> Router {
    let guarded = Router::new().route("/secret", get(|| async { "told" }));
    let open = Router::new()
        .route(
            "/orders",
            post(|Json(order): Json<Order>| async move {
                order.lines.iter().map(|line| line.quantity).sum::<u32>().to_string()
            }),
        )
        .route("/orders/{number}", get(|Path(number): Path<u32>| async move { number.to_string() }))
        .route(
            "/page",
            get(|Query(page): Query<Page>| async move {
                format!("{} {:?}", page.category.join("+"), page.limit)
            }),
        )
        .route(
            "/panic",
            get(|| async {
                panic!("on purpose");
                #[allow(unreachable_code, reason = "a handler has to answer something")]
                ""
            }),
        );
    let health = Health::new()
        .requires("store", || async { Ok(()) })
        .prefers("extra", || async { Err("away".to_owned()) });
    let guarded = guarded.route_layer(middleware::from_fn(ask_for_token));
    http::shell(open.merge(guarded).merge(health.router()))
}

/// Who is guarded so that a body may go unread.
async fn ask_for_token(request: Request<Body>, next: Next) -> Response {
    if auth::is_allowed(request.headers(), &Secret::from("hunter2")) {
        return next.run(request).await;
    }
    let problem = Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "say who you are");
    refuse(request, problem).await
}

async fn ask(request: Request<Body>) -> (StatusCode, header::HeaderMap, String) {
    let response = app().oneshot(request).await.expect("the shell never fails");
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("text"))
}

fn get_request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).expect("a request")
}

async fn post_orders(kind: &str, body: impl Into<Body>) -> (StatusCode, Value) {
    let request = Request::post("/orders").header(header::CONTENT_TYPE, kind).body(body.into());
    let (status, headers, body) = ask(request.expect("a request")).await;
    if status.is_client_error() {
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
    }
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[tokio::test]
async fn a_body_is_refused_with_the_place_of_what_is_wrong() {
    let json = "application/json; charset=utf-8";
    let cases = [
        (r#"{"lines":[{"quantity":1},{"quantity":-1}]}"#, "/lines/1/quantity", "invalid_value"),
        (r#"{"lines":[{"quantity":1,"a/b":2}]}"#, "/lines/0/a~1b", "unknown_field"),
        (r#"{"lines":[{}]}"#, "/lines/0/quantity", "missing_field"),
        ("7", "", "invalid_value"),
    ];
    for (body, pointer, code) in cases {
        let (status, problem) = post_orders(json, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(problem["code"], "invalid_body", "{body}");
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    let (_, good) = post_orders(json, r#"{"lines":[{"quantity":1},{"quantity":2}]}"#).await;
    assert_eq!(good, 3);
}

#[tokio::test]
async fn a_refusal_is_short_however_long_what_was_sent() {
    // Whatever they stand for, quotes, letters and control characters may come back escaped.
    for filling in ["\u{7f}", "\\\"", "ä", "x"] {
        let long = filling.repeat(BODY_BYTES_MAX / 4);
        // A name is repeated, and cut off; a value is not repeated at all.
        let bodies = [
            (format!(r#"{{"lines":[{{"quantity":"{long}"}}]}}"#), false),
            (format!(r#"{{"lines":[{{"{long}":1}}]}}"#), true),
            (format!("\"{long}\""), false),
        ];
        for (body, is_name) in bodies {
            let (status, problem) = post_orders("application/json", body).await;
            assert_eq!(
                (status, &problem["code"]),
                (StatusCode::BAD_REQUEST, &"invalid_body".into())
            );
            let detail = problem["errors"][0]["detail"].as_str().expect("a detail");
            assert!(detail.ends_with('…') == is_name && detail.len() <= TEXT_BYTES_MAX, "{detail}");
            if !is_name {
                assert_eq!(detail.split(", expected").next(), Some("invalid type: string"));
            }
            let length = problem.to_string().len();
            assert!(length <= 16 * TEXT_BYTES_MAX, "{length} bytes");
        }
    }
}

#[tokio::test]
async fn what_is_no_json_is_refused_as_such() {
    for broken in ["", "{", "{\"lines\":[]} {}", "\u{feff}", "nul"] {
        let (status, problem) = post_orders("application/json", broken).await;
        assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &"malformed_json".into()));
    }
    let (_, problem) = post_orders("application/json", vec![b'"', 0xff, b'"']).await;
    assert_eq!(problem["status"], 400);
    let (status, problem) = post_orders("text/plain", "{}").await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(problem["code"], "unsupported_media_type");
    let (status, problem) = post_orders("application/json", vec![b' '; BODY_BYTES_MAX + 1]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["code"], "body_too_large");
}

#[tokio::test]
async fn parameters_are_refused_by_name() {
    let cases = [
        ("/orders/x", "invalid_path", "number", "invalid_value"),
        ("/page?limit=x", "invalid_query", "limit", "invalid_value"),
        ("/page?color=red", "invalid_query", "color", "unknown_parameter"),
    ];
    for (path, code, parameter, error) in cases {
        let (status, _, body) = ask(get_request(path)).await;
        let problem: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert_eq!(problem["code"], code);
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
        assert_eq!(problem["errors"][0]["code"], error, "{problem}");
    }
    let (_, _, body) = ask(get_request("/page?category=a&category=b&limit=7")).await;
    assert_eq!(body, "a+b Some(7)");
}

#[tokio::test]
async fn only_the_token_opens_a_guarded_route() {
    for wrong in ["Bearer hunter3", "Bearer hunter", "hunter2", "Basic hunter2", "Bearer", "é"] {
        let request = Request::get("/secret").header(header::AUTHORIZATION, wrong);
        let (status, headers, body) = ask(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{wrong}");
        assert_eq!(headers[header::WWW_AUTHENTICATE], "Bearer");
        assert!(body.contains(r#""code":"unauthorized""#));
    }
    let request = Request::get("/secret").header(header::AUTHORIZATION, "bearer hunter2");
    let (status, _, body) = ask(request.body(Body::empty()).expect("a request")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "told"));
    let (status, _, _) = ask(get_request("/orders/1")).await;
    assert_eq!(status, StatusCode::OK, "other routes stay open");
}

#[tokio::test]
async fn what_is_not_there_and_what_breaks_are_problems_too() {
    let (status, _, body) = ask(get_request("/nowhere")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains("no_such_route"));
    let (status, headers, body) = ask(get_request("/orders")).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(headers[header::ALLOW], "POST");
    assert!(body.contains("method_not_allowed"));
    // Who asks what there is is told; and every answer says how browsers are to take it.
    let request = Request::options("/orders").body(Body::empty()).expect("a request");
    let (status, headers, body) = ask(request).await;
    assert_eq!((status, body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(headers[header::ALLOW], "POST");
    assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let request = Request::post("/orders").header(header::CONTENT_ENCODING, "gzip");
    let (status, headers, _) = ask(request.body(Body::from("{}")).expect("a request")).await;
    assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(headers[header::ACCEPT_ENCODING], "identity");
    let (status, _, body) = ask(get_request("/panic")).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(body.contains(r#""code":"internal""#));
}

async fn id_of(given: &str) -> String {
    let request = Request::get("/live").header("x-request-id", given).body(Body::empty());
    let (_, headers, _) = ask(request.expect("a request")).await;
    headers["x-request-id"].to_str().expect("text").to_owned()
}

#[test]
fn an_id_that_is_no_uuid_stands_in_events_as_one_made_of_it() {
    let of = |text: &'static str| {
        let text = header::HeaderValue::from_static(text);
        let headers = header::HeaderMap::from_iter([(service::request_id::HEADER, text)]);
        service::request_id::RequestId::of(&headers, Trace::default()).uuid()
    };
    assert_eq!(of("order-7"), of("order-7"));
    assert_ne!(of("order-7"), of("order-8"));
    let id = "0198c0de-0000-7000-8000-000000000001";
    assert_eq!(of(id).to_string(), id);
}

#[tokio::test]
async fn every_answer_carries_the_request_id() {
    let id = "0198c0de-0000-7000-8000-000000000001";
    let request = Request::get("/live").header("x-request-id", id).body(Body::empty());
    let (_, headers, _) = ask(request.expect("a request")).await;
    assert_eq!(headers["x-request-id"], id);
    let (headers, id) = (id_of("order 7 of 9").await, id_of("order-7/of-9").await);
    assert!(headers.parse::<uuid::Uuid>().is_ok(), "a text with spaces is none: {headers}");
    assert_eq!(id, "order-7/of-9");
    assert_ne!(id_of(&"x".repeat(129)).await, "x".repeat(129));
    let traced = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = Request::get("/live").header("traceparent", traced).body(Body::empty());
    let (_, headers, _) = ask(request.expect("a request")).await;
    assert_eq!(headers["x-request-id"], "4bf92f35-77b3-4da6-a3ce-929d0e0e4736");
}

#[tokio::test]
async fn what_is_preferred_degrades_and_what_is_required_decides() {
    let (status, _, body) = ask(get_request("/health")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains(r#""status":"degraded""#));
    let (status, _, body) = ask(get_request("/ready")).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains(r#""status":"ok""#));
    let down = Health::new().requires("store", || async { Err("gone".to_owned()) }).router();
    let answer = down.oneshot(get_request("/ready")).await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()[header::RETRY_AFTER], "2");
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    let problem: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(
        (&problem["code"], &problem["checks"][0]["reason"]),
        (&"not_ready".into(), &"gone".into())
    );
}

#[tokio::test]
async fn metrics_count_by_route_and_not_by_path() {
    for number in 0..3 {
        ask(get_request(&format!("/orders/{number}"))).await;
    }
    let invented = Request::builder().method("BREW").uri("/orders").body(Body::empty());
    ask(invented.expect("a request")).await;
    let (_, _, text) = ask(get_request("/metrics")).await;
    assert!(text.contains(r#"method="OTHER""#) && !text.contains("BREW"), "{text}");
    assert!(text.contains(r#"route="/orders/{number}""#), "{text}");
    for name in [
        "commerce_http_request_duration_seconds_bucket",
        "commerce_build_info{",
        "commerce_connections_turned_away_total 0",
        "\nprocess_start_time_seconds ",
    ] {
        assert!(text.contains(name), "{name} is missing: {text}");
    }
    assert!(text.contains(r#"status="2xx",le=""#), "{text}");
    for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds"] {
        assert!(text.contains(&format!("\nprocess_{name} ")) || !cfg!(target_os = "linux"));
    }
    process::promtool(&["check", "metrics"], &text);
}

#[test]
fn a_problem_says_when_to_come_back() {
    use axum::response::IntoResponse as _;
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "full")
        .retry_after(Duration::from_millis(1200))
        .with("position", 7);
    let text = serde_json::to_value(&problem).expect("JSON");
    assert_eq!((&text["retry_after"], &text["position"]), (&2.into(), &7.into()));
    assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], "2");
    for status in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS] {
        let unsaid = Problem::new(status, "busy", "full").into_response();
        assert_eq!(unsaid.headers()[header::RETRY_AFTER], "1", "{status}");
    }
}

/// Sends a head, then a body after a moment, and returns what is answered, and whether the service
/// closes the connection then, in place of answering another request.
async fn answer_to(head: &str, body: &[u8]) -> (String, bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let _stop = stop.clone().drop_guard();
    tokio::spawn(service::serve_on(listener, app(), stop));
    let mut client = TcpStream::connect(address).await.expect("a connection");
    client.set_nodelay(true).expect("a connection");
    client.write_all(head.as_bytes()).await.expect("a request");
    tokio::time::sleep(Duration::from_millis(10)).await;
    client.write_all(body).await.expect("a body");
    // A problem's JSON is the end of each answer.
    let mut answer = Vec::new();
    while answer.last() != Some(&b'}') {
        assert_ne!(client.read_buf(&mut answer).await.expect("an answer"), 0, "{answer:?}");
    }
    let again = "GET /nowhere HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    let _ = client.write_all(again.as_bytes()).await;
    let mut next = Vec::new();
    let _ = client.read_to_end(&mut next).await;
    (String::from_utf8_lossy(&answer).to_lowercase(), next.is_empty())
}

#[tokio::test]
async fn a_body_that_nobody_wanted_ends_the_connection_only_if_said_so() {
    let head = |path, length| {
        format!("GET {path} HTTP/1.1\r\nhost: shop\r\ncontent-length: {length}\r\n\r\n")
    };
    // Refused unread: a short body is read away, and the next request is answered.
    let (answer, is_closed) = answer_to(&head("/secret", 5), b"12345").await;
    assert!(answer.starts_with("http/1.1 401"), "{answer}");
    assert!(!answer.contains("connection: close") && !is_closed, "{answer}");
    // A long one is not waited for.
    let (answer, is_closed) = answer_to(&head("/secret", 1_000_000), b"12345").await;
    assert!(answer.starts_with("http/1.1 401"), "{answer}");
    assert!(answer.contains("connection: close") && is_closed, "{answer}");
    // Nor where nobody thought of it.
    let (answer, is_closed) = answer_to(&head("/nowhere", 5), b"12345").await;
    assert!(answer.starts_with("http/1.1 404"), "{answer}");
    assert!(answer.contains("connection: close") && is_closed, "{answer}");
}

proptest! {
    #[test]
    fn no_body_and_no_query_breaks_anything(body: Vec<u8>, query in "[ -~&&[^#<>\"`{}\\\\^|]]*") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (status, _) = post_orders("application/json", body).await;
            assert!(!status.is_server_error());
            let path = format!("/page?{}", query.replace(' ', "+"));
            let (status, _, _) = ask(get_request(&path)).await;
            assert!(!status.is_server_error());
        });
    }
}
