//! Keeps one server running, and its tools known: a task from the first start to the last end.
//!
//! ```text
//! start ─▶ runs ──▶ its tools changed: they are listed again
//!            │
//!            ├────▶ it ended: started again, some times ─▶ given up
//!            └────▶ it is to end
//! ```

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::McpError;
use super::link::{Fault, Link, Wire};
use super::restarts::Restarts;
use super::server::McpServer;
use super::tool::{self, Tools};
use crate::time::SessionClock;

/// How a server is.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// It starts, for the first time or again; then with the reason why it ended.
    Starting(Option<Arc<str>>),
    /// It runs.
    Up(Wire),
    /// It has ended for good.
    Down(Arc<str>),
}

/// What others see of a server.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) line: Line,
    pub(super) tools: watch::Receiver<Tools>,
}

/// The way to a server, whatever becomes of it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) server: Arc<McpServer>,
    pub(super) state: watch::Receiver<State>,
}

/// Keeps one server.
#[derive(Debug)]
pub(super) struct Supervisor {
    line: Line,
    state: watch::Sender<State>,
    tools: watch::Sender<Tools>,
    /// Told when its tools have changed.
    news: Arc<Notify>,
    closing: CancellationToken,
    clock: SessionClock,
}

impl Supervisor {
    /// Keeps `server` until `closing`.
    pub(super) fn new(server: McpServer, closing: CancellationToken) -> (Self, Watched) {
        let server = Arc::new(server);
        let (state, seen) = watch::channel(State::Starting(None));
        let (tools, seen_tools) = watch::channel(Tools::default());
        let line = Line { server, state: seen };
        let watched = Watched { line: line.clone(), tools: seen_tools };
        let clock = SessionClock::live();
        (Self { line, state, tools, news: Arc::default(), closing, clock }, watched)
    }

    /// Starts the server, tells how that went, and keeps it until the end.
    pub(super) async fn run(self, started: oneshot::Sender<Result<(), McpError>>) {
        let mut link = match self.start().await {
            Ok(link) => link,
            Err(reason) => {
                self.down(&reason);
                let (server, command) = (self.line.server.name.clone(), self.line.server.shown());
                let _nobody_waits = started.send(Err(McpError::Start { server, command, reason }));
                return;
            }
        };
        let _nobody_waits = started.send(Ok(()));
        let mut restarts = Restarts::new(self.line.server.reconnects);
        loop {
            let began = self.clock.now();
            let Some(why) = self.keep(link).await else { break };
            let ran = self.clock.now().since(began);
            match self.again(&mut restarts, ran, why).await {
                Some(new) => link = new,
                None => return,
            }
        }
        self.down("it was closed");
    }

    /// A server that runs, with its tools; else why there is none.
    async fn start(&self) -> Result<Link, String> {
        let starting = async {
            let link = Link::open(&self.line.server, &self.news).await?;
            match timeout(self.line.server.init_timeout, self.list(&link.wire)).await {
                Ok(Ok(())) => Ok(link),
                Ok(Err(Fault::Lost)) => Err(link.fate().await),
                Ok(Err(fault)) => {
                    link.close().await;
                    Err(format!("it does not tell its tools: {fault}"))
                }
                Err(_late) => {
                    link.close().await;
                    let limit = self.line.server.init_timeout;
                    Err(format!("it did not tell its tools within {limit:?}"))
                }
            }
        };
        let started = tokio::select! {
            biased;
            () = self.closing.cancelled() => Err("it was closed".to_owned()),
            started = starting => started,
        };
        let link = started.map_err(|why| self.line.server.without_secrets(&why))?;
        self.state.send_replace(State::Up(link.wire.clone()));
        Ok(link)
    }

    /// Keeps a server that runs: `None` when it was closed, else why it ended.
    async fn keep(&self, link: Link) -> Option<String> {
        tokio::select! {
            biased;
            () = self.closing.cancelled() => {
                self.down("it was closed");
                link.close().await;
                return None;
            }
            () = link.gone() => {}
            () = self.keep_listed(&link.wire) => {}
        }
        let why = self.line.server.without_secrets(&link.fate().await);
        self.state.send_replace(State::Starting(Some(why.as_str().into())));
        Some(why)
    }

    /// Starts the server again, as often as it may be.
    async fn again(
        &self,
        restarts: &mut Restarts,
        mut ran: Duration,
        mut why: String,
    ) -> Option<Link> {
        loop {
            tracing::warn!(server = self.line.server.name, why, "an MCP server is gone");
            let Some(pause) = restarts.next(ran) else {
                let used = restarts.used();
                self.down(&format!("{why} (started again {used} times, and given up)"));
                return None;
            };
            let closed = timeout(pause, self.closing.cancelled()).await;
            if closed.is_ok() {
                self.down("it was closed");
                return None;
            }
            match self.start().await {
                Ok(link) => return Some(link),
                Err(reason) => (why, ran) = (reason, Duration::ZERO),
            }
        }
    }

    /// Lists the tools anew whenever the server says that they have changed, but not all the time.
    async fn keep_listed(&self, wire: &Wire) {
        loop {
            self.news.notified().await;
            let listed = timeout(self.line.server.request_timeout, self.list(wire)).await;
            if !matches!(listed, Ok(Ok(()))) {
                let server = &self.line.server.name;
                tracing::warn!(server, ?listed, "an MCP server changed its tools, and hides them");
            }
            self.clock.sleep(BETWEEN_LISTS).await;
        }
    }

    async fn list(&self, wire: &Wire) -> Result<(), Fault> {
        let listed = wire.tools().await?;
        self.tools.send_replace(tool::tools(&self.line, listed));
        Ok(())
    }

    /// It is not there any more, nor are its tools.
    fn down(&self, why: &str) {
        self.tools.send_replace(Tools::default());
        self.state.send_replace(State::Down(why.into()));
    }
}

impl Line {
    /// What requests go over, once there is something: a server that is being started again is
    /// waited for.
    pub(super) async fn wire(&self) -> Result<Wire, McpError> {
        let mut state = self.state.clone();
        loop {
            match &*state.borrow_and_update() {
                State::Up(wire) => return Ok(wire.clone()),
                State::Down(why) => return Err(self.gone(why)),
                State::Starting(_) => {}
            }
            if state.changed().await.is_err() {
                return Err(self.gone("it was closed"));
            }
        }
    }

    /// Makes a request, which fails at once when the server ends. It has no limit.
    pub(super) async fn request<T>(
        &self,
        request: impl AsyncFnOnce(&Wire) -> Result<T, Fault>,
    ) -> Result<T, McpError> {
        let wire = self.wire().await?;
        let mut state = self.state.clone();
        let other = |state: &State| !matches!(state, State::Up(now) if now.is(&wire));
        let answered = tokio::select! {
            biased;
            answered = request(&wire) => answered,
            _gone = state.wait_for(other) => Err(Fault::Lost),
        };
        match answered {
            Ok(answer) => Ok(answer),
            Err(Fault::Refused(why)) => {
                let reason = self.server.without_secrets(&why);
                Err(McpError::Refused { server: self.server.name.clone(), reason })
            }
            Err(Fault::Lost) => {
                // Its end is looked into.
                let _known = timeout(INQUEST, state.wait_for(other)).await.is_ok();
                let why = match &*state.borrow() {
                    State::Starting(Some(why)) | State::Down(why) => format!(": {why}"),
                    _ => String::new(),
                };
                Err(self.gone(&format!("it ended while it was asked{why}")))
            }
        }
    }

    /// The same, with the server's limit.
    pub(super) async fn request_in_time<T>(
        &self,
        request: impl AsyncFnOnce(&Wire) -> Result<T, Fault>,
    ) -> Result<T, McpError> {
        let (server, limit) = (self.server.name.clone(), self.server.request_timeout);
        let late = |_| McpError::TimedOut { server, limit };
        timeout(limit, self.request(request)).await.map_err(late)?
    }

    fn gone(&self, why: &str) -> McpError {
        McpError::Gone { server: self.server.name.clone(), reason: why.to_owned() }
    }
}

/// A server that says all the time that its tools have changed is asked no more often.
const BETWEEN_LISTS: Duration = Duration::from_secs(1);
/// Until it is known why a server ended.
const INQUEST: Duration = Duration::from_secs(2);
