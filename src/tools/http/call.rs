//! What a request of a tool is made by.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::net::{NetError, Reach};
use crate::types::Secret;

/// What a request of a tool is made by: a method, an address, and templates.
///
/// A template is a text with places for arguments: `{city}`, or `{user.id}` within an object; a
/// brace itself is written twice. In paths and queries values are percent-encoded; what is not given
/// leaves out its pair of a query, its header, or its field of a body, but must be given in a
/// path.
#[derive(Clone, Debug)]
pub struct HttpCall {
    pub(super) method: Method,
    pub(super) url: String,
    pub(super) headers: Vec<(String, HeaderText)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Value>,
    pub(super) pick: Option<String>,
    pub(super) hosts: Vec<String>,
    pub(super) time_limit: Duration,
    pub(super) size_limit: usize,
    side_effects: Option<bool>,
    reach: Reach,
    plain: bool,
}

/// What stands in a header.
#[derive(Clone, Debug)]
pub(super) enum HeaderText {
    Template(String),
    Secret(Secret),
}

impl HttpCall {
    /// A request of this kind to an address, which may have places in its path and query. It has
    /// 10 s of time, and 1 MiB for its answer.
    ///
    /// The arguments that the address does not use become its query; with POST, PUT and PATCH all
    /// of them are the body, as JSON.
    #[must_use]
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self {
            method,
            url: url.into(),
            headers: Vec::new(),
            query: Vec::new(),
            body: None,
            pick: None,
            hosts: Vec::new(),
            time_limit: Duration::from_secs(10),
            size_limit: 1 << 20,
            side_effects: None,
            reach: Reach::Public,
            plain: false,
        }
    }

    /// Gets an address.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self::new(Method::GET, url)
    }

    /// Posts to an address.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Self {
        Self::new(Method::POST, url)
    }

    /// With a header, by a template.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, template: impl Into<String>) -> Self {
        self.headers.push((name.into(), HeaderText::Template(template.into())));
        self
    }

    /// With a header that nobody but the service may know. It is no template; it is not sent on to
    /// where the service redirects, and is taken out of what the service says.
    #[must_use]
    pub fn secret_header(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.headers.push((name.into(), HeaderText::Secret(value)));
        self
    }

    /// With a pair of the query, by a template. Then there is nothing in the query but such pairs
    /// and what the address has. A list gives a pair for each of its items.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, template: impl Into<String>) -> Self {
        self.query.push((name.into(), template.into()));
        self
    }

    /// With this body, whose texts are templates. A text that is nothing but a place becomes the
    /// value, whatever it is. A body that is a text and no more is sent as it is, not as JSON.
    #[must_use]
    pub fn body(mut self, template: Value) -> Self {
        self.body = Some(template);
        self
    }

    /// Of the answer, which must be JSON, only what is at this JSON pointer.
    #[must_use]
    pub fn pick(mut self, pointer: impl Into<String>) -> Self {
        self.pick = Some(pointer.into());
        self
    }

    /// Where requests may go, redirects included: `api.example.com`, or `*.example.com` for all
    /// within it. By default to the host of the address alone.
    #[must_use]
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = hosts.into_iter().map(Into::into).collect();
        self
    }

    /// How long all of it may take; 10 s by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How much may be answered, in bytes; 1 MiB by default.
    #[must_use]
    pub fn size_limit(mut self, bytes: usize) -> Self {
        self.size_limit = bytes;
        self
    }

    /// Whether it changes something; by default all but GET and HEAD do.
    #[must_use]
    pub fn side_effects(mut self, has: bool) -> Self {
        self.side_effects = Some(has);
        self
    }

    /// Also to this machine and to private networks, and without TLS.
    #[must_use]
    pub fn allow_private(mut self) -> Self {
        self.reach = Reach::Private;
        self.allow_plain()
    }

    /// Also without TLS: whoever is on the way can read and change what is sent.
    #[must_use]
    pub fn allow_plain(mut self) -> Self {
        self.plain = true;
        self
    }

    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    pub(super) fn may_be_plain(&self) -> bool {
        self.plain
    }

    pub(super) fn has_side_effects(&self) -> bool {
        self.side_effects.unwrap_or(!matches!(self.method, Method::GET | Method::HEAD))
    }
}

/// Why there can be no such HTTP tool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpToolError {
    /// The address is none that a tool may have.
    #[error("the address {0}")]
    Address(String),
    /// A template is none.
    #[error("the template {0}")]
    Template(String),
    /// A place is for an argument that the tool does not take.
    #[error("`{{{name}}}` is none of the tool's parameters; name one of them, or write `{{{{`")]
    Parameter {
        /// The name.
        name: String,
    },
    /// A header is none, or none that a tool may set.
    #[error("the header `{name}`: {problem}")]
    Header {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// What is picked from the answer is no JSON pointer.
    #[error("`{0}` is no JSON pointer: it begins with `/`, as `/items/0`")]
    Pointer(String),
    /// The machine has no way to services.
    #[error(transparent)]
    Net(#[from] NetError),
}
