//! The real network, by reqwest.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use http::{Request, Response};

use super::{Body, Http, HttpFuture, Incoming, NetError};

/// HTTP/1.1 and HTTP/2 over TLS, with connections kept for 90 s. Shared by all sessions; a clone
/// shares its connections.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A client without connections.
    ///
    /// # Errors
    ///
    /// When the machine's certificates cannot be used.
    pub fn new() -> Result<Self, NetError> {
        // Another part of the program may have chosen a provider of cryptography already.
        let _there = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            // A key is for the host that it was given for.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("banter/", env!("CARGO_PKG_VERSION")))
            .build();
        let wrong =
            |error| NetError::Unreachable { host: "any host".to_owned(), reason: why(&error) };
        client.map(Self).map_err(wrong)
    }
}

impl Http for HttpClient {
    fn send(&self, request: Request<Body>) -> HttpFuture {
        let host = request.uri().authority().map(ToString::to_string).unwrap_or_default();
        let (head, body) = request.into_parts();
        let body = match body {
            Body::Whole(bytes) => bytes.into(),
            Body::Stream(pieces) => {
                reqwest::Body::wrap_stream(pieces.map(Ok::<_, std::convert::Infallible>))
            }
        };
        let client = self.0.clone();
        Box::pin(async move {
            let failed = |error: reqwest::Error| failure(&host, &error);
            let request = Request::from_parts(head, body).try_into().map_err(failed)?;
            let answer = client.execute(request).await.map_err(failed)?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            let pieces = answer.bytes_stream().map_err(move |error| failure(&host, &error));
            let body: Incoming = Box::pin(pieces);
            let mut answer = Response::new(body);
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

fn failure(host: &str, error: &reqwest::Error) -> NetError {
    let (host, reason) = (host.to_owned(), why(error));
    match error.is_connect() {
        true => NetError::Unreachable { host, reason },
        false => NetError::BrokeOff { host, reason },
    }
}

/// The innermost cause: those around it name the address again, with all that is in it.
fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

const CONNECT: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(90);
