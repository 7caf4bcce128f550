//! One HTTP/1.1 connection at the least cost: a request is one write, its answer is parsed where it
//! was read. The load shares the processors with what it measures; a full client took a multiple.
//!
//! What it does not know it refuses: answers must say their length.

use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most headers of an answer.
const HEADERS_MAX: usize = 32;
/// Room for an answer to begin with, in bytes.
const ANSWER_BYTES: usize = 16 * 1024;
/// The longest answer, in bytes.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A request. What is empty is not sent.
#[derive(Debug, Default)]
pub struct Request {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path with its query.
    pub path: String,
    /// Headers beyond those that HTTP itself needs.
    pub headers: Vec<(&'static str, String)>,
    /// A body in JSON.
    pub body: String,
}

impl Request {
    /// Asks for a document.
    pub fn get(path: String) -> Self {
        Self { method: "GET", path, ..Self::default() }
    }

    /// Sends JSON.
    pub fn post(path: String, body: String) -> Self {
        Self { method: "POST", path, body, ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// An answer; its body is what the connection read.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: &'a [u8],
}

/// A kept-alive connection with one request at a time.
pub struct Wire {
    stream: TcpStream,
    host: String,
    outbox: Vec<u8>,
    inbox: Vec<u8>,
}

/// The head of an answer.
struct Head {
    status: u16,
    bytes: usize,
    body_bytes: usize,
}

impl Wire {
    /// Connects to `host:port`.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("nothing answers at {address}"))?;
        stream.set_nodelay(true)?;
        let (outbox, inbox) = (Vec::new(), Vec::with_capacity(ANSWER_BYTES));
        Ok(Self { stream, host: address.to_owned(), outbox, inbox })
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &Request) -> Result<Answer<'_>> {
        self.write(request)?;
        self.stream.write_all(&self.outbox).await?;
        self.inbox.clear();
        let head = loop {
            self.read().await?;
            if let Some(head) = head(&self.inbox)? {
                break head;
            }
        };
        let end = head.bytes + head.body_bytes;
        ensure!(end <= ANSWER_BYTES_MAX, "an answer of {end} bytes");
        while self.inbox.len() < end {
            self.read().await?;
        }
        ensure!(self.inbox.len() == end, "more than the answer came");
        Ok(Answer { status: head.status, body: &self.inbox[head.bytes..] })
    }

    fn write(&mut self, request: &Request) -> Result<()> {
        let Self { outbox, host, .. } = self;
        outbox.clear();
        write!(outbox, "{} {} HTTP/1.1\r\nhost: {host}\r\n", request.method, request.path)?;
        for (name, value) in &request.headers {
            write!(outbox, "{name}: {value}\r\n")?;
        }
        if !request.body.is_empty() {
            let length = request.body.len();
            write!(outbox, "content-type: application/json\r\ncontent-length: {length}\r\n")?;
        }
        write!(outbox, "\r\n{}", request.body)?;
        Ok(())
    }

    async fn read(&mut self) -> Result<()> {
        ensure!(self.inbox.len() <= ANSWER_BYTES_MAX, "the head of an answer does not end");
        let read = self.stream.read_buf(&mut self.inbox).await?;
        ensure!(read > 0, "the connection was closed");
        Ok(())
    }
}

/// The head, once all of it is there.
fn head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(bytes).context("this is no HTTP")? else {
        return Ok(None);
    };
    let mut named = answer.headers.iter();
    let length = named.find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.context("an answer does not say its length")?.value;
    let body_bytes = str::from_utf8(length)?.parse().context("a length that is no number")?;
    let status = answer.code.context("an answer without a status")?;
    Ok(Some(Head { status, bytes: head, body_bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}";
        let whole = head(answer).unwrap().unwrap();
        assert_eq!((whole.status, whole.bytes, whole.body_bytes), (201, answer.len() - 2, 2));
        assert!(head(&answer[..30]).unwrap().is_none());
        assert!(head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
    }
}
