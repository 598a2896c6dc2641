//! The mock services behind real sockets.
//!
//! ```text
//! POST …/audio/transcriptions, …/chat/completions, …/audio/speech   the three services
//! GET  …/v1                       answers at once: a connection that is opened ahead
//! GET  …/realtime?model=MODEL     a WebSocket: OpenAI's Realtime protocol
//! GET  …GenerativeService.BidiGenerateContent    a WebSocket: Gemini Live
//! GET  /health                    "ok"
//! POST /script?caller=KEY         a Script as JSON: what this caller is told from now on
//! GET  /log?caller=KEY            what this caller has asked, as JSON; &clear=true forgets it
//! ```
//!
//! Without `caller`, the request's own key says whose script or log it is. Times in the log are
//! those of the machine's monotonic clock, so that other programs on it can compare. A step is
//! sent when it is due, which Tokio's timer may notice a millisecond late; the log has the time at
//! which it was handed to the socket.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use banter::bench::services::{Profile, Services};
//! use banter::server::mock::Mock;
//!
//! # async fn serve() -> std::io::Result<()> {
//! let services = Arc::new(Services::new(Profile::Realistic.delays(), 1));
//! let mock = Mock::bind(([127, 0, 0, 1], 0).into(), Arc::clone(&services)).await?;
//! println!("{}", mock.url());
//! mock.serve(std::future::pending()).await;
//! # Ok(())
//! # }
//! ```

mod duplex;
mod player;
mod routes;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use self::duplex::Calls;
use crate::bench::services::Services;
use crate::bench::services::duplex::Protocol;

pub use tls::{Tls, TlsError};

/// Mock services that listen. Nobody is answered before [`serve`](Self::serve).
#[derive(Debug)]
pub struct Mock {
    listener: TcpListener,
    address: SocketAddr,
    services: Arc<Services>,
    protocols: Vec<Protocol>,
    tls: Option<Tls>,
}

impl Mock {
    /// Listens there; port 0 is any free one.
    ///
    /// # Errors
    ///
    /// When the address cannot be used.
    pub async fn bind(address: SocketAddr, services: Arc<Services>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let protocols = Protocol::ALL.to_vec();
        Ok(Self { listener, address, services, protocols, tls: None })
    }

    /// The same that takes calls in these protocols only: both by default.
    #[must_use]
    pub fn with_protocols(self, protocols: impl Into<Vec<Protocol>>) -> Self {
        Self { protocols: protocols.into(), ..self }
    }

    /// The same that can be reached over TLS as well, on the same port.
    #[must_use]
    pub fn with_tls(self, tls: Tls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// The address of the services: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Serves until `end`. Answers and calls in progress break off then.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let over = CancellationToken::new();
        // Calls are tasks of their own.
        let _over = over.clone().drop_guard();
        let calls = Calls::new(Arc::clone(&self.services), self.protocols, over);
        let router = routes::router(self.services, calls);
        let listener = self.listener.tap_io(|socket| {
            // Without it a step would wait for the acknowledgement of the one before.
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "a connection sends late");
            }
        });
        let serving = async {
            match self.tls {
                Some(tls) => axum::serve(tls.over(listener), router).await,
                None => axum::serve(listener, router).await,
            }
        };
        tokio::select! {
            biased;
            () = end => {}
            _never = serving => {}
        }
    }
}
