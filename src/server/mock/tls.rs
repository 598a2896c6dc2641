//! TLS for clients that speak nothing else, on the same port as what needs none.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::time::SessionClock;

/// A certificate and its key.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Reads a certificate, with those that vouch for it, and its key from PEM files.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, has no such thing in it, or when they do not fit.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let unread = |file: &Path| {
            let file = file.to_owned();
            move |error: rustls::pki_types::pem::Error| TlsError::File {
                file,
                reason: error.to_string(),
            }
        };
        let certificates = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(unread(certificate))?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(unread(key))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|it| it.with_no_client_auth().with_single_cert(certificates, key));
        let mut config = config.map_err(|error| TlsError::Unfit(error.to_string()))?;
        // HTTP/2 cannot become a WebSocket here.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// The connections of `listener`: over TLS where a client begins with it.
    pub(super) fn over<L>(self, listener: L) -> TlsListener<L> {
        TlsListener { tls: self, listener, opening: JoinSet::new() }
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

/// Why there is no TLS.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or is none of these.
    #[error("cannot read {}: {reason}; a PEM file is expected", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The certificate and the key do not fit.
    #[error("the certificate cannot be used with this key: {0}")]
    Unfit(String),
}

/// Accepts connections whose handshake is done. Many are opened beside one another, so that one
/// that is slow holds up nobody.
pub(super) struct TlsListener<L> {
    tls: Tls,
    listener: L,
    opening: JoinSet<Option<(Stream, SocketAddr)>>,
}

type Stream = Either<TlsStream<TcpStream>, TcpStream>;

impl<L: Listener<Io = TcpStream, Addr = SocketAddr>> Listener for TlsListener<L> {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                biased;
                Some(opened) = self.opening.join_next() => {
                    if let Ok(Some(open)) = opened {
                        return open;
                    }
                }
                (socket, address) = self.listener.accept(), if self.opening.len() < MOST => {
                    let tls = self.tls.clone();
                    let opening = async move {
                        let opened = SessionClock::live().timeout(LIMIT, open(tls, socket)).await?;
                        opened.inspect_err(|error| tracing::debug!(%error, "no TLS")).ok()
                    };
                    self.opening.spawn(async move { Some((opening.await?, address)) });
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

async fn open(Tls(acceptor): Tls, socket: TcpStream) -> io::Result<Stream> {
    let mut first = [0];
    socket.peek(&mut first).await?;
    match first {
        [HANDSHAKE] => Ok(Either::Left(acceptor.accept(socket).await?)),
        _ => Ok(Either::Right(socket)),
    }
}

/// What TLS begins with, and no request does.
const HANDSHAKE: u8 = 0x16;
/// Handshakes beside one another.
const MOST: usize = 64;
const LIMIT: Duration = Duration::from_secs(10);
