//! A proxy in front of Postgres that falls silent at a moment of the protocol: to the server, its
//! client is then a process that was frozen there.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

/// What a client asks first, whether the server speaks TLS.
const SSL_REQUEST: u32 = 80_877_103;

/// The way of one process to its database.
pub struct Proxy {
    port: u16,
    armed: Arc<AtomicBool>,
}

impl Proxy {
    pub async fn start(db: &PgPool) -> Self {
        let options = db.connect_options();
        let server = format!("{}:{}", options.get_host(), options.get_port());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let armed = Arc::new(AtomicBool::new(false));
        let arm = armed.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                let (from_client, mut to_client) = client.into_split();
                let (mut from_server, to_server) = server.into_split();
                let asking = tokio::spawn(pass_on(from_client, to_server, arm.clone()));
                tokio::spawn(async move {
                    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                    // The server hung up.
                    asking.abort();
                });
            }
        });
        Self { port, armed }
    }

    /// A pool whose connections go through the proxy, under a name to find them by.
    pub fn pool(&self, db: &PgPool, name: &str) -> PgPool {
        let options = (*db.connect_options()).clone().host("127.0.0.1").port(self.port);
        PgPoolOptions::new().connect_lazy_with(options.application_name(name))
    }

    /// The next turn that is taken through the proxy is the last thing heard on its connection.
    pub fn freeze_in_turn(&self) {
        self.armed.store(true, Ordering::SeqCst);
    }

    pub fn has_frozen(&self) -> bool {
        !self.armed.load(Ordering::SeqCst)
    }
}

/// Passes on what a client sends, message by message, until it took a turn while that is armed.
/// What it sends after that is swallowed.
async fn pass_on(mut client: OwnedReadHalf, mut server: OwnedWriteHalf, armed: Arc<AtomicBool>) {
    let mut typed = false;
    let (mut turns, mut in_turn) = (HashSet::new(), false);
    loop {
        let Ok((kind, message)) = read(&mut client, typed).await else { return };
        let body = &message[if typed { 5 } else { 4 }..];
        if !typed {
            typed = body[..4] != SSL_REQUEST.to_be_bytes();
        }
        let mut texts = body.split(|byte| *byte == 0);
        match kind {
            // Parse: the name of a statement and its text.
            b'P' => {
                let name = texts.next().unwrap_or_default().to_vec();
                if String::from_utf8_lossy(texts.next().unwrap_or_default()).contains("take_turn(")
                {
                    turns.insert(name);
                }
            }
            // Bind: the name of a portal and that of the statement.
            b'B' => in_turn = texts.nth(1).is_some_and(|name| turns.contains(name)),
            _ => {}
        }
        if server.write_all(&message).await.is_err() {
            return;
        }
        // Sync: what was asked is now done.
        if kind == b'S' && in_turn && armed.swap(false, Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
    }
}

async fn read(client: &mut OwnedReadHalf, typed: bool) -> std::io::Result<(u8, Vec<u8>)> {
    let mut message = Vec::new();
    let kind = if typed { client.read_u8().await? } else { 0 };
    if typed {
        message.push(kind);
    }
    let length = client.read_u32().await?;
    message.extend(length.to_be_bytes());
    let begin = message.len();
    message.resize(begin + length as usize - 4, 0);
    client.read_exact(&mut message[begin..]).await?;
    Ok((kind, message))
}
