//! A model behind HTTP: asks it, and reads its answer as it comes. What is asked, and what the
//! answer means, its protocol says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Builder;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::draft::Codec;
use super::retry::Retries;
use super::{
    ListedPrices, Prices, ProviderError, ProviderErrorKind, ProviderEvent, ProviderStream,
    RawExchange,
};
use crate::net::{Body, Endpoint, Events, Http, Incoming, Limits, NetError, events, request_id};
use crate::time::{SessionClock, SessionTime};

/// A model behind HTTP.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) endpoint: Endpoint,
    pub(super) limits: Limits,
    pub(super) retries: Retries,
    http: Arc<dyn Http>,
    /// Beside those of all requests.
    headers: Vec<(HeaderName, HeaderValue)>,
    slots: Option<Slots>,
    /// Whether an answer brings what went over the wire.
    raw: bool,
    preload: Option<Preload>,
    clock: SessionClock,
    warmed: Mutex<Option<SessionTime>>,
}

/// What has a server load its model.
#[derive(Clone, Debug)]
struct Preload {
    endpoint: Endpoint,
    path: &'static str,
    body: Bytes,
    /// One at a time.
    free: Arc<Semaphore>,
}

/// What all models are told alike that a registry makes.
pub(super) struct Tuning {
    pub(super) name: String,
    /// Until the first event of an answer, and from each to the next.
    pub(super) patience: Option<Duration>,
    pub(super) retries: Retries,
    pub(super) at_once: Option<usize>,
    pub(super) raw: bool,
    /// They take the place of those of the same name.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

/// How many requests may be under way at once.
#[derive(Clone, Debug)]
struct Slots {
    free: Arc<Semaphore>,
    most: usize,
}

impl Service {
    /// The model at `endpoint`, called `name`. It has 25 s until the first event of its answer,
    /// and as long for each next one: less than a session waits, so that the error names the
    /// server.
    pub(super) fn new(name: String, http: Arc<dyn Http>, endpoint: Endpoint) -> Self {
        Self {
            name,
            endpoint,
            limits: Limits { head: PATIENCE, piece: PATIENCE, ..Limits::default() },
            retries: Retries::default(),
            http,
            headers: Vec::new(),
            slots: None,
            raw: false,
            preload: None,
            clock: SessionClock::live(),
            warmed: Mutex::default(),
        }
    }

    /// The same with a header more.
    pub(super) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((HeaderName::from_static(name), HeaderValue::from_static(value)));
        self
    }

    /// At most so many requests at once; further ones wait, as long as for the first event.
    pub(super) fn limit(&mut self, most: usize) {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        self.slots = Some(Slots { free: Arc::new(Semaphore::new(most)), most });
    }

    /// What this model costs here: nothing, if nobody is billed; else what the vendor's list says.
    pub(super) fn prices(&self, model: &str) -> Option<Prices> {
        match self.endpoint.is_metered() {
            false => Some(Prices::FREE),
            true => ListedPrices::of(self.endpoint.host(), model).map(|listed| listed.prices),
        }
    }

    pub(super) fn tune(&mut self, tuning: Tuning) {
        let Tuning { name, patience, retries, at_once, raw, headers } = tuning;
        (self.name, self.retries, self.raw) = (name, retries, raw);
        if let Some(wait) = patience {
            self.limits = Limits { head: wait, piece: wait, ..self.limits };
        }
        if let Some(most) = at_once {
            self.limit(most);
        }
        for header in headers {
            self.headers.retain(|(name, _)| *name != header.0);
            self.headers.push(header);
        }
    }

    /// Has the server load its model instead of opening a connection only, by `body` for `path`
    /// beside the interface's own.
    pub(super) fn preload(&mut self, path: &'static str, body: String) {
        let (endpoint, free) = (self.endpoint.above("/v1"), Arc::new(Semaphore::new(1)));
        self.preload = Some(Preload { endpoint, path, body: body.into(), free });
    }

    /// Asks, and reads with `codec`. Without a body: why there is none, before anything is sent.
    pub(super) fn ask(
        &self,
        path: &str,
        body: Result<Vec<u8>, String>,
        codec: impl Codec + 'static,
    ) -> ProviderStream {
        let name = self.name.clone();
        let request = body.map_err(|reason| {
            ProviderError::new(&*name, ProviderErrorKind::InvalidRequest, reason)
        });
        let raw = request.as_ref().ok().filter(|_| self.raw).map(|body| {
            RawExchange::of(self.endpoint.without_keys(&String::from_utf8_lossy(body)))
        });
        let request = request.and_then(|body| {
            let request = self.endpoint.post(path).header(CONTENT_TYPE, "application/json");
            let add = |request: Builder, (name, value): &(HeaderName, HeaderValue)| {
                request.header(name, value)
            };
            let request = self.headers.iter().fold(request, add);
            let request = request.header(ACCEPT, "text/event-stream");
            let request = request.body(Body::Whole(body.into()));
            request.map_err(|error| ProviderError::failed(&*name, error.to_string()))
        });
        let request = match request {
            Ok(request) => request,
            Err(error) => return Box::pin(stream::iter([Err(error)])),
        };
        let (http, endpoint, limits) = (Arc::clone(&self.http), self.endpoint.clone(), self.limits);
        let slots = self.slots.clone();
        let opened = async move {
            let begun = async {
                let slot = match &slots {
                    Some(slots) => Some(slots.take(&name, limits.head).await?),
                    None => None,
                };
                let failed = |error| ProviderError::of_net(&name, error);
                let answer = endpoint.send(&*http, request, limits).await.map_err(failed)?;
                let stranger = stranger(answer.headers());
                if let Some(id) = request_id(answer.headers()) {
                    // Of whoever watches the request, if anybody does.
                    let id = endpoint.presentable(id);
                    tracing::Span::current().record("request_id", id);
                }
                let (body, is_whole) = sniffed(answer.into_body()).await;
                let from = match is_whole {
                    true => From::Whole(Some(body)),
                    false => From::Events(events(body, endpoint.host())),
                };
                let name = name.clone();
                let ready = VecDeque::new();
                let codec = Box::new(codec);
                let over = false;
                let mut answer =
                    Answer { name, endpoint, from, stranger, codec, ready, over, raw, slot };
                answer.progress().await;
                Ok(answer)
            };
            let late = |_| Err(ProviderError::late(&*name, limits.head));
            let begun = timeout(limits.head, begun).await.unwrap_or_else(late)?;
            Ok(begun.stream(limits.piece))
        };
        Box::pin(stream::once(opened).try_flatten())
    }

    /// Opens a connection that the next request finds ready, unless one was opened just now.
    pub(super) fn warm(&self) {
        let now = self.clock.now();
        {
            let mut warmed = self.warmed.lock().unwrap_or_else(PoisonError::into_inner);
            if warmed.is_some_and(|at| now.since(at) < STAYS_WARM) {
                return;
            }
            *warmed = Some(now);
        }
        let (http, endpoint) = (Arc::clone(&self.http), self.endpoint.clone());
        let preload = self.preload.clone();
        tokio::spawn(async move {
            match preload {
                Some(preload) => preload.ask(&*http).await,
                None => endpoint.warm(&*http).await,
            }
        });
    }
}

impl Preload {
    /// Failures show in the request that follows.
    async fn ask(self, http: &dyn Http) {
        let Ok(_one_at_a_time) = self.free.try_acquire() else { return };
        let request = self.endpoint.post(self.path).header(CONTENT_TYPE, "application/json");
        let Ok(request) = request.body(Body::Whole(self.body.clone())) else { return };
        let limits = Limits { head: LOADS, ..Limits::default() };
        if let Ok(answer) = self.endpoint.send(http, request, limits).await {
            let _to_its_end = answer.into_body().try_for_each(|_| std::future::ready(Ok(()))).await;
        }
    }
}

impl Slots {
    async fn take(
        &self,
        name: &str,
        limit: Duration,
    ) -> Result<OwnedSemaphorePermit, ProviderError> {
        let most = self.most;
        let reason =
            format!("{most} are under way, as many as may be, and none ended in {limit:?}");
        let busy = || ProviderError::new(name, ProviderErrorKind::RateLimited, reason);
        // A little sooner than the wait for the answer, so that the error says why.
        let slot = timeout(limit.mul_f64(0.9), Arc::clone(&self.free).acquire_owned()).await;
        slot.ok().and_then(Result::ok).ok_or_else(busy)
    }
}

/// Whether the body is one value rather than events: some servers answer so whatever they are
/// asked. No event begins with a brace.
async fn sniffed(body: Incoming) -> (Incoming, bool) {
    let mut body = body.fuse();
    let mut read = Vec::new();
    while read.len() < MOST_BLANKS {
        let Some(piece) = body.next().await else { break };
        let first = match &piece {
            Ok(piece) => piece.iter().find(|byte| !byte.is_ascii_whitespace()).copied(),
            Err(_) => Some(b' '),
        };
        read.push(piece);
        if let Some(first) = first {
            return (Box::pin(stream::iter(read).chain(body)), matches!(first, b'{' | b'['));
        }
    }
    (Box::pin(stream::iter(read).chain(body)), false)
}

/// What the head calls the body, if that is neither events nor JSON. It may be one of them all the
/// same.
fn stranger(head: &HeaderMap) -> Option<String> {
    let kind = head.get(CONTENT_TYPE)?.to_str().ok()?;
    let kind = kind.split(';').next()?.trim().to_ascii_lowercase();
    (kind != "text/event-stream" && !kind.ends_with("json")).then_some(kind)
}

struct Answer {
    name: String,
    endpoint: Endpoint,
    from: From,
    /// What kind of thing comes, if an answer comes as no such thing.
    stranger: Option<String>,
    codec: Box<dyn Codec>,
    ready: VecDeque<Result<ProviderEvent, ProviderError>>,
    over: bool,
    raw: Option<RawExchange>,
    /// Held until it is over.
    slot: Option<OwnedSemaphorePermit>,
}

enum From {
    Events(Events),
    Whole(Option<Incoming>),
}

impl Answer {
    fn stream(self, piece: Duration) -> ProviderStream {
        Box::pin(stream::unfold(self, move |mut answer| async move {
            let event = answer.next(piece).await?;
            Some((event, answer))
        }))
    }

    async fn next(&mut self, piece: Duration) -> Option<Result<ProviderEvent, ProviderError>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            if timeout(piece, self.progress()).await.is_err() {
                let late = ProviderError::late(&*self.name, piece);
                self.take(Err(late));
            }
        }
    }

    /// Reads until the server has said something of its answer. What only shows that there is
    /// somebody does not count.
    async fn progress(&mut self) {
        let before = self.codec.draft().read();
        while !self.over && self.ready.is_empty() && self.codec.draft().read() == before {
            let read = self.read().await;
            self.take(read);
        }
    }

    fn take(&mut self, read: Result<Vec<ProviderEvent>, ProviderError>) {
        match read {
            Ok(events) => {
                self.over = matches!(events.last(), Some(ProviderEvent::Finished { .. }));
                self.ready.extend(events.into_iter().map(Ok));
                if self.over
                    && let Some(raw) = self.raw.take()
                {
                    let raw = ProviderEvent::Raw(Arc::new(raw));
                    self.ready.insert(self.ready.len() - 1, Ok(raw));
                }
            }
            Err(error) => {
                self.over = true;
                self.ready.push_back(Err(error));
            }
        }
        if self.over {
            let skipped = self.codec.draft().skipped();
            if skipped > 0 {
                tracing::warn!(provider = self.name, skipped, "events could not be read");
            }
            self.from = From::Whole(None);
            self.slot = None;
        }
    }

    async fn read(&mut self) -> Result<Vec<ProviderEvent>, ProviderError> {
        let complete = self.codec.draft().is_complete();
        let event = match &mut self.from {
            From::Whole(body) => Some(all(body.take()).await),
            From::Events(events) if complete => {
                timeout(COST_FOLLOWS, events.next()).await.unwrap_or(None)
            }
            From::Events(events) => events.next().await,
        };
        match event {
            Some(Ok(data)) => {
                if let Some(raw) = &mut self.raw {
                    raw.add(self.endpoint.without_keys(&data));
                }
                let read = match &self.from {
                    From::Whole(_) => self.codec.whole(&data),
                    From::Events(_) => self.codec.read(&data),
                };
                read.map_err(|error| self.without_key(error))
            }
            // All that counts is there.
            Some(Err(_)) if complete => self.codec.end(),
            Some(Err(error)) => Err(ProviderError::of_net(&self.name, error)),
            None => self.codec.end().map_err(|error| self.at_last(error)),
        }
    }

    /// Why there is no answer, where perhaps nobody meant to give one.
    fn at_last(&mut self, error: ProviderError) -> ProviderError {
        match self.stranger.take().filter(|_| self.codec.draft().read() == 0) {
            Some(kind) => {
                let reason =
                    format!("answers with {kind} in place of events: is its address right?");
                ProviderError::new(error.provider, ProviderErrorKind::Protocol, reason)
            }
            None => error,
        }
    }

    fn without_key(&self, error: ProviderError) -> ProviderError {
        ProviderError { reason: self.endpoint.presentable(&error.reason), ..error }
    }
}

/// All of a body that is one value.
async fn all(body: Option<Incoming>) -> Result<String, NetError> {
    let Some(body) = body else { return Ok(String::new()) };
    let add = |mut all: BytesMut, piece: Bytes| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    };
    let all = body.try_fold(BytesMut::new(), add).await?;
    Ok(String::from_utf8_lossy(&all).into_owned())
}

/// A session gives up after 30 s without a sign of life.
const PATIENCE: Duration = Duration::from_secs(25);
/// The cost comes right behind the end, if at all; until then the last words wait.
const COST_FOLLOWS: Duration = Duration::from_millis(500);
/// Servers keep a connection for longer than this.
const STAYS_WARM: Duration = Duration::from_secs(20);
/// A large model, from a slow disk.
const LOADS: Duration = Duration::from_secs(300);
/// Pieces of a body that are nothing but blanks.
const MOST_BLANKS: usize = 64;

#[cfg(test)]
mod tests;
