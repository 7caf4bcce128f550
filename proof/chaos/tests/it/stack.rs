//! Programs started, killed and started again; and the requests that tests make of them.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use harness::{Launch, Program, Ready, built, free_port, required};
use kit::http;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// How long a program may take until it is ready, and a reader until it has caught up.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Held by whoever runs the cluster of `CHAOS_SPECIFICATION`: its ports are one test's at a time.
pub static CLUSTER: Mutex<()> = Mutex::new(());

/// Two command-apis, two projectors, a query-api.
pub struct Stack {
    pub commands: [Program; 2],
    pub projectors: [Program; 2],
    pub query: Program,
    /// What its stream and its index are called.
    pub own: String,
    client: Client,
}

/// Where the test's own database is.
pub fn database(db: &PgPool) -> String {
    database_called(db.connect_options().get_database().unwrap())
}

/// Where a database of the same server is.
pub fn database_called(name: &str) -> String {
    let server = required("DATABASE_URL");
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}

/// A service on a port of its own, not started yet. The test's own NATS is for those who are given
/// it: its streams are shared.
pub fn service(name: &str, arguments: &[&str], environment: &[(&str, String)]) -> Program {
    let port = free_port().unwrap();
    let own = ("LISTEN", format!("127.0.0.1:{port}"));
    let given = environment.iter().chain([&own]);
    let given = given.map(|(name, is)| ((*name).to_owned(), Some(is.clone())));
    let launch = Launch {
        program: built(name),
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        environment: [("NATS_URL".to_owned(), None)].into_iter().chain(given).collect(),
        ..Launch::default()
    };
    let ready = Ready::Http(format!("http://127.0.0.1:{port}/ready"));
    Program::new(name.to_owned(), port, launch, ready, log(name, port))
}

/// Where a service writes its log that listens at that port.
pub fn log(name: &str, port: u16) -> PathBuf {
    std::env::temp_dir().join(format!("chaos-{name}-{port}.log"))
}

impl Stack {
    /// Starts everything on the test's own database.
    pub async fn start(db: &PgPool) -> Self {
        Self::start_told(db, &[]).await
    }

    /// The same, with what all of it is told besides.
    pub async fn start_told(db: &PgPool, told: &[(&'static str, String)]) -> Self {
        let own = format!("e{}", Uuid::now_v7().simple());
        let environment = [
            ("DATABASE_URL", database(db)),
            ("NATS_URL", required("NATS_URL")),
            ("EVENT_STREAM", own.clone()),
            ("MEILI_URL", required("MEILI_URL")),
            ("MEILI_MASTER_KEY", required("MEILI_MASTER_KEY")),
            ("SEARCH_INDEX", own.clone()),
        ];
        let environment = [&environment, told].concat();
        let query = service("query-api", &["serve"], &environment);
        let environment: Vec<_> =
            environment.into_iter().chain([("PUBLIC_QUERY_URL", query.url(""))]).collect();
        let service = |name, action| service(name, &[action], &environment);
        let mut stack = Self {
            commands: [service("command-api", "serve"), service("command-api", "serve")],
            projectors: [service("projector", "run"), service("projector", "run")],
            query,
            own,
            client: Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
        };
        for program in stack.commands.iter_mut().chain(&mut stack.projectors) {
            program.start().await.unwrap();
        }
        stack.query.start().await.unwrap();
        stack
    }

    /// Posts to one of the command-apis until it answers for certain: as a careful client does,
    /// under the same key. `None` after a minute of lost answers.
    pub async fn post(
        &self,
        api: usize,
        path: &str,
        key: &str,
        body: &Value,
    ) -> (StatusCode, Value) {
        for _ in 0..PATIENCE.as_millis() / 200 {
            let sent = self
                .client
                .post(self.commands[api].url(path))
                .header("Idempotency-Key", key)
                .json(body)
                .send()
                .await;
            if let Ok(answer) = sent {
                let status = answer.status();
                if !status.is_server_error()
                    && let Ok(body) = answer.json().await
                {
                    return (status, body);
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("no answer to {path} under {key}");
    }

    /// Posts, and expects it to be accepted.
    pub async fn accept(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(0, path, &Uuid::now_v7().to_string(), &body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    /// Gives a command that makes something or has it done later, and reads its subject where the
    /// answer says; returns its id.
    pub async fn make(&self, path: &str, body: Value) -> String {
        let key = Uuid::now_v7().to_string();
        let asked = self.client.post(self.commands[0].url(path)).header("Idempotency-Key", key);
        let answer = asked.json(&body).send().await.unwrap();
        assert!([StatusCode::CREATED, StatusCode::ACCEPTED].contains(&answer.status()), "{path}");
        let location = answer.headers()["location"].to_str().unwrap().to_owned();
        let made: Value = answer.json().await.unwrap();
        let fresh = format!("{location}?min_position={}", made["position"]);
        let read = self.client.get(&fresh).header("Prefer", "wait=20").send().await.unwrap();
        assert_eq!(read.status(), StatusCode::OK, "{fresh}");
        assert!(read.headers().contains_key("etag"), "{fresh}");
        let read: Value = read.json().await.unwrap();
        assert_eq!(read["id"], made["id"], "{fresh}");
        made["id"].as_str().unwrap().to_owned()
    }

    /// Reads what is at least as new as `position`.
    pub async fn get(&self, path: &str, position: &Value) -> Value {
        let separator = if path.contains('?') { '&' } else { '?' };
        let url = self.query.url(&format!("{path}{separator}min_position={position}"));
        for _ in 0..6 {
            let request = self.client.request(Method::GET, &url).header("Prefer", "wait=10");
            if let Ok(answer) = request.send().await {
                let status = answer.status();
                if status.is_success() {
                    return answer.json().await.unwrap();
                }
                let body = answer.text().await.unwrap_or_default();
                assert_eq!(status, StatusCode::GATEWAY_TIMEOUT, "{path}: {body}");
            }
        }
        panic!("{path} did not come up to {position}");
    }

    /// The text of a resource that is not one document.
    pub async fn text(&self, path: &str) -> String {
        let answer = self.client.get(self.query.url(path)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    }

    /// Reads a document until it says what is expected of it.
    pub async fn until(&self, path: &str, what: &str, field: &str, value: &str) -> Value {
        let mut seen = Value::Null;
        for _ in 0..PATIENCE.as_millis() / 100 {
            if let Ok(answer) = self.client.get(self.query.url(path)).send().await
                && answer.status().is_success()
            {
                seen = answer.json().await.unwrap();
                if seen.pointer(field).and_then(Value::as_str) == Some(value) {
                    return seen;
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what} is not {value}: {seen}");
    }

    /// A published product of one variant with `units` in stock; returns its id.
    pub async fn sell(&self, sku: &str, title: &str, units: u32) -> String {
        let product = json!({
            "title": title, "category": ["Bags"], "attributes": {"material": "leather"},
            "variants": [{"sku": sku, "prices": [{"amount": "19.99", "currency": "EUR"}]}],
        });
        let created = self.accept("/v1/products", product).await;
        let id = created["id"].as_str().unwrap().to_owned();
        for (path, body) in [http::publish(&id), http::receive(sku, units)] {
            self.accept(&path, body).await;
        }
        id
    }
}
