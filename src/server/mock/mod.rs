//! The mock services behind real sockets.
//!
//! ```text
//! POST …/audio/transcriptions, …/chat/completions, …/audio/speech   the three services
//! GET  …/v1                       answers at once: a connection that is opened ahead
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

mod player;
mod routes;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;

use crate::bench::services::Services;

/// Mock services that listen. Nobody is answered before [`serve`](Self::serve).
#[derive(Debug)]
pub struct Mock {
    listener: TcpListener,
    address: SocketAddr,
    services: Arc<Services>,
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
        Ok(Self { listener, address, services })
    }

    /// The address of the services: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Serves until `end`. Answers in progress break off then.
    pub async fn serve(self, end: impl Future<Output = ()>) {
        let listener = self.listener.tap_io(|socket| {
            // Without it a step would wait for the acknowledgement of the one before.
            if let Err(error) = socket.set_nodelay(true) {
                tracing::debug!(%error, "a connection sends late");
            }
        });
        let serving = axum::serve(listener, routes::router(self.services));
        tokio::select! {
            biased;
            () = end => {}
            _never = serving.into_future() => {}
        }
    }
}
