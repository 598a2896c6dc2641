//! What a provider over a socket consists of: everything but the socket.

use std::fmt::Debug;

use http::Request;

use super::{Codec, DuplexCapabilities};
use crate::types::Secret;

/// A protocol and where it is spoken: which service, with which key and options. Shared by many
/// sessions.
pub trait Protocol: Debug + Send + Sync {
    /// Names the provider in events and on the command line.
    fn name(&self) -> &str;

    /// What it hears, says and can do.
    fn capabilities(&self) -> DuplexCapabilities;

    /// Whether its use is paid for.
    fn is_metered(&self) -> bool;

    /// A session's codec. It serves all of the session's connections, one after the other.
    fn codec(&self) -> Box<dyn Codec>;

    /// What opens a connection. Keys in it are marked as sensitive.
    fn request(&self) -> Request<()>;
}

/// The keys in a request, which errors must not quote. Of "Bearer sk-1234", the second word is one.
pub(super) fn keys(request: &Request<()>) -> Vec<Secret> {
    let sensitive = request.headers().values().filter(|value| value.is_sensitive());
    let words = sensitive.filter_map(|value| value.to_str().ok()?.split_whitespace().next_back());
    words.map(Secret::new).collect()
}
