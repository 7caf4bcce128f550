//! Connections that are encrypted here, and those that should be.

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::*;
use crate::tls::pair::provider;
use crate::tls::tests::{Kept, Made};

const NAME: &str = "shop.example";
const LAST_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";

/// A server that shows what is kept, and looks for another all the time.
async fn start_showing(kept: &Kept, bounds: Bounds) -> (SocketAddr, tokio_util::sync::DropGuard) {
    let door = kept.tls().open().unwrap().unwrap();
    tokio::spawn({
        let door = door.clone();
        async move { door.watch(SHORT / 20).await }
    });
    start_by(bounds, answers::Bounds::default(), Some(door)).await
}

/// A caller who trusts one certificate alone.
async fn call(
    address: SocketAddr,
    trusted: &Made,
    version: &'static SupportedProtocolVersion,
    protocol: &[u8],
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted.cert.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider()));
    let config = config.with_protocol_versions(&[version]).unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let tcp = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME).unwrap(), tcp).await
}

async fn http1(address: SocketAddr, trusted: &Made) -> io::Result<String> {
    let mut stream = call(address, trusted, &TLS13, b"http/1.1").await?;
    stream.write_all(LAST_REQUEST).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn both_protocols_are_spoken_by_tls() {
    let (made, kept) = (Made::new(NAME), Kept::new());
    kept.write(&made);
    let (address, _stop) = start_showing(&kept, patient()).await;
    for version in [&TLS12, &TLS13] {
        let mut stream = call(address, &made, version, b"http/1.1").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        stream.write_all(LAST_REQUEST).await.unwrap();
        let mut answer = String::new();
        // Whoever cuts the connection short is told apart from the end that the server tells.
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");

        let stream = call(address, &made, version, b"h2").await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (asking, _) = speak(stream, 64 * 1024).await;
        let answer = ask(&asking, "/").await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2));
    }
    let others = call(address, &made, &TLS13, b"smtp").await;
    assert!(others.is_err(), "nothing else is spoken here");
}

#[tokio::test]
async fn a_large_answer_goes_through_whole() {
    let (made, kept) = (Made::new(NAME), Kept::new());
    kept.write(&made);
    let (address, _stop) = start_showing(&kept, patient()).await;
    let mut stream = call(address, &made, &TLS13, b"http/1.1").await.unwrap();
    let request = b"GET /large HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.len() > LARGE && answer.ends_with(b"xxxx"));
}

#[tokio::test]
async fn another_certificate_is_shown_to_who_comes_later() {
    let (old, new, kept) = (Made::new(NAME), Made::new(NAME), Kept::new());
    kept.write(&old);
    let (address, _stop) = start_showing(&kept, patient()).await;
    let mut before = call(address, &old, &TLS13, b"http/1.1").await.unwrap();
    assert!(call(address, &new, &TLS13, b"http/1.1").await.is_err(), "nobody knows it yet");
    kept.write(&new);
    let shown = async {
        while http1(address, &new).await.is_err() {
            tokio::time::sleep(SHORT / 20).await;
        }
    };
    tokio::time::timeout(LONG, shown).await.expect("the new one is shown");
    assert!(
        call(address, &old, &TLS13, b"http/1.1").await.is_err(),
        "the old one is shown no more"
    );
    before.write_all(LAST_REQUEST).await.unwrap();
    let mut answer = String::new();
    before.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("here"), "who came before is served on: {answer}");
}

#[tokio::test]
async fn who_does_not_shake_hands_is_ended() {
    let (made, kept) = (Made::new(NAME), Kept::new());
    kept.write(&made);
    let (address, _stop) = start_showing(&kept, limits(|limits| limits.first_head = SHORT)).await;
    // Nothing, the beginning of a record, and of one that says hello.
    for said in [&b""[..], &[22, 3, 1], &[22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3]] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(said).await.unwrap();
        assert!(is_closed(&mut connection).await, "{said:?}");
    }
    // Nor is who shakes hands and says nothing then.
    let mut silent = call(address, &made, &TLS13, b"http/1.1").await.unwrap();
    let ended = tokio::time::timeout(LONG / 2, silent.read(&mut [0; 1])).await;
    assert!(ended.is_ok());
}

#[tokio::test]
async fn who_speaks_plainly_gets_nothing() {
    let (made, kept) = (Made::new(NAME), Kept::new());
    kept.write(&made);
    let (address, _stop) = start_showing(&kept, patient()).await;
    for said in [REQUEST, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(said).await.unwrap();
        let mut answer = Vec::new();
        let ending = connection.read_to_end(&mut answer);
        let _reset = tokio::time::timeout(LONG / 2, ending).await.expect("it is closed");
        // An alert of TLS at most.
        assert!(answer.len() <= 7, "{answer:?}");
    }
}

#[tokio::test]
async fn who_does_not_shake_hands_makes_way() {
    let (made, kept) = (Made::new(NAME), Kept::new());
    kept.write(&made);
    let mut bounds = limits(|limits| limits.idle_when_full = Duration::ZERO);
    (bounds.connections, bounds.turned_away) = (1, LONG);
    let (address, _stop) = start_showing(&kept, bounds).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let answer = http1(address, &made).await.unwrap();
    assert!(answer.ends_with("here"), "{answer}");
    assert!(is_closed(&mut silent).await);
}
