//! The real network, by reqwest.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use http::{Request, Response};
use reqwest::{ClientBuilder, NoProxy, Proxy};

use super::{Body, Http, HttpFuture, Incoming, NetError};

/// HTTP/1.1 and HTTP/2 over TLS, with connections kept for 90 s; those of HTTP/2 are asked every
/// 20 s whether they live, and given up after 10 s without an answer. Shared by all sessions; a clone
/// shares its connections.
#[derive(Clone, Debug)]
pub struct HttpClient(reqwest::Client);

impl HttpClient {
    /// A client without connections. It goes through the proxies that `HTTP_PROXY`, `HTTPS_PROXY`
    /// and `ALL_PROXY` name, but not to the hosts of `NO_PROXY`, and never to this machine.
    ///
    /// # Errors
    ///
    /// When a proxy's address is none, or when the machine's certificates cannot be used.
    pub fn new() -> Result<Self, NetError> {
        Self::behind(proxies(environment)?)
    }

    pub(super) fn behind(proxies: Vec<Proxy>) -> Result<Self, NetError> {
        Self::built(kept_alive(builder(proxies), PING, PONG))
    }

    pub(super) fn built(builder: ClientBuilder) -> Result<Self, NetError> {
        builder.build().map(Self).map_err(|error| nowhere(why(&error)))
    }
}

/// For a library that wants a client of its own: what every client of this program has, behind the
/// proxies of the environment.
///
/// # Errors
///
/// When a proxy's address is none.
#[cfg(feature = "mcp")]
pub(crate) fn client_builder() -> Result<ClientBuilder, NetError> {
    Ok(builder(proxies(environment)?))
}

/// A connection of HTTP/2 is asked every so often whether it lives, and given up without an
/// answer in time: so one that has died is found out before a request is lost on it.
pub(super) fn kept_alive(
    builder: ClientBuilder,
    every: Duration,
    within: Duration,
) -> ClientBuilder {
    builder
        .http2_keep_alive_interval(every)
        .http2_keep_alive_timeout(within)
        .http2_keep_alive_while_idle(true)
}

/// What every client of this program has, whatever it is for.
pub(super) fn builder(proxies: Vec<Proxy>) -> ClientBuilder {
    // Another part of the program may have chosen a provider of cryptography already.
    let _there = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        // A key is for the host that it was given for.
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("banter/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    proxies.into_iter().fold(builder, ClientBuilder::proxy)
}

/// The proxies that the variables name: reqwest's own reading of them would send what is for a
/// server on this machine to the proxy, which cannot reach it.
pub(super) fn proxies(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Proxy>, NetError> {
    let value = |name: &'static str| {
        let found = variable(name).or_else(|| variable(&name.to_lowercase()));
        found.filter(|value| !value.trim().is_empty()).map(|value| (name, value))
    };
    let direct = value("NO_PROXY").map(|(_, hosts)| hosts).unwrap_or_default();
    let direct = NoProxy::from_string(&format!("{direct},{THIS_MACHINE}"));
    let mut proxies = Vec::new();
    for (own, proxy) in
        [("HTTP_PROXY", Proxy::http as fn(String) -> _), ("HTTPS_PROXY", Proxy::https)]
    {
        if let Some((name, address)) = value(own).or_else(|| value("ALL_PROXY")) {
            // Not the address itself: it may hold a password.
            let wrong =
                |_| nowhere(format!("{name} is no address of a proxy; correct or unset it"));
            proxies.push(proxy(address).map_err(wrong)?.no_proxy(direct.clone()));
        }
    }
    Ok(proxies)
}

pub(super) fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

pub(super) fn nowhere(reason: String) -> NetError {
    NetError::Unreachable { host: "any host".to_owned(), reason }
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
            Ok(received(answer, host))
        })
    }
}

pub(super) fn received(answer: reqwest::Response, host: String) -> Response<Incoming> {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let pieces = answer.bytes_stream().map_err(move |error| failure(&host, &error));
    let body: Incoming = Box::pin(pieces);
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

pub(super) fn failure(host: &str, error: &reqwest::Error) -> NetError {
    let (host, reason) = (host.to_owned(), why(error));
    match error.is_connect() {
        true => NetError::Unreachable { host, reason },
        false => NetError::BrokeOff { host, reason },
    }
}

/// The innermost cause: those around it name the address again, with all that is in it.
pub(super) fn why(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Its names and addresses, as `NO_PROXY` would list them.
const THIS_MACHINE: &str = "localhost,127.0.0.0/8,::1,0.0.0.0";
const CONNECT: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(90);
const PING: Duration = Duration::from_secs(20);
const PONG: Duration = Duration::from_secs(10);
