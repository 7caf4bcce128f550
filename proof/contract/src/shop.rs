//! The engine as its programs, on a database of a test's own, with the demo shop in it and somebody
//! of each kind who asks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use harness::{Launch, Program, Ready, built, free_port, required};
use reqwest::Client;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

/// How long the demo's payments may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The programs, and who asks them.
pub struct Shop {
    /// What takes commands.
    pub commands: Program,
    /// What is read from.
    pub reads: Program,
    /// What makes what is read.
    pub projector: Program,
    /// The owner's token, and the one of somebody who has registered.
    pub owner: String,
    /// See `owner`.
    pub customer: String,
    /// The token of a guest.
    pub guest: String,
    /// Which log it is.
    pub log_id: String,
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn program(name: &str, action: &str, environment: &[(&str, String)]) -> Program {
    let port = free_port().unwrap();
    let own = ("LISTEN", format!("127.0.0.1:{port}"));
    let all = environment.iter().chain([&own]);
    let launch = Launch {
        program: built(name),
        arguments: vec![action.to_owned()],
        environment: all.map(|(name, is)| ((*name).to_owned(), Some(is.clone()))).collect(),
        ..Launch::default()
    };
    let ready = Ready::Http(format!("http://127.0.0.1:{port}/ready"));
    let log = std::env::temp_dir().join(format!("contract-{name}-{port}.log"));
    Program::new(name.to_owned(), port, launch, ready, log)
}

/// Who is a customer.
fn somebody() -> Value {
    json!({ "email": "somebody@shop.example", "password": "correct horse" })
}

impl Shop {
    /// Starts everything on the test's own database, and loads the demo shop.
    pub async fn open(db: &PgPool) -> Self {
        let name = db.connect_options().get_database().unwrap().to_owned();
        let server = required("DATABASE_URL");
        let (base, _) = server.rsplit_once('/').unwrap();
        let (own, owner) = (format!("c{}", Uuid::now_v7().simple()), Uuid::now_v7().to_string());
        let (database, master_key) = (format!("{base}/{name}"), master_key());
        let index_key = index_key(&database, &master_key);
        let environment = [
            ("DATABASE_URL", database),
            ("NATS_URL", required("NATS_URL")),
            ("EVENT_STREAM", own.clone()),
            ("MEILI_URL", required("MEILI_URL")),
            ("MEILI_MASTER_KEY", required("MEILI_MASTER_KEY")),
            ("SEARCH_INDEX", own),
            ("API_TOKEN", owner.clone()),
            ("ACCESS", "asked".to_owned()),
            ("MASTER_KEY", master_key),
            ("INDEX_KEY", index_key),
        ];
        // Where no mails are sent, who registers need not show that the address is theirs.
        let mut first = program("command-api", "serve", &environment);
        first.start().await.unwrap();
        let client = Client::new();
        let (url, person) = (first.url("/v1/people"), somebody());
        let registered = client.post(url).json(&person).send().await.unwrap();
        assert!(registered.status().is_success(), "{}", registered.status());
        first.stop("TERM").await.unwrap();
        // Mails are written, and wait: nobody takes them there.
        let mails = [
            ("SMTP_URL", "smtp://127.0.0.1:9".to_owned()),
            ("MAIL_FROM", "shop@shop.example".to_owned()),
        ];
        let environment = [&environment[..], &mails].concat();
        let mut shop = Self {
            commands: program("command-api", "serve", &environment),
            reads: program("query-api", "serve", &environment),
            projector: program("projector", "run", &environment),
            owner,
            customer: String::new(),
            guest: String::new(),
            log_id: String::new(),
        };
        for program in [&mut shop.commands, &mut shop.projector, &mut shop.reads] {
            program.start().await.unwrap();
        }
        shop.load(&environment).await;
        shop
    }

    async fn load(&mut self, environment: &[(&str, String)]) {
        let demo = root().join("deploy/demo");
        let mut import = Command::new(built("command-api"));
        import.args(["import", "products"]).arg(demo.join("products.csv"));
        import.args(["--currency", "EUR"]).envs(environment.iter().map(|(name, is)| (name, is)));
        assert!(import.output().unwrap().status.success());
        self.batch(&demo.join("orders.ndjson")).await;
        self.paid().await;
        self.batch(&demo.join("fulfilments.ndjson")).await;
        let client = Client::new();
        let person = somebody();
        let post = async |path: &str, body: &Value| {
            let answer = client.post(self.commands.url(path)).json(body).send().await.unwrap();
            assert!(answer.status().is_success(), "{path}: {}", answer.status());
            answer.json::<Value>().await.unwrap_or_default()
        };
        let token = |answer: Value| answer["token"].as_str().unwrap().to_owned();
        let customer = token(post("/v1/sessions", &person).await);
        let guest = token(post("/v1/guests", &json!({})).await);
        let read = client.get(self.reads.url("/v1/products")).send().await.unwrap();
        let log_id = read.headers()["log-id"].to_str().unwrap().to_owned();
        (self.customer, self.guest, self.log_id) = (customer, guest, log_id);
    }

    /// The log, an event a line.
    pub async fn log(&self) -> String {
        let get = Client::new().get(self.reads.url("/v1/events")).bearer_auth(&self.owner);
        get.send().await.unwrap().text().await.unwrap()
    }

    async fn batch(&self, file: &Path) {
        let post = Client::new().post(self.commands.url("/v1/batch")).bearer_auth(&self.owner);
        let post = post.header("content-type", "application/x-ndjson");
        let answer = post.body(std::fs::read(file).unwrap()).send().await.unwrap();
        let verdicts = answer.text().await.unwrap();
        let refused = verdicts.lines().find(|verdict| verdict.contains("\"problem\""));
        assert_eq!(refused, None, "{}", file.display());
    }

    /// Waits until the demo's payments are through, which parcels wait for.
    async fn paid(&self) {
        let url = self.reads.url("/v1/orders?status=pending&payment_status=awaiting&limit=200");
        let orders = self.reads.url("/v1/orders?status=confirmed&limit=200");
        let wanted =
            std::fs::read_to_string(root().join("deploy/demo/fulfilments.ndjson")).unwrap();
        let client = Client::new();
        for _ in 0..PATIENCE.as_millis() / 100 {
            let get = client.get(&orders).bearer_auth(&self.owner).send().await.unwrap();
            let confirmed: Value = get.json().await.unwrap();
            let ids: Vec<&str> = confirmed["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|order| order["id"].as_str())
                .collect();
            let parcels =
                wanted.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut needed =
                parcels.filter_map(|line| line["data"]["order_id"].as_str().map(str::to_owned));
            if needed.all(|id| ids.contains(&id.as_str())) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the demo's payments are not through: {url}");
    }
}

fn master_key() -> String {
    printed(Command::new(built("command-api")).arg("master-key"))
}

/// By what query-api finds people.
fn index_key(database: &str, master_key: &str) -> String {
    let mut command = Command::new(built("command-api"));
    printed(command.arg("index-key").env("DATABASE_URL", database).env("MASTER_KEY", master_key))
}

fn printed(command: &mut Command) -> String {
    let made = command.output().unwrap();
    let text = String::from_utf8(made.stdout).unwrap();
    text.lines().last().unwrap().trim().to_owned()
}
