//! A server that is a service: streamable HTTP.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::BoxStream;
use http::{HeaderName, HeaderValue, StatusCode};
use reqwest::redirect::Policy;
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::common::client_side_sse::ExponentialBackoff;
use rmcp::transport::streamable_http_client::{
    AuthRequiredError, SseError, StreamableHttpClient, StreamableHttpClientTransportConfig,
    StreamableHttpError, StreamableHttpPostResponse,
};
use sse_stream::Sse;
use tokio::sync::Notify;

use super::process::MAX_LINE;
use super::server::Service;
use crate::net;

/// The way to `service`. A redirect is followed only on the same host and port: the headers are
/// for the one that they were given for.
pub(super) fn transport(
    service: &Service,
    news: &Arc<Notify>,
) -> Result<StreamableHttpClientTransport<Client>, String> {
    let is_address = |url: &http::Uri| url.host().is_some() && url.scheme_str().is_some();
    if !service.url.parse::<http::Uri>().is_ok_and(|url| is_address(&url)) {
        return Err("its address is none; write it as http://HOST:PORT/mcp".to_owned());
    }
    let builder = net::client_builder().map_err(|error| error.to_string())?;
    let client = builder.redirect(same_host()).build().map_err(|error| why(&error))?;
    let client = Client { http: client, news: Arc::clone(news) };
    let mut retry = ExponentialBackoff::default();
    retry.max_delay = Some(LONGEST_PAUSE);
    let mut config = StreamableHttpClientTransportConfig::with_uri(service.url.as_str())
        .custom_headers(headers(service)?)
        .max_sse_event_size(MAX_LINE)
        .reinit_on_expired_session(true);
    config.retry_config = Arc::new(retry);
    Ok(StreamableHttpClientTransport::with_client(client, config))
}

/// What sends requests to a service.
#[derive(Clone, Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    /// Told when a session was lost: the new one may have other tools.
    news: Arc<Notify>,
}

type Answer<T> = Result<T, StreamableHttpError<reqwest::Error>>;
type Headers = HashMap<HeaderName, HeaderValue>;
type Events = BoxStream<'static, Result<Sse, SseError>>;

impl Client {
    /// A service that does not know its session says so with 404, and the library opens a new one.
    /// Others, the official ones among them, refuse what they were sent without saying which
    /// request it was: nobody would learn of it. They have done nothing either.
    fn judged(
        &self,
        answer: Answer<StreamableHttpPostResponse>,
        in_session: bool,
    ) -> Answer<StreamableHttpPostResponse> {
        let judged = match answer {
            Ok(StreamableHttpPostResponse::Json(JsonRpcMessage::Error(error), _))
                if in_session && error.id.is_none() =>
            {
                Err(StreamableHttpError::SessionExpired)
            }
            other => other,
        };
        if let Err(StreamableHttpError::SessionExpired) = judged {
            self.news.notify_one();
        }
        judged
    }
}

impl StreamableHttpClient for Client {
    type Error = reqwest::Error;

    async fn post_message(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        key: Option<String>,
        headers: Headers,
    ) -> Answer<StreamableHttpPostResponse> {
        self.post_message_with_max_sse_event_size(uri, message, session, key, headers, MAX_LINE)
            .await
    }

    async fn post_message_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        message: ClientJsonRpcMessage,
        session: Option<Arc<str>>,
        key: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Answer<StreamableHttpPostResponse> {
        let in_session = session.is_some();
        let posting = self
            .http
            .post_message_with_max_sse_event_size(uri, message, session, key, headers, most);
        self.judged(posting.await, in_session)
    }

    async fn delete_session(
        &self,
        uri: Arc<str>,
        session: Arc<str>,
        key: Option<String>,
        headers: Headers,
    ) -> Answer<()> {
        self.http.delete_session(uri, session, key, headers).await
    }

    async fn get_stream(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        key: Option<String>,
        headers: Headers,
    ) -> Answer<Events> {
        self.http
            .get_stream_with_max_sse_event_size(uri, session, last_event, key, headers, MAX_LINE)
            .await
    }

    async fn get_stream_with_max_sse_event_size(
        &self,
        uri: Arc<str>,
        session: Option<Arc<str>>,
        last_event: Option<String>,
        key: Option<String>,
        headers: Headers,
        most: usize,
    ) -> Answer<Events> {
        self.http
            .get_stream_with_max_sse_event_size(uri, session, last_event, key, headers, most)
            .await
    }
}

/// Some servers lead from `/mcp` to `/mcp/`. Only these two kinds keep what is sent as it is.
fn same_host() -> Policy {
    Policy::custom(|attempt| {
        let keeps = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT];
        let same = |from: &reqwest::Url| from.origin() == attempt.url().origin();
        let followed = keeps.contains(&attempt.status())
            && attempt.previous().len() <= MAX_REDIRECTS
            && attempt.previous().iter().all(same);
        if followed { attempt.follow() } else { attempt.stop() }
    })
}

fn headers(service: &Service) -> Result<Headers, String> {
    let header = |(name, value): &(String, crate::types::Secret)| {
        // Not the value itself: it is secret.
        let wrong = || format!("`{name}` is no header, or has a value that is none");
        let key = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value.expose()).map_err(|_| wrong())?;
        value.set_sensitive(true);
        Ok((key, value))
    };
    service.headers.iter().map(header).collect()
}

/// What is behind an error: those around it name the address, with all that is in it. At most 300
/// characters: services quote what they refuse.
pub(super) fn why(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    loop {
        if cause.is::<AuthRequiredError>() {
            return "it wants to know who asks: give it an `authorization` header".to_owned();
        }
        cause = match cause.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
            Some(StreamableHttpError::Client(hidden)) => hidden,
            _ => match cause.source() {
                Some(source) => source,
                None => return cause.to_string().chars().take(300).collect(),
            },
        };
    }
}

/// Whether it is a pipe that is at its end.
pub(super) fn is_pipe(error: &(dyn Error + 'static)) -> bool {
    error.is::<io::Error>()
}

/// Between two tries to listen to a service that is not there.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 3;
