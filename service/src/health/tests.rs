//! Who is told what, and how many examinations there are.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::cors::Origins;
use crate::exposed::Exposure;
use crate::http::shell;
use crate::rates::Rates;
use crate::tls::Tls;

fn http(ops: bool) -> Http {
    let ops_listen = ops.then(|| ([127, 0, 0, 1], 0).into());
    Http {
        listen: None,
        token: Some("hunter2".into()),
        origins: Origins::default(),
        ops_listen,
        drain_delay: 0,
        tls: Tls::default(),
        rates: Rates::default(),
        exposure: Exposure::default(),
    }
}

fn away() -> Health {
    Health::new()
        .requires("store", || async { Err("refused by 10.0.0.7".to_owned()) })
        .prefers("extra", || async { Ok(()) })
}

async fn get_as(router: &Router, path: &str, token: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::get(path);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn reasons_and_version_are_for_those_who_run_the_service() {
    let health = away();
    health.told(&http(false), CancellationToken::new());
    let router = shell(health.router());
    for path in ["/ready", "/health"] {
        for stranger in [None, Some("hunter3")] {
            let (status, body) = get_as(&router, path, stranger).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
            assert!(body.contains(r#""name":"store""#), "{body}");
            assert!(!body.contains("10.0.0.7") && !body.contains("version"), "{body}");
        }
        let (_, body) = get_as(&router, path, Some("hunter2")).await;
        assert!(body.contains("10.0.0.7") && body.contains(build::VERSION), "{body}");
    }
    assert_eq!(get_as(&router, METRICS, None).await.0, StatusCode::OK);
}

/// Without a token of the service's own it is whether anybody is asked that counts.
#[tokio::test]
async fn where_people_are_asked_reasons_are_for_nobody_who_says_nothing() {
    let without_token = Http { token: None, ..http(false) };
    for asks in [true, false] {
        let health = away().asks(asks);
        health.told(&without_token, CancellationToken::new());
        let (public, operations) = (shell(health.router()), shell(health.operations()));
        for path in [READY, "/health"] {
            let (_, body) = get_as(&public, path, None).await;
            assert_eq!(body.contains("10.0.0.7"), !asks, "{body}");
            assert_eq!(body.contains(build::VERSION), !asks, "{body}");
            assert!(get_as(&operations, path, None).await.1.contains("10.0.0.7"));
        }
    }
}

#[tokio::test]
async fn with_a_port_for_operations_metrics_are_on_that_alone() {
    let health = away();
    health.told(&http(true), CancellationToken::new());
    let (public, operations) = (shell(health.router()), shell(health.operations()));
    assert_eq!(get_as(&public, METRICS, Some("hunter2")).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get_as(&public, LIVE, None).await.0, StatusCode::OK);
    assert_eq!(get_as(&operations, METRICS, None).await.0, StatusCode::OK);
    assert!(get_as(&operations, "/health", None).await.1.contains("10.0.0.7"));
}

#[tokio::test]
async fn a_process_that_is_about_to_end_is_not_ready() {
    let (health, draining) = (Health::new(), CancellationToken::new());
    health.told(&http(false), draining.clone());
    let router = shell(health.router());
    assert_eq!(get_as(&router, "/ready", None).await.0, StatusCode::OK);
    draining.cancel();
    let (status, body) = get_as(&router, "/ready", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains(r#""code":"draining""#), "{body}");
    assert_eq!(get_as(&router, LIVE, None).await.0, StatusCode::OK);
    assert_eq!(get_as(&router, "/health", None).await.0, StatusCode::OK);
}

#[tokio::test]
async fn probes_that_hang_keep_nobody_from_seeing_that_the_process_lives() {
    let examinations = Arc::new(AtomicUsize::new(0));
    let counted = examinations.clone();
    let health = Health::new().prefers("search", move || {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::pending()
    });
    let router = shell(health.router());
    let ask = || get_as(&router, "/health", None);
    let mut hanging: Vec<_> = (0..256).map(|_| Box::pin(ask())).collect();
    for probe in &mut hanging {
        let _pending = futures::poll!(probe);
    }
    assert_eq!(get_as(&router, LIVE, None).await.0, StatusCode::OK);
    assert_eq!(get_as(&router, "/health", None).await.0, StatusCode::SERVICE_UNAVAILABLE);
    // Nor from sending it requests: those who ask for that have places of their own.
    assert_eq!(get_as(&router, READY, None).await.0, StatusCode::OK);
    // Who hangs up does not make the next begin anew.
    drop(hanging);
    assert_eq!(get_as(&router, "/ready", None).await.0, StatusCode::OK);
    let (_, body) = get_as(&router, "/health", None).await;
    assert!(body.contains("no answer in time"), "{body}");
    assert_eq!(examinations.load(Ordering::Relaxed), 1);
}
