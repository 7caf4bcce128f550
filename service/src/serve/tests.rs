//! Connections that say nothing, are too many, or are not read.

mod tls;

use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::*;
use crate::{answers, http};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(20);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n";

/// An answer that no socket takes at once, in bytes.
const LARGE: usize = 16 * 1024 * 1024;

fn patient() -> Bounds {
    Bounds { look: SHORT / 4, ..Bounds::default() }
}

fn limits(change: impl FnOnce(&mut Limits)) -> Bounds {
    let mut bounds = patient();
    change(&mut bounds.limits);
    bounds
}

async fn start(bounds: Bounds) -> (SocketAddr, tokio_util::sync::DropGuard) {
    start_with(bounds, answers::Bounds::default()).await
}

async fn start_with(
    bounds: Bounds,
    answers: answers::Bounds,
) -> (SocketAddr, tokio_util::sync::DropGuard) {
    start_by(bounds, answers, None).await
}

async fn start_by(
    bounds: Bounds,
    answers: answers::Bounds,
    tls: Option<Arc<Door>>,
) -> (SocketAddr, tokio_util::sync::DropGuard) {
    let endless = || async {
        let pieces = futures::stream::repeat(Ok::<_, std::convert::Infallible>(
            Bytes::from_static(&[b'x'; 4096]),
        ));
        Body::from_stream(pieces)
    };
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route("/large", get(|| async { vec![b'x'; LARGE] }))
        .route("/endless", get(endless))
        .route("/upgrade", get(upgrade))
        .route("/never", get(std::future::pending::<()>));
    let router = http::bounded(router.merge(Health::new().router()), answers);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    tokio::spawn(Server::new(router, shutdown.clone(), bounds, tls).run(listener));
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
    let (address, _stop) = start(limits(|limits| limits.first_head = SHORT)).await;
    for said in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/1.1\r\nhos"] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(said).await.unwrap();
        assert!(is_closed(&mut connection).await, "{said:?}");
    }
}

#[tokio::test]
async fn a_connection_may_rest_between_requests_but_not_for_ever() {
    let bounds = limits(|limits| {
        (limits.first_head, limits.idle) = (SHORT, 4 * SHORT);
    });
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
    let bounds = Bounds { connections: 1, turned_away: LONG, ..patient() };
    let (address, _stop) = start(bounds).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"GET /endless HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
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
    let bounds = Bounds { connections: 0, turned_away: SHORT, ..patient() };
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
async fn when_there_is_no_room_the_longest_idle_makes_way() {
    let mut bounds = limits(|limits| limits.idle_when_full = Duration::ZERO);
    (bounds.connections, bounds.turned_away) = (2, LONG);
    let (address, _stop) = start(bounds).await;
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(b"GET /endless HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    assert!(busy.read(&mut [0; 512]).await.unwrap() > 0);
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(REQUEST).await.unwrap();
    assert!(idle.read(&mut [0; 512]).await.unwrap() > 0);
    let answer =
        all_of(address, b"GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n").await;
    assert!(answer.ends_with("here"), "{answer}");
    assert!(is_closed(&mut idle).await);
    assert!(busy.read(&mut [0; 512]).await.unwrap() > 0, "who is served is not cut off");
}

#[tokio::test]
async fn a_caller_who_does_not_read_is_let_go() {
    let (address, _stop) = start(limits(|limits| limits.patience.unread = SHORT)).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /endless HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    // Reading only now, it gets what was on the way, and then the end.
    tokio::time::sleep(END_TIME_MAX + 5 * SHORT).await;
    assert!(is_closed(&mut idle).await);
}

/// Reads an answer a bit at a time, with a pause after each, and returns its length with its head.
async fn read_slowly(address: SocketAddr, bit: usize, pause: Duration) -> usize {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = b"GET /large HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let (mut bits, mut all) = (vec![0; bit], 0);
    while let Ok(read) = connection.read(&mut bits).await {
        if read == 0 {
            break;
        }
        all += read;
        tokio::time::sleep(pause).await;
    }
    all
}

#[tokio::test]
async fn a_caller_who_reads_drop_by_drop_is_let_go() {
    let patience = Patience { unread: 5 * SHORT, slowest: u64::MAX };
    let (address, _stop) = start(limits(|limits| limits.patience = patience)).await;
    let read = read_slowly(address, 16 * 1024, SHORT / 10).await;
    assert!((1..LARGE).contains(&read), "{read} bytes");
}

#[tokio::test]
async fn a_slow_reader_gets_all_of_a_large_answer() {
    let patience = Patience { unread: 10 * SHORT, slowest: LARGE as u64 / 60 };
    let (address, _stop) = start(limits(|limits| limits.patience = patience)).await;
    let began = Instant::now();
    assert!(read_slowly(address, LARGE / 64, SHORT / 4).await > LARGE);
    assert!(began.elapsed() > patience.unread, "it was no test of patience");
}

type Asking = h2::client::SendRequest<Bytes>;

/// An HTTP/2 connection whose streams may be sent so many bytes, and the task that ends with it.
async fn connect(address: SocketAddr, window: u32) -> (Asking, tokio::task::JoinHandle<()>) {
    let tcp = TcpStream::connect(address).await.unwrap();
    speak(tcp, window).await
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    window: u32,
) -> (Asking, tokio::task::JoinHandle<()>) {
    let mut client = h2::client::Builder::new();
    let (asking, connection) = client.initial_window_size(window).handshake(stream).await.unwrap();
    let ended = tokio::spawn(async move {
        let _broken = connection.await;
    });
    (asking, ended)
}

async fn ask(
    asking: &Asking,
    path: &str,
) -> Result<axum::http::Response<h2::RecvStream>, h2::Error> {
    let request = axum::http::Request::get(format!("http://shop{path}")).body(()).unwrap();
    let mut asking = asking.clone().ready().await?;
    let (answer, _body) = asking.send_request(request, true)?;
    answer.await
}

#[tokio::test]
async fn answers_that_nobody_takes_are_bounded_and_end_with_their_connection() {
    let answers = answers::Bounds { requests: 4, all: 2 * LARGE, connection: 4 * LARGE };
    let (address, _stop) =
        start_with(limits(|limits| limits.patience.unread = 20 * SHORT), answers).await;
    let (asking, ended) = connect(address, 0).await;
    let mut untaken = Vec::new();
    for expected in [200, 200, 503, 200] {
        // A stream's length is not known before; it takes the last place.
        let path = if untaken.len() == 3 { "/endless" } else { "/large" };
        let answer = ask(&asking, path).await.unwrap();
        assert_eq!(answer.status(), expected);
        untaken.push(answer);
    }
    let (others, _) = connect(address, 1024).await;
    assert_eq!(ask(&others, "/").await.unwrap().status(), 503, "all places are taken");
    assert_eq!(ask(&others, "/live").await.unwrap().status(), 200);
    tokio::time::timeout(LONG, ended).await.expect("the connection ends").unwrap();
    // The server drops what the connection held a moment after the caller hears of its end.
    let again = async {
        loop {
            if ask(&others, "/large").await.is_ok_and(|answer| answer.status() == 200) {
                break;
            }
            tokio::time::sleep(SHORT / 10).await;
        }
    };
    tokio::time::timeout(LONG, again).await.expect("places and bytes come back");
}

#[tokio::test]
async fn an_http2_connection_without_requests_ends() {
    let (address, _stop) = start(limits(|limits| limits.idle = SHORT)).await;
    let (asking, ended) = connect(address, 1024).await;
    assert_eq!(ask(&asking, "/").await.unwrap().status(), 200);
    tokio::time::timeout(LONG, ended).await.expect("the connection ends").unwrap();
}

#[tokio::test]
async fn an_http2_reader_with_a_small_window_gets_all() {
    let (address, _stop) = start(patient()).await;
    let (asking, _) = connect(address, 64 * 1024).await;
    let (_, mut body) = ask(&asking, "/large").await.unwrap().into_parts();
    let mut all = 0;
    while all < LARGE {
        // A stream's window grows by what its reader is said to have taken.
        all += match body.data().await {
            Some(piece) => {
                let piece = piece.unwrap().len();
                body.flow_control().release_capacity(piece).unwrap();
                piece
            }
            None => break,
        };
    }
    assert_eq!(all, LARGE);
}

/// An upgraded connection, on which nothing is said until the other side closes it.
async fn upgrade(stay: crate::stay::Stay, mut request: Request) -> Response {
    let upgrading = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut upgraded = hyper_util::rt::TokioIo::new(upgrading.await.unwrap());
        tokio::select! {
            _ = upgraded.read_u8() => {}
            () = stay.ended() => {}
        }
    });
    let headers = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "silence")];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// A connection that is upgraded by now.
async fn upgraded(address: SocketAddr) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let ask =
        b"GET /upgrade HTTP/1.1\r\nhost: shop\r\nconnection: upgrade\r\nupgrade: silence\r\n\r\n";
    connection.write_all(ask).await.unwrap();
    let mut answer = [0; 1024];
    let length = connection.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 101"), "{}", answer[..length].escape_ascii());
    connection
}

#[tokio::test]
async fn an_upgraded_connection_keeps_its_place_until_it_is_closed() {
    let mut bounds = limits(|limits| {
        // As one that says nothing over HTTP it would be gone, or make way.
        (limits.first_head, limits.idle, limits.idle_when_full) = (SHORT, SHORT, Duration::ZERO);
    });
    (bounds.connections, bounds.turned_away) = (1, LONG);
    let (address, _stop) = start(bounds).await;
    let mut connection = upgraded(address).await;
    tokio::time::sleep(3 * SHORT).await;
    let answer = all_of(address, REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    connection.write_all(b"x").await.unwrap();
    assert!(is_closed(&mut connection).await);
    let closing = b"GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    for attempt in 0.. {
        if all_of(address, closing).await.ends_with("here") {
            break;
        }
        assert!(attempt < 100, "the place is not free again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_process_waits_for_upgraded_connections() {
    let router = shell(Router::new().route("/upgrade", get(upgrade)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let running = Server::new(router, shutdown.clone(), patient(), None).run(listener);
    let mut running = tokio::spawn(running);
    let mut connection = upgraded(address).await;
    shutdown.cancel();
    tokio::time::timeout(3 * SHORT, &mut running).await.expect_err("one is open");
    connection.write_all(b"x").await.unwrap();
    assert!(is_closed(&mut connection).await);
    tokio::time::timeout(LONG / 2, running).await.expect("it has ended").unwrap();
}
