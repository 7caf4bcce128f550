//! One connection from its first byte to its last: it shakes hands, where there is TLS, and is then
//! answered until one side ends it.

use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

use super::{Duration, END_TIME_MAX, Server};
use crate::connections::Connection;
use crate::stay::{CameBy, Held};
use crate::tls::door::Door;

impl Server {
    /// Serves one connection to its end.
    pub(super) async fn attend(
        &self,
        (tcp, from): (TcpStream, SocketAddr),
        router: &Router,
        connection: &Connection,
        held: Option<Held>,
    ) {
        // Answers are small: waiting to fill a packet only delays them.
        if let Err(error) = tcp.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY refused");
        }
        let Some(door) = &self.tls else {
            return self.converse((tcp, from), router, connection, held).await;
        };
        // Boxed: a connection without TLS has no room for it.
        let encrypted = Box::pin(async {
            if let Some(stream) = self.shake_hands(door, tcp, connection).await {
                self.converse((stream, from), router, connection, held).await;
            }
        });
        encrypted.await;
    }

    /// Who says nothing meanwhile is ended like any who sends no request.
    async fn shake_hands(
        &self,
        door: &Door,
        tcp: TcpStream,
        connection: &Connection,
    ) -> Option<TlsStream<TcpStream>> {
        tokio::select! {
            stream = door.let_in(tcp) => stream,
            () = connection.end.cancelled() => None,
            // Nothing was accepted yet.
            () = self.shutdown.cancelled() => None,
        }
    }

    /// Answers what is asked.
    async fn converse(
        &self,
        (stream, from): (impl AsyncRead + AsyncWrite + Send + Unpin + 'static, SocketAddr),
        router: &Router,
        connection: &Connection,
        held: Option<Held>,
    ) {
        let router = TowerToHyperService::new(router.clone());
        let came_by = CameBy { peer: from.ip(), ledger: connection.ledger.clone(), held };
        let service = service_fn(|mut request: hyper::Request<_>| {
            let under_way = connection.ledger.begin();
            request.extensions_mut().insert(came_by.clone());
            let answering = router.call(request);
            async move {
                let response = answering.await;
                // By now the answer is in the ledger itself.
                drop(under_way);
                response
            }
        });
        let mut serving =
            pin!(self.protocol.serve_connection_with_upgrades(TokioIo::new(stream), service));
        let mut cut = pin!(tokio::time::sleep(Duration::MAX));
        let mut ends = false;
        let mut interruptions = self.interruptions(connection);
        loop {
            tokio::select! {
                ended = serving.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection broke");
                    }
                    return;
                }
                Some(interruption) = interruptions.next() => match interruption {
                    Interruption::End => {
                        serving.as_mut().graceful_shutdown();
                        // Others on this connection may end what they are about.
                        cut.as_mut().reset(Instant::now() + END_TIME_MAX);
                        ends = true;
                    }
                    Interruption::Shutdown => serving.as_mut().graceful_shutdown(),
                    Interruption::CutOff => return,
                },
                () = cut.as_mut(), if ends => return,
            }
        }
    }

    /// What may interrupt a conversation. Each is only looked at when it has happened: a connection
    /// is woken several times a request, and to ask a token takes locks that all of them share.
    fn interruptions<'a>(
        &'a self,
        connection: &'a Connection,
    ) -> FuturesUnordered<BoxFuture<'a, Interruption>> {
        [
            (&connection.end, Interruption::End),
            (&self.shutdown, Interruption::Shutdown),
            (&self.cut_off, Interruption::CutOff),
        ]
        .into_iter()
        .map(|(token, interruption)| token.cancelled().map(move |()| interruption).boxed())
        .collect()
    }
}

/// Why a conversation does not just go on.
#[derive(Clone, Copy, Debug)]
enum Interruption {
    /// Whoever looks after connections has this one end.
    End,
    /// The process ends.
    Shutdown,
    /// And has waited for long enough.
    CutOff,
}
