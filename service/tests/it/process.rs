//! The process around the shell: its end, its log, its metrics as Prometheus reads them, and the
//! servers that it needs.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::routing::get;
use serde_json::Value;
use service::config::Secret;
use service::exposed::Exposure;
use service::health::Health;
use service::{Problem, http};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::{ask, get_request};

/// A log that is kept.
#[derive(Clone, Default)]
struct Written(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn each_request_leaves_one_line_without_what_is_secret() {
    let written = Written::default();
    let writer = written.clone();
    let log = tracing_subscriber::fmt().json().flatten_event(true);
    let log = log.with_writer(move || writer.clone());
    let logging = tracing::subscriber::set_default(log.finish());
    let request = Request::get("/orders/7?card=4111")
        .header(header::AUTHORIZATION, "Bearer hunter2")
        .header("x-request-id", "order-7")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    ask(request.body(Body::empty()).expect("a request")).await;
    ask(get_request("/live")).await;
    drop(logging);
    let text = String::from_utf8(written.0.lock().expect("no panic").clone()).expect("text");
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [line] = &lines[..] else { panic!("{text}") };
    assert_eq!(line["level"], "INFO");
    for (name, value) in [
        ("method", "GET"),
        ("route", "/orders/{number}"),
        ("path", "/orders/7"),
        ("request_id", "order-7"),
        ("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
        ("caller", "token"),
    ] {
        assert_eq!(line[name], value, "{text}");
    }
    assert_eq!((&line["status"], &line["bytes"]), (&200.into(), &1.into()), "{text}");
    assert!(line["took_ms"].is_f64(), "{text}");
    assert!(!text.contains("4111") && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn nats_without_jetstream_is_not_well() {
    let program = std::env::var("NATS_SERVER_BIN").expect("NATS_SERVER_BIN, for one without it");
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let server = tokio::process::Command::new(program)
        .args(["--addr", "127.0.0.1", "--port", &port.to_string()])
        .args(["--user", "shop", "--pass", "secret"])
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let _server = server.expect("NATS starts");
    let found = |url: String| async move {
        let url = Some(Secret::from(&*url));
        let bus = service::config::Bus { url, stream: "none".to_owned() };
        let client = service::bus::connect(&bus, "test").await.expect("a URL").expect("a client");
        client.flush().await.expect("it is there by and by");
        service::bus::check(&client).await
    };
    let reason = found(format!("nats://shop:secret@127.0.0.1:{port}")).await;
    let reason = reason.expect_err("it has no streams");
    assert!(reason.starts_with("no JetStream"), "{reason}");
    let usual = std::env::var("NATS_URL").expect("NATS_URL, as cargo xtask test sets it");
    assert_eq!(found(usual.clone()).await, Ok(()));
    // Nor is a connection that was only just begun an outage.
    let bus = service::config::Bus { url: Some(Secret::from(&*usual)), stream: "none".to_owned() };
    let client = service::bus::connect(&bus, "test").await.expect("a URL").expect("a client");
    assert_eq!(service::bus::check(&client).await, Ok(()));
    // Where nobody says a word it is told which setting to look at.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("nats://{}", silent.local_addr().expect("a port"));
    let bus = service::config::Bus { url: Some(Secret::from(&*url)), stream: "none".to_owned() };
    let client = service::bus::connect(&bus, "test").await.expect("a URL").expect("a client");
    let reason = service::bus::check(&client).await.expect_err("nobody is there");
    assert!(reason.contains("NATS_URL"), "{reason}");
    // And where one says no, what it said.
    let url = format!("nats://somebody:hunter2@127.0.0.1:{port}");
    let bus = service::config::Bus { url: Some(Secret::from(&*url)), stream: "none".to_owned() };
    let client = service::bus::connect(&bus, "test").await.expect("a URL").expect("a client");
    // However long that takes, and whoever else in this process is let in meanwhile.
    let refused = async {
        loop {
            let reason = service::bus::check(&client).await.expect_err("nobody is called that");
            if reason.contains("authorization violation") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(25), refused).await.expect("it is told what it said");
}

/// Prometheus' own opinion, which is to be none.
pub fn promtool(arguments: &[&str], input: &str) {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let program = std::env::var("PROMTOOL_BIN").unwrap_or_else(|_| "promtool".to_owned());
    let child = Command::new(&program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!("{program}: {error}; set PROMTOOL_BIN, or install the package prometheus")
    });
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("it reads");
    let told = child.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && text.trim().is_empty(), "{text}");
}

#[tokio::test]
async fn stopping_finishes_what_was_accepted_and_takes_no_more() {
    let slow = Router::new().route(
        "/slow",
        get(|| async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            "done"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(service::serve_on(listener, http::shell(slow), stop.clone()));
    let mut client = TcpStream::connect(address).await.expect("a connection");
    let request = b"GET /slow HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    client.write_all(request).await.expect("a request");
    tokio::time::sleep(Duration::from_millis(100)).await;
    stop.cancel();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("a whole answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{answer}");
    serving.await.expect("no panic").expect("no error");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

pub async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address")
}

/// What a process is told of its ports, and nothing else.
pub fn told(public: SocketAddr, operations: SocketAddr) -> service::config::Http {
    service::config::Http {
        origins: service::cors::Origins::default(),
        listen: Some(public),
        token: None,
        ops_listen: Some(operations),
        drain_delay: 0,
        tls: service::tls::Tls::default(),
        rates: service::rates::Rates::default(),
        exposure: Exposure::default(),
    }
}

#[tokio::test]
async fn a_service_that_is_told_to_end_says_so_before_its_port_closes() {
    let (public, operations) = (free_address().await, free_address().await);
    let http = told(public, operations);
    let health = Health::new();
    let router =
        http::shell(Router::new().route("/", get(|| async { "here" })).merge(health.router()));
    let shutdown = service::shutdown::Shutdown::default();
    let stops = shutdown.clone();
    let serving =
        tokio::spawn(async move { service::serve(router, &health, &http, 0, stops).await });
    let status = |address, path: &'static str| async move {
        loop {
            // It listens a moment later.
            if let Ok(mut client) = TcpStream::connect(address).await {
                let request = format!("GET {path} HTTP/1.0\r\n\r\n");
                client.write_all(request.as_bytes()).await.expect("a request");
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.expect("an answer");
                return answer[9..12].to_owned();
            }
            tokio::task::yield_now().await;
        }
    };
    for address in [public, operations] {
        assert_eq!(status(address, "/ready").await, "200");
    }
    assert_eq!(
        (status(public, "/metrics").await, status(operations, "/metrics").await),
        ("404".into(), "200".into())
    );
    assert_eq!(status(operations, "/").await, "404", "the port for operations has nothing else");
    shutdown.draining.cancel();
    for address in [public, operations] {
        assert_eq!(status(address, "/ready").await, "503");
    }
    assert_eq!(status(public, "/").await, "200", "everything else goes on");
    shutdown.stop.cancel();
    serving.await.expect("no panic").expect("no error");
    for address in [public, operations] {
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
    }
}

/// The database of the tests by another name, through a pool of so many connections.
fn pool_of(name: &str, connections: u32) -> sqlx::PgPool {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL, as cargo xtask test sets it");
    let (server, _) = url.rsplit_once('/').expect("a name");
    let url = Some(Secret::from(&*format!("{server}/{name}")));
    let told = service::config::Database { url, connections, statement_timeout: 1 };
    service::database::connect(&told).expect("a URL")
}

#[tokio::test]
async fn a_database_that_is_not_there_or_not_migrated_is_no_fault_of_ours() {
    let pool = pool_of("there_is_none", 2);
    let reason = service::database::check(&pool).await.expect_err("there is none");
    assert_eq!(reason, "database \"there_is_none\" does not exist");
    let problem = Problem::from(pool.acquire().await.expect_err("there is none"));
    assert_eq!((problem.status().as_u16(), problem.code()), (503, "database_unavailable"));

    let pool = pool_of("template1", 2);
    let reason = service::database::check(&pool).await.expect_err("it is empty");
    assert_eq!(reason, "the database is not migrated");
    let missing = sqlx::query("SELECT 1 FROM log_head").execute(&pool).await;
    let problem = Problem::from(missing.expect_err("it is empty"));
    assert_eq!((problem.status().as_u16(), problem.code()), (503, "database_not_migrated"));
}

/// What a session says that a setting is.
async fn shown(session: &mut sqlx::PgConnection, name: &'static str) -> String {
    let setting = sqlx::query_scalar("SELECT current_setting($1)").bind(name);
    setting.fetch_one(session).await.expect("a setting")
}

#[tokio::test]
async fn sessions_are_set_alike_wherever_they_are_made() {
    let pool = pool_of("template1", 2);
    let forgetful = service::database::forgetful(&pool, 1);
    let mut of_pool = pool.acquire().await.expect("a connection");
    let mut of_list = forgetful.acquire().await.expect("a connection");
    let mut beside = service::session::beside(&pool).await.expect("a connection");
    for session in [&mut *of_pool, &mut *of_list, &mut beside] {
        assert_eq!(shown(session, "statement_timeout").await, "1s");
        assert_eq!(shown(session, "idle_in_transaction_session_timeout").await, "10s");
    }
    for name in ["synchronous_commit", "enable_seqscan", "jit"] {
        assert_eq!(shown(&mut of_list, name).await, "off");
    }
    assert_eq!(shown(&mut of_pool, "enable_seqscan").await, "on");
    let options = pool.connect_options();
    let lends = service::pooler::lends_sessions(&mut beside, &options).await;
    assert!(!lends.expect("an answer"), "nobody is in between");
    assert!(service::pooler::refuse(&options).await.is_ok());
}

/// However far a transaction had begun when nobody waited for it any more, who has the connection
/// next is not in it.
#[tokio::test]
async fn dropped_at_any_moment_a_beginning_leaves_no_transaction() {
    let pool = pool_of("template1", 1);
    for times in 0..8 {
        let mut beginning = Box::pin(service::database::begin(&pool));
        for _ in 0..times {
            if futures::poll!(&mut beginning).is_ready() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop(beginning);
        // In a transaction it is the same moment all the time.
        let now = || sqlx::query_scalar::<_, String>("SELECT now()::text").fetch_one(&pool);
        let (one, other) = (now().await.expect("an answer"), now().await.expect("an answer"));
        assert_ne!(one, other, "after {times} polls");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_a_problem_to_retry() {
    let url = Secret::from("postgres://nobody@127.0.0.1:9/nothing");
    let told = service::config::Database { url: Some(url), connections: 2, statement_timeout: 1 };
    let pool = service::database::connect(&told).expect("a URL");
    let reason = service::database::check(&pool).await.expect_err("nobody is there");
    assert!(reason.contains("refused"), "{reason}");
    let away = Problem::from(pool.acquire().await.expect_err("nobody is there"));
    assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(away.code(), "database_unavailable");
}
