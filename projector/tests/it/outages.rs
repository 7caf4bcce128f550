//! What the running program says of what it meets with: once when it begins, once when it is over.

use std::process::Stdio;
use std::time::Duration;

use sqlx::{ConnectOptions, PgPool};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStderr, Command};
use tokio::task::JoinSet;

use crate::shop::{Shop, lease, project};

/// The program at work on carts, with all that it has said.
struct Running {
    _child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    said: Vec<String>,
}

impl Running {
    /// Postgres is behind a port of its own, if there is one.
    fn start(db: &PgPool, port: Option<u16>) -> Self {
        let mut url = db.connect_options().to_url_lossy();
        if port.is_some() {
            url.set_port(port).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_projector"));
        command.args(["run", "--projection", "carts"]).kill_on_drop(true);
        command.env("DATABASE_URL", url.as_str()).env("LISTEN", "127.0.0.1:0");
        command.env("LOG_FORMAT", "json").env("RUST_LOG", "projector=debug").env_remove("NATS_URL");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { _child: child, lines, said: vec![] }
    }

    fn times(&self, what: &str) -> usize {
        self.said.iter().filter(|line| line.contains(what)).count()
    }

    /// Listens until it has said something so many times.
    async fn until(&mut self, what: &str, times: usize) {
        while self.times(what) < times {
            let line = tokio::time::timeout(Duration::from_mins(1), self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("'{what}' is not said: {:#?}", self.said));
            self.said.push(line.unwrap().expect("it runs"));
        }
    }
}

/// Hands connections on to Postgres until it is dropped.
async fn pass_on(db: &PgPool, port: u16) -> JoinSet<()> {
    let options = db.connect_options();
    let postgres = (options.get_host().to_owned(), options.get_port());
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let mut passing = JoinSet::new();
    passing.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut from, _) = listener.accept().await.unwrap();
            let postgres = postgres.clone();
            connections.spawn(async move {
                let mut to = TcpStream::connect(postgres).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    passing
}

#[sqlx::test(migrations = "../migrations")]
async fn an_outage_is_reported_once_and_so_is_its_end(db: PgPool) {
    const BEGUN: &str = "it cannot go on";
    const TRIED: &str = "\"trying again\"";
    const OVER: &str = "it goes on again";
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);

    // Postgres is away at the start,
    let mut running = Running::start(&db, Some(port));
    running.until(TRIED, 2).await;
    assert_eq!((running.times(BEGUN), running.times(OVER)), (1, 0), "{:#?}", running.said);
    let refused = running.said.iter().find(|line| line.contains(BEGUN)).unwrap();
    assert!(refused.contains("refused"), "the cause is in the line: {refused}");
    // comes,
    let passing = pass_on(&db, port).await;
    running.until("\"working\"", 1).await;
    assert_eq!((running.times(BEGUN), running.times(OVER)), (1, 1), "{:#?}", running.said);
    // and goes and comes again.
    drop(passing);
    let tried = running.times(TRIED);
    running.until(TRIED, tried + 3).await;
    assert_eq!((running.times(BEGUN), running.times(OVER)), (2, 1), "{:#?}", running.said);
    let _passing = pass_on(&db, port).await;
    running.until(OVER, 2).await;
    assert_eq!(running.times(BEGUN), 2, "{:#?}", running.said);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_standby_says_once_who_works(db: PgPool) {
    let shop = Shop::open(&db);
    shop.cart().await;
    project(&db, "carts").await;
    let _held = lease(&db, "carts", "somebody").await.unwrap();
    let mut running = Running::start(&db, None);
    running.until("\"working\"", 1).await;
    assert_eq!(running.times("carts is held by somebody"), 1, "{:#?}", running.said);
}
