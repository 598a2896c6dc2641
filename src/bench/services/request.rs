//! A request as it reached a service.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Method};

use super::{Fault, FaultError, Service};

/// A request whose last byte is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Whose it is: the key without `Bearer`, empty without one.
    pub caller: String,
    /// The method.
    pub method: Method,
    /// The path; what stands before `/audio/…` and `/chat/…` does not matter.
    pub path: String,
    /// All of the body.
    pub body: Bytes,
    /// What shall go wrong.
    pub fault: Option<Fault>,
    /// When its last byte was there, in nanoseconds on the clock of whoever plays the answer.
    pub arrived: u64,
}

impl Request {
    /// A `POST` of `caller`.
    #[must_use]
    pub fn post(caller: &str, path: &str, body: impl Into<Bytes>, arrived: u64) -> Self {
        Self {
            caller: caller.to_owned(),
            method: Method::POST,
            path: path.to_owned(),
            body: body.into(),
            fault: None,
            arrived,
        }
    }

    /// A request with this head.
    ///
    /// # Errors
    ///
    /// When the header [`FAULT_HEADER`] names no fault.
    pub fn new(head: &Parts, body: Bytes, arrived: u64) -> Result<Self, FaultError> {
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            caller: caller(&head.headers).to_owned(),
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            body,
            fault: text(FAULT_HEADER).map(str::parse).transpose()?,
            arrived,
        })
    }

    /// The service that it is for, if any.
    pub(super) fn service(&self) -> Option<Service> {
        let path = self.path.trim_end_matches('/');
        let paths = [
            ("/audio/transcriptions", Service::Stt),
            ("/chat/completions", Service::Llm),
            ("/audio/speech", Service::Tts),
        ];
        paths.iter().find(|(end, _)| path.ends_with(end)).map(|(_, service)| *service)
    }
}

/// The key that a request has, without `Bearer`; empty without one.
#[must_use]
pub fn caller(headers: &HeaderMap) -> &str {
    let value =
        headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => key.trim(),
        _ => "",
    }
}

/// The header by which a request asks for a [`Fault`].
pub const FAULT_HEADER: &str = "x-banter-fault";

/// The largest body that a service takes, in bytes: 25 MiB, as OpenAI has it. Whoever plays
/// answers refuses more with 413.
pub const LARGEST: usize = 25 << 20;
