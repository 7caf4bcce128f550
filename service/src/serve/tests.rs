//! Connections that say nothing, are too many, or are not read.

use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(20);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n";

async fn start(bounds: Bounds) -> (SocketAddr, tokio_util::sync::DropGuard) {
    let endless = || async {
        let pieces = futures::stream::repeat(Ok::<_, std::convert::Infallible>(
            Bytes::from_static(&[b'x'; 4096]),
        ));
        Body::from_stream(pieces)
    };
    let router = Router::new().route("/", get(|| async { "here" })).route("/endless", get(endless));
    let router = router.merge(health::Health::new().router());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(Server::new(router, shutdown.clone(), bounds).run(listener));
    (address, shutdown.drop_guard())
}

/// Whether the service closes the connection, and not much later than it may.
async fn is_closed(connection: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(LONG / 2, connection.read_to_end(&mut rest)).await;
    ended.is_ok()
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let (address, _stop) = start(Bounds { first_head: SHORT, ..Bounds::default() }).await;
    for said in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nhos"] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(said).await.unwrap();
        assert!(is_closed(&mut connection).await, "{said:?}");
    }
}

#[tokio::test]
async fn a_connection_may_rest_between_requests_but_not_for_ever() {
    let bounds = Bounds { first_head: SHORT, next_head: 4 * SHORT, ..Bounds::default() };
    let (address, _stop) = start(bounds).await;
    let mut connection = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        connection.write_all(REQUEST).await.unwrap();
        let mut answer = [0; 512];
        let length = connection.read(&mut answer).await.unwrap();
        assert!(answer[..length].ends_with(b"here"));
        tokio::time::sleep(2 * SHORT).await;
    }
    connection.write_all(&REQUEST[..9]).await.unwrap();
    assert!(is_closed(&mut connection).await);
}

#[tokio::test]
async fn more_connections_than_there_may_be_are_told_so_at_once() {
    let bounds = Bounds { connections: 1, turned_away: LONG, ..Bounds::default() };
    let (address, _stop) = start(bounds).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(REQUEST).await.unwrap();
    assert!(first.read(&mut [0; 512]).await.unwrap() > 0);
    let answer = all_of(address, REQUEST).await.to_lowercase();
    assert!(answer.starts_with("http/1.1 503"), "{answer}");
    for part in ["retry-after: 1\r\n", "problem+json", "\"too_many_connections\""] {
        assert!(answer.contains(part), "{answer}");
    }
    // A busy process must not be taken for a dead one.
    let alive = all_of(address, b"GET /live HTTP/1.1\r\nhost: shop\r\n\r\n").await;
    assert!(alive.starts_with("HTTP/1.1 200") && alive.ends_with("live\n"), "{alive}");
    drop(first);
    for attempt in 0.. {
        // The server hears of the end of the first a moment later.
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(REQUEST).await.unwrap();
        let mut answer = [0; 512];
        let length = next.read(&mut answer).await.unwrap();
        if answer[..length].ends_with(b"here") {
            break;
        }
        assert!(attempt < 100, "the place is not free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_connection_without_a_place_is_not_kept_by_saying_nothing() {
    let bounds = Bounds { connections: 0, turned_away: SHORT, ..Bounds::default() };
    let (address, _stop) = start(bounds).await;
    for said in [&b""[..], b"GET / HTTP/1.1\r\nhos", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(said).await.unwrap();
        assert!(is_closed(&mut connection).await, "{said:?}");
    }
}

/// The whole answer on a connection of its own, which the server closes.
async fn all_of(address: SocketAddr, request: &[u8]) -> String {
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(request).await.unwrap();
    let mut answer = String::new();
    let whole = connection.read_to_string(&mut answer);
    tokio::time::timeout(LONG / 2, whole).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_caller_who_does_not_read_is_let_go() {
    let bounds = Bounds { unread: SHORT, ..Bounds::default() };
    let (address, _stop) = start(bounds).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /endless HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    // Reading only now, it gets what was on the way, and then the end.
    tokio::time::sleep(5 * SHORT).await;
    assert!(is_closed(&mut idle).await);
}
