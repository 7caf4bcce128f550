//! Programs started, killed and started again; and the requests that tests make of them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// How long a program may take until it is ready, and a reader until it has caught up.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// One running program.
pub struct Program {
    name: &'static str,
    arguments: &'static [&'static str],
    pub port: u16,
    environment: Vec<(&'static str, String)>,
    child: Option<Child>,
}

impl Program {
    /// The program that cargo built beside this test.
    fn path(name: &str) -> PathBuf {
        let test = std::env::current_exe().unwrap();
        let built = test.parent().unwrap().parent().unwrap().join(name);
        assert!(built.exists(), "{} is not built: run cargo xtask test", built.display());
        built
    }

    pub async fn start(&mut self) {
        let log = std::env::temp_dir().join(format!("end-to-end-{}-{}.log", self.name, self.port));
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let child = Command::new(Self::path(self.name))
            .args(self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("LISTEN", format!("127.0.0.1:{}", self.port))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let ready = format!("http://127.0.0.1:{}/ready", self.port);
        for _ in 0..PATIENCE.as_millis() / 100 {
            if reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} on port {} is not ready", self.name, self.port);
    }

    /// As if the machine had lost power.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal by name: `STOP`, `CONT`, `TERM`.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success()
        );
    }

    /// Waits for the end of a program that was asked to stop.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Two command-apis, two projectors, a query-api.
pub struct Stack {
    pub commands: [Program; 2],
    pub projectors: [Program; 2],
    pub query: Program,
    pub stream: String,
    environment: Vec<(&'static str, String)>,
    client: Client,
}

fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name}: cargo xtask test sets it"))
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Stack {
    /// Starts everything on the test's own database.
    pub async fn start(db: &PgPool) -> Self {
        let name = db.connect_options().get_database().unwrap().to_owned();
        let server = required("DATABASE_URL");
        let (base, _) = server.rsplit_once('/').unwrap();
        let own = format!("e{}", Uuid::now_v7().simple());
        let environment = vec![
            ("DATABASE_URL", format!("{base}/{name}")),
            ("NATS_URL", required("NATS_URL")),
            ("EVENT_STREAM", own.clone()),
            ("MEILI_URL", required("MEILI_URL")),
            ("MEILI_MASTER_KEY", required("MEILI_MASTER_KEY")),
            ("SEARCH_INDEX", own.clone()),
        ];
        let program = |name, arguments| Program {
            name,
            arguments,
            port: free_port(),
            environment: environment.clone(),
            child: None,
        };
        let mut stack = Self {
            commands: [program("command-api", &["serve"]), program("command-api", &["serve"])],
            projectors: [program("projector", &["run"]), program("projector", &["run"])],
            query: program("query-api", &["serve"]),
            stream: own,
            environment: environment.clone(),
            client: Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
        };
        for program in stack.commands.iter_mut().chain(&mut stack.projectors) {
            program.start().await;
        }
        stack.query.start().await;
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
        self.accept(&format!("/v1/products/{id}/publish"), json!({})).await;
        let receive = json!({"location": "main", "quantity": units});
        self.accept(&format!("/v1/stock/{sku}/receive"), receive).await;
        id
    }

    /// The same addresses, without owning the programs: for clients that outlive them.
    pub fn addresses(&self) -> Self {
        let address = |program: &Program| Program {
            name: program.name,
            arguments: program.arguments,
            port: program.port,
            environment: vec![],
            child: None,
        };
        Self {
            commands: [address(&self.commands[0]), address(&self.commands[1])],
            projectors: [address(&self.projectors[0]), address(&self.projectors[1])],
            query: address(&self.query),
            stream: self.stream.clone(),
            environment: self.environment.clone(),
            client: self.client.clone(),
        }
    }

    /// Runs a command of the projector, such as `verify`.
    pub fn projector(&self, arguments: &[&str]) -> std::process::Output {
        Command::new(Program::path("projector"))
            .args(arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap()
    }
}
