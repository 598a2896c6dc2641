//! Where a service is, and how long it may take.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::header::AUTHORIZATION;
use http::request::Builder;
use http::{HeaderName, HeaderValue, Method, Request, Response, Uri};
use tokio::time::timeout;

use super::{Body, Http, Incoming, NetError, refusal};
use crate::types::Secret;

/// A service: the address that all its paths begin with, and the key to it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: String,
    host: String,
    key: Option<Secret>,
    /// Where the key stands, if not as a bearer's.
    header: Option<HeaderName>,
    /// What no error tells: the key, and what else a request carries that is secret.
    hidden: Vec<Secret>,
}

/// How long an exchange may take, and how large an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the request to the head of the answer: 10 s by default.
    pub head: Duration,
    /// From one piece of the answer to the next: 10 s by default.
    pub piece: Duration,
    /// The whole answer, in bytes: 64 MiB by default.
    pub size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let wait = Duration::from_secs(10);
        Self { head: wait, piece: wait, size: 64 << 20 }
    }
}

/// An address that cannot be one of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is no address.
    #[error(
        "\"{0}\" is no address of a service; write it as in http://localhost:8080/v1, without user, \
         password or query"
    )]
    Address(String),
    /// The key cannot be sent.
    #[error("the key for {0} has characters that no key has; copy it anew")]
    Key(String),
}

impl Endpoint {
    /// The service at `base`, such as `https://api.openai.com/v1`.
    ///
    /// # Errors
    ///
    /// When that is no address with `http` or `https`, or when the key cannot be sent.
    pub fn new(base: &str, key: Option<Secret>) -> Result<Self, EndpointError> {
        let wrong = || EndpointError::Address(without_secrets(base));
        let uri: Uri = base.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some("http" | "https"), Some(authority), None) =
            (uri.scheme_str(), authority, uri.query())
        else {
            return Err(wrong());
        };
        let host = authority.to_string();
        if key.as_ref().is_some_and(|key| HeaderValue::from_str(key.expose()).is_err()) {
            return Err(EndpointError::Key(host));
        }
        let hidden = key.clone().into_iter().collect();
        Ok(Self { base: base.trim_end_matches('/').to_owned(), host, key, header: None, hidden })
    }

    /// The same with its key in a header of its own, as some services want it.
    #[must_use]
    pub fn with_key_in(self, header: HeaderName) -> Self {
        Self { header: Some(header), ..self }
    }

    /// The same, which takes these secrets out of errors as well: those that stand in other headers
    /// of its requests. What has less than 8 characters is none.
    #[must_use]
    pub fn hiding(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        let long = |secret: &Secret| secret.expose().len() >= SHORTEST_SECRET;
        self.hidden.extend(secrets.into_iter().filter(long));
        self
    }

    /// The same one level up, if its address ends in `part`.
    #[must_use]
    pub(crate) fn above(&self, part: &str) -> Self {
        let base = self.base.strip_suffix(part).unwrap_or(&self.base).to_owned();
        Self { base, ..self.clone() }
    }

    /// The name and port of its host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether somebody is billed for its use: who has a key or another secret, and not for a server of this machine.
    #[must_use]
    pub fn is_metered(&self) -> bool {
        let uri = self.base.parse::<Uri>();
        let own = uri.as_ref().ok().and_then(Uri::host).is_some_and(is_own);
        !self.hidden.is_empty() && !own
    }

    /// A request of `POST` to the path below the address, with the key.
    #[must_use]
    pub fn post(&self, path: &str) -> Builder {
        self.request(Method::POST, path)
    }

    /// A request of `GET` to the path below the address, with the key. It may open a WebSocket.
    #[must_use]
    pub fn get(&self, path: &str) -> Builder {
        self.request(Method::GET, path)
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        let request = Request::builder().method(method).uri(format!("{}/{path}", self.base));
        let Some(key) = &self.key else {
            return request;
        };
        match &self.header {
            Some(header) => request.header(header, sensitive(key.expose())),
            None => request.header(AUTHORIZATION, bearer(key)),
        }
    }

    /// Sends a request; the answer is that of a service that agrees.
    ///
    /// # Errors
    ///
    /// As [`NetError`] says. So do the pieces of the answer.
    pub async fn send(
        &self,
        http: &dyn Http,
        request: Request<Body>,
        limits: Limits,
    ) -> Result<Response<Incoming>, NetError> {
        let late = NetError::TimedOut { host: self.host.clone(), limit: limits.head };
        let answer = timeout(limits.head, http.send(request)).await.map_err(|_| late)??;
        let (head, body) = answer.into_parts();
        let body = self.limited(body, limits);
        if head.status.is_success() {
            return Ok(Response::from_parts(head, body));
        }
        Err(refused(&self.host, &self.hidden, Response::from_parts(head, body)).await)
    }

    /// Opens a connection that the next request finds ready. Failures show there.
    pub async fn warm(&self, http: &dyn Http) {
        if let Ok(request) = Request::head(&self.base).body(Body::empty()) {
            let _shown_later = timeout(Limits::default().head, http.send(request)).await;
        }
    }

    /// What a service said, for an error: on one line, short, and without the key.
    pub(crate) fn presentable(&self, said: &str) -> String {
        refusal::presentable(said, &self.hidden)
    }

    /// What it said, without the keys.
    pub(crate) fn without_keys(&self, said: &str) -> String {
        refusal::without_keys(said, &self.hidden)
    }

    fn limited(&self, body: Incoming, limits: Limits) -> Incoming {
        let state = Some((body, 0, self.host.clone()));
        Box::pin(stream::unfold(state, move |state| async move {
            let (mut body, before, host) = state?;
            let piece = match timeout(limits.piece, body.next()).await {
                Ok(piece) => piece?,
                Err(_late) => Err(NetError::TimedOut { host: host.clone(), limit: limits.piece }),
            };
            let sum = before + piece.as_ref().map_or(0, Bytes::len);
            if sum > limits.size {
                return Some((Err(NetError::TooLong { host, limit: limits.size }), None));
            }
            let rest = piece.is_ok().then_some((body, sum, host));
            Some((piece, rest))
        }))
    }
}

/// The error that an answer is which does not agree.
pub(super) async fn refused(host: &str, keys: &[Secret], answer: Response<Incoming>) -> NetError {
    let (head, body) = answer.into_parts();
    let said = read_refusal(body).await;
    refusal::error(host, keys, (head.status, &head.headers), &said)
}

/// An address without its user, password and query, which may be secret.
pub(crate) fn without_secrets(address: &str) -> String {
    let address = match address.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before.find("://").map_or("", |at| &before[..at + 3]);
            format!("{scheme}…@{host}")
        }
        None => address.to_owned(),
    };
    match address.split_once(['?', '#']) {
        Some((path, _)) => format!("{path}?…"),
        None => address,
    }
}

fn is_own(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn bearer(key: &Secret) -> HeaderValue {
    sensitive(&format!("Bearer {}", key.expose()))
}

/// Nothing, if it cannot be sent: [`Endpoint::new`] has seen to that.
fn sensitive(text: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

/// The beginning of it: that somebody listens to silence weighs more than the reason.
async fn read_refusal(mut body: Incoming) -> Bytes {
    let mut read = BytesMut::new();
    let all = async {
        while read.len() < MOST_OF_A_REFUSAL
            && let Some(Ok(piece)) = body.next().await
        {
            read.extend_from_slice(&piece);
        }
    };
    let _as_far_as_it_came = timeout(REFUSAL, all).await;
    read.truncate(MOST_OF_A_REFUSAL);
    read.freeze()
}

/// Enough for any message; a whole page of HTML need not be read.
const MOST_OF_A_REFUSAL: usize = 8 << 10;
/// In bytes: what is shorter stands in many a word.
const SHORTEST_SECRET: usize = 8;
/// For the whole text of a refusal.
const REFUSAL: Duration = Duration::from_secs(2);
