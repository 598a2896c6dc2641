//! Requests to addresses that a stranger may have chosen.

use std::fmt::Debug;
use std::future::{Future, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};

use http::{Request, Uri};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolving};

use super::client::builder;
use super::{Body, Http, HttpClient, HttpFuture, NetError, is_public};

/// How far a [`GuardedClient`] reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// The public network alone.
    Public,
    /// Also this machine, and the networks that it is in.
    Private,
}

/// A way to servers that goes no further than it should, whoever chose the address.
///
/// A name is looked up once, all its addresses are held against the [`Reach`], and the connection
/// goes to one of those: that a name means something else a moment later changes nothing. No proxy
/// is used, which would look up names by itself. Redirects are not followed, and answers are not
/// unpacked. A clone shares its connections.
#[derive(Clone, Debug)]
pub struct GuardedClient {
    client: HttpClient,
    reach: Reach,
}

/// Looks up names.
pub trait Resolve: Debug + Send + Sync {
    /// The addresses of `host`.
    fn resolve(&self, host: &str) -> Addresses;
}

/// The addresses of a name, to come.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

impl GuardedClient {
    /// A client without connections that looks up names as the system does.
    ///
    /// # Errors
    ///
    /// When the machine's certificates cannot be used.
    pub fn new(reach: Reach) -> Result<Self, NetError> {
        Self::resolving(reach, Arc::new(System))
    }

    /// The same, looking up names by `resolver`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn resolving(reach: Reach, resolver: Arc<dyn Resolve>) -> Result<Self, NetError> {
        let checked = Checked { resolver, reach };
        let client = HttpClient::built(builder(Vec::new()).dns_resolver(Arc::new(checked)))?;
        Ok(Self { client, reach })
    }

    /// The one that all share who need none of their own.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn shared(reach: Reach) -> Result<Self, NetError> {
        // Two: a connection that one of them may have is not for the other.
        static PUBLIC: LazyLock<Result<GuardedClient, NetError>> =
            LazyLock::new(|| GuardedClient::new(Reach::Public));
        static PRIVATE: LazyLock<Result<GuardedClient, NetError>> =
            LazyLock::new(|| GuardedClient::new(Reach::Private));
        match reach {
            Reach::Public => PUBLIC.clone(),
            Reach::Private => PRIVATE.clone(),
        }
    }
}

impl Http for GuardedClient {
    fn send(&self, request: Request<Body>) -> HttpFuture {
        match checked(request, self.reach) {
            Ok(request) => self.client.send(request),
            Err(error) => Box::pin(ready(Err(error))),
        }
    }
}

/// Nobody looks up an address, so it is checked here: as it will be read, which may be another
/// way than it is written.
fn checked(request: Request<Body>, reach: Reach) -> Result<Request<Body>, NetError> {
    let (mut head, body) = request.into_parts();
    let host = head.uri.authority().map(ToString::to_string).unwrap_or_default();
    let refused = |reason: &str| NetError::Unreachable {
        host: host.rsplit('@').next().unwrap_or_default().to_owned(),
        reason: reason.to_owned(),
    };
    let url = Url::parse(&head.uri.to_string()).map_err(|_| refused("it is no address"))?;
    let address: Option<IpAddr> = url
        .host_str()
        .and_then(|host| host.trim_start_matches('[').trim_end_matches(']').parse().ok());
    if address.is_some_and(|address| reach == Reach::Public && !is_public(address)) {
        return Err(refused(NOT_PUBLIC));
    }
    head.uri = Uri::try_from(url.as_str()).map_err(|_| refused("it is no address"))?;
    Ok(Request::from_parts(head, body))
}

#[derive(Debug)]
struct Checked {
    resolver: Arc<dyn Resolve>,
    reach: Reach,
}

impl reqwest::dns::Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (found, reach) = (self.resolver.resolve(name.as_str()), self.reach);
        Box::pin(async move {
            let found = found.await?;
            if reach == Reach::Public && !found.iter().copied().all(is_public) {
                return Err(NOT_PUBLIC.into());
            }
            // The port is put in by who connects.
            let addresses: Addrs =
                Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[derive(Debug)]
struct System;

impl Resolve for System {
    fn resolve(&self, host: &str) -> Addresses {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

const NOT_PUBLIC: &str = "its address is not one of the public network";
