//! Clients that want nothing but to be in the way: they connect, ask, and hang up or take nothing.
//! Whom they ask for what is for the fault to say.

use std::time::Duration;

use fastrand::Rng;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// The pause after a connection did not come about.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How long a connection may take to come about.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(1);

/// What a pest asks, again and again.
pub struct Pest {
    /// All that is random about it comes from here.
    pub rng: Rng,
    /// `host:port` and the whole request, of which one is chosen each time.
    pub requests: Vec<(String, String)>,
    /// How long it stays before it hangs up, microseconds.
    pub patience_us: std::ops::Range<u64>,
}

impl Pest {
    /// Asks and hangs up until it is stopped.
    pub async fn run(mut self) {
        loop {
            let (address, request) = &self.requests[self.rng.usize(..self.requests.len())];
            match timeout(CONNECT_TIME_MAX, TcpStream::connect(address)).await {
                Ok(Ok(mut connection)) => {
                    let _ = connection.write_all(request.as_bytes()).await;
                    sleep(Duration::from_micros(self.rng.u64(self.patience_us.clone()))).await;
                }
                _ => sleep(RETRY_PAUSE).await,
            }
        }
    }
}

/// A request for a document, as it goes over the wire, with the address it goes to.
pub fn get(url: &str, path: &str) -> (String, String) {
    let address = url.trim_start_matches("http://").to_owned();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nprefer: wait=2\r\n\r\n");
    (address, request)
}
