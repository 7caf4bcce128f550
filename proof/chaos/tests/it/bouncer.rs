//! A real `PgBouncer` between the programs and Postgres: by session everything holds, by
//! transaction or by statement nothing starts.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use harness::{Launch, Program, Ready, free_port, required};
use reqwest::Client;
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgPool};
use tokio::time::{sleep, timeout};

use crate::stack::{PATIENCE, Stack, log, service};

/// What is said where a program does not start.
const REFUSAL: &str = "DATABASE_URL leads to a pooler that lends sessions by transaction or by \
                       statement, where no setting, notification or lock holds: set its pool_mode \
                       to session, or name Postgres itself";
/// How often it is looked whether something has come.
const POLL: Duration = Duration::from_millis(50);
/// More than all programs of a test may have.
const CONNECTIONS: u32 = 200;

/// A pooler that was not started yet. It shows the test's database once for each mode that it has,
/// under that's name.
struct Bouncer {
    program: Program,
    folder: PathBuf,
}

impl Bouncer {
    fn before(db: &PgPool) -> Self {
        let port = free_port().unwrap();
        let folder = std::env::temp_dir().join(format!("chaos-pgbouncer-{port}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, settings(db, port)).unwrap();
        let mut arguments = vec!["-q".to_owned(), file.display().to_string()];
        // It does not run as root.
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            arguments.extend(["-u".to_owned(), "nobody".to_owned()]);
        }
        let program = required("PGBOUNCER_BIN").into();
        let launch = Launch { program, arguments, ..Launch::default() };
        let ready = Ready::Postgres(url(port, "postgres"));
        let log = log("pgbouncer", port);
        let program = Program::new("pgbouncer".to_owned(), port, launch, ready, log);
        Self { program, folder }
    }

    async fn start(db: &PgPool) -> Self {
        let mut bouncer = Self::before(db);
        bouncer.program.start().await.unwrap();
        bouncer
    }

    /// The test's database in that mode.
    fn url(&self, mode: &str) -> String {
        url(self.program.port, mode)
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        self.program.kill();
        let _in_the_way = std::fs::remove_dir_all(&self.folder);
    }
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://anybody@127.0.0.1:{port}/{database}")
}

fn settings(db: &PgPool, port: u16) -> String {
    let options = PgConnectOptions::from_str(&required("DATABASE_URL")).unwrap();
    let server = options.to_url_lossy();
    let (host, at, user) = (options.get_host(), options.get_port(), options.get_username());
    // An empty one is a mistake to it.
    let password = server.password().map(|word| format!(" password='{word}'")).unwrap_or_default();
    let server = format!("host={host} port={at} user={user}{password}");
    let own = db.connect_options().get_database().unwrap().to_owned();
    let shown = ["session", "transaction", "statement"]
        .map(|mode| format!("{mode} = {server} dbname={own} pool_mode={mode}\n"))
        .concat();
    format!(
        "[databases]\n{shown}postgres = {server} dbname=postgres pool_mode=session\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = any\nmax_client_conn = {CONNECTIONS}\ndefault_pool_size = {CONNECTIONS}\n"
    )
}

/// Writes down what the sessions are set to that append, and that fold.
async fn write_settings_down(db: &PgPool) {
    sqlx::raw_sql(
        "CREATE TABLE seen (place text, name text, setting text);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
             INSERT INTO seen SELECT TG_TABLE_NAME, name, setting FROM pg_settings
             WHERE name IN ('statement_timeout', 'tcp_user_timeout', 'tcp_keepalives_count',
                            'idle_in_transaction_session_timeout');
             RETURN NULL;
         END $$;
         CREATE TRIGGER see AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION see();
         CREATE TRIGGER see AFTER INSERT ON products_rows
             FOR EACH STATEMENT EXECUTE FUNCTION see()",
    )
    .execute(db)
    .await
    .unwrap();
}

/// The values that a setting was seen to have in a place.
async fn seen(db: &PgPool, place: &str, name: &str) -> Vec<String> {
    let values = "SELECT DISTINCT setting FROM seen WHERE place = $1 AND name = $2";
    sqlx::query_scalar(values).bind(place).bind(name).fetch_all(db).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn by_session_everything_works_with_its_settings_in_force(db: PgPool) {
    write_settings_down(&db).await;
    let bouncer = Bouncer::start(&db).await;
    let stack = Stack::start_told(&db, &[("DATABASE_URL", bouncer.url("session"))]).await;
    let price = json!({"amount": "19.99", "currency": "EUR"});
    let product = json!({"title": "Tote", "variants": [{"sku": "TOTE", "prices": [price]}]});
    // Appended, folded, and read at its position.
    stack.make("/v1/products", product).await;
    for (place, name, expected) in [
        ("events", "statement_timeout", "20000"),
        ("events", "idle_in_transaction_session_timeout", "2000"),
        ("events", "tcp_user_timeout", "2000"),
        ("events", "tcp_keepalives_count", "2"),
        ("products_rows", "statement_timeout", "15000"),
    ] {
        assert_eq!(seen(&db, place, name).await, [expected], "{name} where {place} are written");
    }
    drop(stack);
    // Who has such a session next has none of it.
    let next = PgConnectOptions::from_str(&bouncer.url("session")).unwrap();
    let mut next = next.extra_float_digits(None::<i8>).connect().await.unwrap();
    let left: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM pg_settings WHERE source = 'session' AND setting IN ('2000', '20000')",
    )
    .fetch_all(&mut next)
    .await
    .unwrap();
    assert_eq!(left, [""; 0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn by_transaction_or_by_statement_no_program_starts(db: PgPool) {
    let bouncer = Bouncer::start(&db).await;
    for mode in ["transaction", "statement"] {
        for (name, task) in [
            ("command-api", "serve"),
            ("command-api", "migrate"),
            ("projector", "run"),
            ("query-api", "serve"),
            ("reactor", "run"),
        ] {
            let mut program = service(name, &[task], &[("DATABASE_URL", bouncer.url(mode))]);
            program.spawn().unwrap();
            let ending = async {
                while program.ended().unwrap().is_none() {
                    sleep(POLL).await;
                }
            };
            timeout(PATIENCE, ending).await.expect("it ends");
            let said = std::fs::read_to_string(log(name, program.port)).unwrap();
            let told = said.lines().any(|line| line.strip_prefix("Error: ") == Some(REFUSAL));
            assert!(told, "{name} {task}, {mode}: {said}");
            assert_eq!(program.wait().unwrap().code(), Some(1), "{name} {task}, {mode}");
        }
    }
}

/// Who started while nobody answered is not ready when it is that which answers.
#[sqlx::test(migrations = "../../migrations")]
async fn a_program_that_was_there_before_the_pooler_says_so(db: PgPool) {
    let mut bouncer = Bouncer::before(&db);
    let mut query =
        service("query-api", &["serve"], &[("DATABASE_URL", bouncer.url("transaction"))]);
    query.spawn().unwrap();
    let health = async || {
        let answer = Client::new().get(query.url("/health")).send().await;
        match answer {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_not_yet) => String::new(),
        }
    };
    let until = async |words: &str| {
        let telling = async {
            while !health().await.contains(words) {
                sleep(POLL).await;
            }
        };
        assert!(timeout(PATIENCE, telling).await.is_ok(), "{words}: {}", health().await);
    };
    until("refused").await;
    bouncer.program.start().await.unwrap();
    until(REFUSAL).await;
    let ready = Client::new().get(query.url("/ready")).send().await.unwrap();
    assert_eq!(ready.status().as_u16(), 503);
}
