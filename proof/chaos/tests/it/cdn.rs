//! A real cache in front of query-api, with the rules of `deploy/varnish.vcl`: what it shows to
//! whom, and how it comes to forget.

use std::time::Duration;

use harness::{Launch, Program, Ready, free_port};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::reactor::post;
use crate::stack::{PATIENCE, database, log, service};

const RULES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/varnish.vcl"));
/// Where those have query-api.
const BACKEND: &str = "\"query-api\";\n    .port = \"8081\";";
/// Has the cache go by our headers alone: by itself it keeps nothing for who shows a token.
const CARELESS: &str = "sub vcl_recv { if (req.method == \"GET\") { return (hash); } }\n";

/// The engine, with a cache that keeps the catalogue for an hour.
struct Shop {
    api: Program,
    projector: Program,
    reactor: Program,
    query: Program,
    cache: Program,
    client: Client,
}

/// What was read through the cache.
struct Read {
    status: StatusCode,
    text: String,
    /// Whether query-api was not asked.
    is_kept: bool,
}

impl Shop {
    async fn open(db: &PgPool) -> Self {
        let own = format!("e{}", Uuid::now_v7().simple());
        let environment = [
            ("DATABASE_URL", database(db)),
            ("MEILI_URL", harness::required("MEILI_URL")),
            ("MEILI_MASTER_KEY", harness::required("MEILI_MASTER_KEY")),
            ("SEARCH_INDEX", own),
        ];
        let told = |more: &[(&'static str, String)]| [environment.as_slice(), more].concat();
        let keeps = [("API_TOKEN", "s3cret".to_owned()), ("CATALOGUE_MAX_AGE", "3600".to_owned())];
        let query = service("query-api", &["serve"], &told(&keeps));
        let cache = cache(&query);
        let purges = [("CDN_PURGE_URL", cache.url("")), ("CDN_ORIGIN_URL", query.url(""))];
        let mut shop = Self {
            api: service("command-api", &["serve", "--reactor", "off"], &told(&[])),
            projector: service("projector", &["run"], &told(&[])),
            reactor: service("reactor", &["run"], &told(&purges)),
            query,
            cache,
            client: Client::builder().timeout(Duration::from_secs(20)).build().unwrap(),
        };
        let Self { api, projector, reactor, query, cache, .. } = &mut shop;
        for program in [api, projector, reactor, query, cache] {
            program.start().await.unwrap();
        }
        shop
    }

    /// A draft of one variant.
    async fn draft(&self, title: &str) -> String {
        let price = json!({"amount": "19.99", "currency": "EUR"});
        let sku = Uuid::now_v7().simple().to_string().to_uppercase();
        let product = json!({"title": title, "variants": [{"sku": sku, "prices": [price]}]});
        post(&self.api, "/v1/products", &product).await
    }

    /// Calls a product otherwise, and says at which position.
    async fn rename(&self, product: &str, title: &str) -> i64 {
        let asked = self.client.patch(self.api.url(&format!("/v1/products/{product}")));
        let answer = asked.json(&json!({"title": title})).send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
        answer.json::<Value>().await.unwrap()["position"].as_i64().unwrap()
    }

    /// Waits until query-api shows a position.
    async fn shown(&self, position: i64) {
        let url = self.query.url(&format!("/v1/products?min_position={position}"));
        let answer = self.client.get(url).header("prefer", "wait=30").send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }

    async fn read(&self, path: &str, token: Option<&str>) -> Read {
        let asked = self.client.get(self.cache.url(path));
        let asked = token.into_iter().fold(asked, reqwest::RequestBuilder::bearer_auth);
        let answer = asked.send().await.unwrap();
        let status = answer.status();
        // It names the request that it keeps the answer of, too.
        let names = answer.headers()["x-varnish"].to_str().unwrap().to_owned();
        assert!(!answer.headers().contains_key("surrogate-key"));
        let text = answer.text().await.unwrap();
        Read { status, text, is_kept: names.contains(' ') }
    }

    /// Reads through the cache until it keeps an answer that says so.
    async fn kept(&self, path: &str, words: &str) {
        for _ in 0..PATIENCE.as_millis() / 100 {
            let read = self.read(path, None).await;
            if read.is_kept && read.text.contains(words) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("never {words} in {path}: {}", self.read(path, None).await.text);
    }

    /// Follows the log over a WebSocket, through the cache, until an event of that name.
    async fn follow(&self, event: &str) {
        let mut socket = TcpStream::connect(("127.0.0.1", self.cache.port)).await.unwrap();
        let asked = "GET /v1/events/ws?after=0 HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\n\
                     upgrade: websocket\r\nsec-websocket-version: 13\r\n\
                     sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                     sec-websocket-protocol: commerce.v1, bearer.s3cret\r\n\r\n";
        socket.write_all(asked.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        let words = format!("\"event\":\"{event}\"");
        let hear = async {
            while !heard.windows(words.len()).any(|part| part == words.as_bytes()) {
                let length = socket.read_buf(&mut heard).await.unwrap();
                assert!(length > 0, "{}", heard.escape_ascii());
            }
        };
        timeout(PATIENCE, hear).await.expect("it is told");
        assert!(heard.starts_with(b"HTTP/1.1 101 "), "{}", heard.escape_ascii());
    }

    /// Waits until the reactor has said of purges that they came to this.
    async fn told(&self, outcome: &str) {
        let line = format!("commerce_cdn_purges_total{{outcome=\"{outcome}\"}} ");
        for _ in 0..PATIENCE.as_millis() / 100 {
            let metrics = self.client.get(self.reactor.url("/metrics")).send().await.unwrap();
            let metrics = metrics.text().await.unwrap();
            let count = metrics.lines().find_map(|found| found.strip_prefix(&line));
            if count.is_some_and(|count| count != "0") {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("never {outcome}");
    }
}

/// A cache in front of a program, in a folder of its own.
fn cache(behind: &Program) -> Program {
    let port = free_port().unwrap();
    let folder = std::env::temp_dir().join(format!("chaos-varnish-{port}"));
    std::fs::create_dir_all(&folder).unwrap();
    let rules = folder.join("rules.vcl");
    let backend = format!("\"127.0.0.1\";\n    .port = \"{}\";", behind.port);
    assert!(RULES.contains(BACKEND));
    std::fs::write(&rules, RULES.replace(BACKEND, &backend) + CARELESS).unwrap();
    let (listen, work) = (format!("127.0.0.1:{port}"), folder.join("work"));
    let (rules, work) = (rules.display().to_string(), work.display().to_string());
    let arguments =
        ["-F", "-j", "none", "-s", "malloc,32m", "-a", &listen, "-f", &rules, "-n", &work];
    let launch = Launch {
        program: harness::required("VARNISHD_BIN").into(),
        arguments: arguments.map(str::to_owned).to_vec(),
        ..Launch::default()
    };
    let ready = Ready::Http(format!("http://{listen}/ready"));
    Program::new("varnishd".to_owned(), port, launch, ready, log("varnishd", port))
}

/// What is kept for an hour is another a moment after it changed, whoever was dead meanwhile, and
/// never what it was before.
#[sqlx::test(migrations = "../../migrations")]
async fn a_change_comes_through_a_cache_that_keeps_for_an_hour(db: PgPool) {
    let mut shop = Shop::open(&db).await;
    let tote = shop.draft("First").await;
    let (path, body) = kit::http::publish(&tote);
    post(&shop.api, &path, &body).await;
    let one = format!("/v1/products/{tote}");
    let all = [one.as_str(), "/v1/products", "/v1/search"];
    // Nobody tells the cache: it goes on with what it has.
    shop.reactor.kill();
    for path in all {
        shop.kept(path, "First").await;
    }
    let position = shop.rename(&tote, "Second").await;
    shop.shown(position).await;
    for path in &all[..2] {
        let read = shop.read(path, None).await;
        assert!(read.is_kept && read.text.contains("First"), "{path}: {}", read.text);
    }
    shop.reactor.start().await.unwrap();
    for path in all {
        shop.kept(path, "Second").await;
    }

    // A purge before query-api shows the change would have the cache keep what was.
    shop.projector.kill();
    let position = shop.rename(&tote, "Third").await;
    shop.told("behind").await;
    assert!(shop.read(&one, None).await.text.contains("Second"));
    shop.projector.start().await.unwrap();
    shop.shown(position).await;
    for path in all {
        shop.kept(path, "Third").await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_cache_that_goes_by_our_headers_shows_nobody_what_is_not_theirs(db: PgPool) {
    let shop = Shop::open(&db).await;
    let tote = shop.draft("Tote").await;
    let (path, body) = kit::http::publish(&tote);
    post(&shop.api, &path, &body).await;
    let draft = shop.draft("Secret").await;
    let position = shop.rename(&draft, "Most secret").await;
    shop.shown(position).await;
    let (of_tote, of_draft) = (format!("/v1/products/{tote}"), format!("/v1/products/{draft}"));
    let staff = Some("s3cret");
    let any = "/v1/products?status=any";
    for _ in 0..3 {
        for (path, strangers) in [
            (of_draft.as_str(), StatusCode::NOT_FOUND),
            (any, StatusCode::UNAUTHORIZED),
            (&of_tote, StatusCode::OK),
            ("/v1/stock", StatusCode::OK),
        ] {
            let theirs = shop.read(path, staff).await;
            assert!(theirs.status.is_success() && !theirs.is_kept, "{path}: {}", theirs.text);
            let read = shop.read(path, None).await;
            assert_eq!(read.status, strangers, "{path}");
            assert!(!read.text.contains("ecret"), "{path}: {}", read.text);
        }
    }
    shop.kept(&of_tote, "Tote").await;
    assert!(!shop.read(&of_tote, staff).await.is_kept, "who shows a token is asked about");
    let fresh = format!("{of_tote}?min_position={position}");
    for _ in 0..2 {
        assert!(!shop.read(&fresh, None).await.is_kept, "it is as new as was asked");
    }
    shop.follow("product.published").await;
}
