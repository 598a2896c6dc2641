//! Services that answer as they are told, without a network.

mod dial;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};

use super::{Body, Http, HttpFuture, Incoming, NetError};

pub use dial::MockDial;

/// Gives its answers in order, one for each request, and remembers the last 256 requests.
///
/// A request's body is read to its end before the answer begins. Without an answer it refuses
/// with 404. A `HEAD`, by which a connection is opened ahead, takes no answer. A clone is another
/// handle to the same service.
#[derive(Clone, Debug, Default)]
pub struct MockHttp(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<MockResponse>,
    requests: VecDeque<MockRequest>,
}

/// A request that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockRequest {
    /// Its method.
    pub method: Method,
    /// Its whole address.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
}

/// An answer to come.
#[derive(Clone, Debug)]
pub struct MockResponse {
    status: StatusCode,
    headers: HeaderMap,
    pieces: Vec<Bytes>,
    fault: Option<MockFault>,
}

/// What goes wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MockFault {
    /// There is no connection.
    Unreachable,
    /// The answer never begins.
    Hang,
    /// Nothing follows its pieces, not even its end.
    HangInTheMiddle,
    /// The connection breaks off after its pieces.
    BreakOff,
}

impl MockHttp {
    /// A service without answers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an answer.
    pub fn answer(&self, answer: MockResponse) {
        self.state().answers.push_back(answer);
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<MockRequest> {
        self.state().requests.iter().cloned().collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MockResponse {
    /// An answer of this type whose body comes in these pieces.
    ///
    /// # Panics
    ///
    /// If `content_type` cannot be a header.
    #[must_use]
    pub fn new(content_type: &'static str, pieces: impl IntoIterator<Item: Into<Bytes>>) -> Self {
        let pieces = pieces.into_iter().map(Into::into).collect();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
        Self { status: StatusCode::OK, headers, pieces, fault: None }
    }

    /// The same with another status: 200 by default.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with a header more.
    ///
    /// # Panics
    ///
    /// If one of them cannot be in a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        let value = http::HeaderValue::from_static(value);
        self.headers.insert(http::HeaderName::from_static(name), value);
        self
    }

    /// The same, going wrong.
    #[must_use]
    pub fn with_fault(mut self, fault: MockFault) -> Self {
        self.fault = Some(fault);
        self
    }

    fn body(self, host: String) -> Incoming {
        let pieces = stream::iter(self.pieces.into_iter().map(Ok));
        match self.fault {
            Some(MockFault::HangInTheMiddle) => Box::pin(pieces.chain(stream::pending())),
            Some(MockFault::BreakOff) => {
                let reason = "as it was told".to_owned();
                let end = NetError::BrokeOff { host, reason };
                Box::pin(pieces.chain(stream::iter([Err(end)])))
            }
            _ => Box::pin(pieces),
        }
    }
}

impl Http for MockHttp {
    fn send(&self, request: Request<Body>) -> HttpFuture {
        let this = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let host = head.uri.authority().map(ToString::to_string).unwrap_or_default();
            let body = match body {
                Body::Whole(bytes) => bytes,
                Body::Stream(pieces) => {
                    let all = |mut all: BytesMut, piece: Bytes| async move {
                        all.extend_from_slice(&piece);
                        all
                    };
                    pieces.fold(BytesMut::new(), all).await.freeze()
                }
            };
            let (method, uri, headers) = (head.method, head.uri, head.headers);
            let takes_answer = method != Method::HEAD;
            let answer = {
                let mut state = this.state();
                if state.requests.len() == REMEMBERED {
                    state.requests.pop_front();
                }
                state.requests.push_back(MockRequest { method, uri, headers, body });
                if takes_answer { state.answers.pop_front() } else { None }
            };
            let answer = answer.unwrap_or_else(|| {
                MockResponse::new("text/plain", ["no answer"]).with_status(StatusCode::NOT_FOUND)
            });
            match answer.fault {
                Some(MockFault::Hang) => std::future::pending().await,
                Some(MockFault::Unreachable) => {
                    let reason = "as it was told".to_owned();
                    return Err(NetError::Unreachable { host, reason });
                }
                _ => {}
            }
            let (status, headers) = (answer.status, answer.headers.clone());
            let mut response = Response::new(answer.body(host));
            *response.status_mut() = status;
            *response.headers_mut() = headers;
            Ok(response)
        })
    }
}

const REMEMBERED: usize = 256;
