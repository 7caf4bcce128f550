//! A whole HTTP client on one connection, for what is not measured by the request: preparing, and
//! batches, whose verdicts come while their lines are still going out.

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

/// A kept-alive HTTP/1.1 connection.
pub struct Connection {
    send: SendRequest<Full<Bytes>>,
    host: String,
}

/// What is read of a guest's welcome.
#[derive(Deserialize)]
struct Welcome {
    token: String,
}

/// What is read of the verdict on a line.
#[derive(Deserialize)]
struct Verdict {
    status: u16,
}

impl Connection {
    /// Connects to `host:port`.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("nothing answers at {address}"))?;
        stream.set_nodelay(true)?;
        let (send, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { send, host: address.to_owned() })
    }

    /// The token of a guest who is new.
    pub async fn guest(&mut self) -> Result<String> {
        let request = Request::builder().method(Method::POST).uri("/v1/guests");
        let request = request.header(HOST, &self.host).body(Full::default())?;
        self.send.ready().await?;
        let answer = self.send.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::CREATED, "{status}: {}", String::from_utf8_lossy(&body));
        let Welcome { token } = serde_json::from_slice(&body)?;
        Ok(token)
    }

    /// Sends a batch, one command a line, and returns how many took effect. One that did not is an
    /// error.
    pub async fn batch(&mut self, lines: String) -> Result<usize> {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/batch")
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/x-ndjson")
            .body(Full::new(lines.into()))?;
        self.send.ready().await?;
        let answer = self.send.send_request(request).await?;
        let status = answer.status();
        let verdicts = answer.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "{status}: {}", String::from_utf8_lossy(&verdicts));
        let mut effective = 0;
        for line in verdicts.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Verdict { status } = serde_json::from_slice(line)?;
            ensure!(status < 300, "refused: {}", String::from_utf8_lossy(line));
            effective += 1;
        }
        Ok(effective)
    }
}
