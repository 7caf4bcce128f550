//! A process that speaks TLS: what it is told, and what the port for operations says of it.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use service::health::Health;
use service::http;
use service::shutdown::Shutdown;
use service::tls::Tls;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::process::{free_address, told};

const NAME: &str = "shop.example";
/// How long a process may take to listen: long enough for any machine.
const PATIENCE: Duration = Duration::from_mins(1);

async fn get_from(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

async fn connect(address: std::net::SocketAddr) -> TcpStream {
    let listening = async {
        loop {
            if let Ok(stream) = TcpStream::connect(address).await {
                return stream;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, listening).await.expect("it listens")
}

#[tokio::test]
async fn a_process_speaks_tls_and_tells_when_its_certificate_ends() {
    let folder = std::env::temp_dir().join(format!("commerce-it-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).expect("a folder");
    let mut params = CertificateParams::new([NAME.to_owned()]).expect("a name");
    params.not_after = date_time_ymd(2100, 1, 1);
    let key = KeyPair::generate().expect("a key");
    let cert = params.self_signed(&key).expect("a certificate");
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        Some(path.to_str().expect("a path").to_owned())
    };
    let tls = Tls { cert: write("cert", cert.pem()), key: write("key", key.serialize_pem()) };

    let (public, operations) = (free_address().await, free_address().await);
    let http = service::config::Http { tls, ..told(public, operations) };
    let health = Health::new();
    let router = Router::new().route("/", get(|| async { "here" })).merge(health.router());
    let router = http::shell(router);
    let shutdown = Shutdown::default();
    let stops = shutdown.clone();
    let serving =
        tokio::spawn(async move { service::serve(router, &health, &http, 0, stops).await });

    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).expect("a certificate");
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(ring).with_safe_default_protocol_versions();
    let config = config.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from(NAME).expect("a name");
    let tcp = connect(public).await;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.expect("TLS");
    let answer = get_from(stream, "/").await;
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("here"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");

    let metrics = get_from(connect(operations).await, "/metrics").await;
    let line = "\ncommerce_tls_certificate_expires_timestamp_seconds 4102444800\n";
    assert!(metrics.contains(line), "{metrics}");
    let ready = get_from(connect(operations).await, "/ready").await;
    assert!(ready.starts_with("HTTP/1.0 200") && !ready.contains("strict-transport"), "{ready}");

    shutdown.stop.cancel();
    serving.await.expect("no panic").expect("no error");
    std::fs::remove_dir_all(&folder).expect("its folder");
}
