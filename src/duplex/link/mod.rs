//! Keeps a duplex session alive: owns its socket, one connection after the other.
//!
//! ```text
//!            ┌────────────── lost, or about to be: open the next one ◀────────────┐
//!            ▼                                                                    │
//!  dial ─▶ Codec::open ─▶ ready ─▶ inputs ═ Backlog ═▶ encode ─▶ frames   frames ─▶ decode ─▶ events
//! ```
//!
//! It never waits for one side alone: what the session tells is taken while the socket is slow or
//! not there, and what the socket gives is taken while there is much to send. What is told before
//! the other side is ready, or again, waits in the backlog.

mod backlog;
mod lifeline;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use self::backlog::{Backlog, Next};
pub use self::lifeline::Budget;
use self::lifeline::{Lifeline, Verdict};
use super::{
    Codec, Decoded, DuplexCapabilities, DuplexEngine, DuplexError, DuplexEvent, DuplexInput,
    DuplexProvider, DuplexSession, Opening, Protocol,
};
use crate::net::{Connection, Dial, DialLimits, NetError, SocketMessage};
use crate::time::SessionTime;

/// A provider over a WebSocket: a [`Protocol`], and the way to it.
#[derive(Clone, Debug)]
pub struct SocketDuplex {
    protocol: Arc<dyn Protocol>,
    dial: Arc<dyn Dial>,
    budget: Budget,
}

impl SocketDuplex {
    /// One that speaks `protocol`, and is reached by `dial`.
    #[must_use]
    pub fn new(protocol: Arc<dyn Protocol>, dial: Arc<dyn Dial>) -> Self {
        Self { protocol, dial, budget: Budget::default() }
    }

    /// The same with another budget for connections that are lost.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }
}

impl DuplexProvider for SocketDuplex {
    fn name(&self) -> &str {
        self.protocol.name()
    }

    fn capabilities(&self) -> DuplexCapabilities {
        self.protocol.capabilities()
    }

    fn is_metered(&self) -> bool {
        self.protocol.is_metered()
    }

    fn open(&self, opening: Opening) -> DuplexSession {
        let (session, engine) = DuplexSession::channel();
        let clock = opening.clock.clone();
        let link = Link {
            lifeline: Lifeline::new(self.protocol.name(), self.budget),
            backlog: Backlog::new(opening.settings.detecting),
            codec: self.protocol.codec(),
            protocol: Arc::clone(&self.protocol),
            dial: Arc::clone(&self.dial),
            opening,
            engine,
            replying: false,
        };
        tokio::spawn(clock.track(link.run()));
        session
    }
}

/// A session's task.
struct Link {
    protocol: Arc<dyn Protocol>,
    dial: Arc<dyn Dial>,
    codec: Box<dyn Codec>,
    opening: Opening,
    engine: DuplexEngine,
    lifeline: Lifeline,
    backlog: Backlog,
    /// The other side is in the middle of an answer.
    replying: bool,
}

/// What happens next on a connection.
enum Step {
    Frame(Option<Result<SocketMessage, NetError>>),
    Input(Option<DuplexInput>),
    /// Nothing has, for as long as it may be.
    Late,
}

/// How a connection ended.
enum End {
    /// Nobody wants the session any more.
    Unwanted,
    /// It is to be replaced before it ends by itself.
    Renewed,
    Lost(DuplexError),
}

impl Link {
    async fn run(mut self) {
        loop {
            let ended = match self.dial().await {
                Some(Ok(connection)) => self.converse(connection).await,
                Some(Err(error)) => End::Lost(error.into()),
                None => End::Unwanted,
            };
            let error = match ended {
                End::Unwanted => return,
                End::Renewed => None,
                End::Lost(error) => Some(error),
            };
            tracing::debug!(skipped = self.codec.skipped(), "a duplex connection is over");
            let mut decoded = Decoded::default();
            self.codec.lost(&mut decoded);
            self.replying = false;
            self.tell(decoded.events).await;
            let was_dead = error.as_ref().is_some_and(was_dead);
            let forgotten = self.backlog.lost(self.codec.known(), was_dead);
            self.tell_forgotten(forgotten).await;
            if let Some(error) = error
                && !self.wait(error).await
            {
                return;
            }
        }
    }

    /// Opens a connection; none if nobody wants it any more.
    async fn dial(&mut self) -> Option<Result<Connection, NetError>> {
        let limits = DialLimits { alive: ALIVE, ..DialLimits::default() };
        let mut dialling = self.dial.dial(self.protocol.request(), limits);
        loop {
            tokio::select! {
                biased;
                opened = &mut dialling => return Some(opened),
                input = self.engine.inputs.recv() => self.keep(input?).await,
            }
        }
    }

    /// Waits until the next connection is to be tried. False if there is to be none.
    async fn wait(&mut self, error: DuplexError) -> bool {
        let now = self.opening.clock.now();
        let at = match self.lifeline.lost(now, error.clone()) {
            Verdict::Again(at) => at,
            Verdict::Over(error) => {
                self.tell([DuplexEvent::Closed(error)]).await;
                return false;
            }
        };
        self.tell([DuplexEvent::Lost { error, again_in: at.since(now) }]).await;
        let clock = self.opening.clock.clone();
        let mut over = std::pin::pin!(clock.sleep_until(at));
        loop {
            tokio::select! {
                biased;
                () = &mut over => return true,
                input = self.engine.inputs.recv() => match input {
                    Some(input) => self.keep(input).await,
                    None => return false,
                }
            }
        }
    }

    /// Talks over a connection until it ends.
    async fn converse(&mut self, connection: Connection) -> End {
        let Connection { outgoing, mut incoming } = connection;
        let clock = self.opening.clock.clone();
        let mut frames = Vec::new();
        self.codec.open(&self.opening.settings, &self.opening.past.messages(), &mut frames);
        let mut talk = Talk::new(clock.now(), self.protocol.capabilities().lasts, frames);
        loop {
            if talk.unsent.is_empty()
                && self.codec.is_ready()
                && let Some(Next { input, is_known }) = self.backlog.pop()
            {
                let mut frames = Vec::new();
                match is_known {
                    true => self.codec.recall(&input),
                    false => self.codec.encode(&input, &mut frames),
                }
                talk.send(frames, clock.now());
                self.backlog.told(input, if is_known { 0 } else { talk.sent });
                continue;
            }
            let busy = self.replying || self.backlog.is_open();
            let deadline = talk.deadline(self.codec.is_ready(), busy);
            let step = tokio::select! {
                biased;
                frame = incoming.receive() => Step::Frame(frame),
                permit = outgoing.room(), if !talk.unsent.is_empty() => {
                    // Why it has ended is told to who receives.
                    if let (Some(permit), Some(frame)) = (permit, talk.unsent.pop_front()) {
                        permit.send(SocketMessage::Text(frame));
                        talk.moved(clock.now());
                    } else {
                        talk.unsent.clear();
                    }
                    continue;
                }
                input = self.engine.inputs.recv() => Step::Input(input),
                () = clock.sleep_until(deadline) => Step::Late,
            };
            match step {
                Step::Frame(Some(Ok(frame))) => {
                    if let Err(error) = self.on_frame(&frame, &mut talk).await {
                        return End::Lost(error);
                    }
                }
                Step::Frame(Some(Err(error))) => return End::Lost(error.into()),
                Step::Frame(None) => {
                    let host = outgoing.host().to_owned();
                    return End::Lost(DuplexError::Closed { host });
                }
                Step::Input(Some(input)) => self.keep(input).await,
                Step::Late if !(self.codec.is_ready() && talk.unsent.is_empty()) => {
                    return End::Lost(self.late());
                }
                Step::Input(None) | Step::Late => {
                    // What was sent leaves before it closes.
                    Connection { outgoing, incoming }.close().await;
                    return if matches!(step, Step::Late) { End::Renewed } else { End::Unwanted };
                }
            }
        }
    }

    async fn on_frame(
        &mut self,
        frame: &SocketMessage,
        talk: &mut Talk,
    ) -> Result<(), DuplexError> {
        let was_ready = self.codec.is_ready();
        let mut decoded = Decoded::default();
        self.codec.decode(bytes_of(frame), &mut decoded);
        let now = self.opening.clock.now();
        if !was_ready && self.codec.is_ready() {
            talk.moved(now);
        }
        for event in &decoded.events {
            match event {
                DuplexEvent::GoingAway { left } => talk.ends_in(now, *left),
                DuplexEvent::SpeechStarted { at } => self.backlog.speech_started(*at),
                DuplexEvent::ReplyStarted { asked, .. } => {
                    self.replying = true;
                    self.backlog.begun(*asked);
                }
                DuplexEvent::ReplyEnded { .. } => {
                    self.replying = false;
                    self.backlog.ended();
                    self.lifeline.serves();
                }
                DuplexEvent::Text { .. }
                | DuplexEvent::Sound { .. }
                | DuplexEvent::ToolCall { .. } => self.backlog.answered(),
                _ => {}
            }
        }
        talk.send(decoded.frames, now);
        self.tell(decoded.events).await;
        match decoded.refused {
            Some(refusal) => {
                let provider = self.protocol.name().to_owned();
                Err(DuplexError::Refused { provider, refusal })
            }
            None => Ok(()),
        }
    }

    /// Takes what the session tells.
    async fn keep(&mut self, input: DuplexInput) {
        if let DuplexInput::Settings(settings) = &input {
            // The next connection begins with them.
            self.opening.settings = Arc::clone(settings);
        }
        let forgotten = self.backlog.push(input);
        self.tell_forgotten(forgotten).await;
    }

    async fn tell_forgotten(&mut self, forgotten: Duration) {
        if !forgotten.is_zero() {
            self.tell([DuplexEvent::Forgotten(forgotten)]).await;
        }
    }

    async fn tell(&mut self, events: impl IntoIterator<Item = DuplexEvent>) {
        for event in events {
            let _unwanted = self.engine.events.send(event).await;
        }
    }

    fn late(&self) -> DuplexError {
        let (provider, limit) = (self.protocol.name().to_owned(), READY);
        DuplexError::NotReady { provider, limit }
    }
}

/// One connection.
struct Talk {
    /// Frames that the socket has no room for yet.
    unsent: VecDeque<String>,
    /// How many frames there were so far, with these.
    sent: u64,
    /// When a frame was sent last, or the other side got ready.
    moved: SessionTime,
    /// When it ends by itself, if that is known.
    ends: Option<SessionTime>,
    /// How long before that it may be replaced, in a silence.
    early: Duration,
}

impl Talk {
    fn new(now: SessionTime, lasts: Option<Duration>, frames: Vec<String>) -> Self {
        let ends = lasts.map(|lasts| now + lasts);
        let early = lasts.map_or(Duration::ZERO, |lasts| lasts / 12);
        Self { sent: frames.len() as u64, unsent: frames.into(), moved: now, ends, early }
    }

    fn send(&mut self, frames: Vec<String>, now: SessionTime) {
        if self.unsent.is_empty() {
            self.moved = now;
        }
        self.sent += frames.len() as u64;
        self.unsent.extend(frames);
    }

    fn moved(&mut self, now: SessionTime) {
        self.moved = now;
    }

    fn ends_in(&mut self, now: SessionTime, left: Duration) {
        (self.ends, self.early) = (Some(now + left), left);
    }

    /// When something must happen: the other side is ready, a frame has left, or the connection is
    /// replaced, in a silence if there is one before it ends.
    fn deadline(&self, ready: bool, busy: bool) -> SessionTime {
        if !ready || !self.unsent.is_empty() {
            return self.moved + READY;
        }
        match self.ends {
            None => self.moved + NEVER,
            Some(ends) if busy => ends - LAST_MOMENT,
            Some(ends) => ends - self.early.max(LAST_MOMENT),
        }
    }
}

/// Whether a connection that ended so had been dead before that was noticed.
const fn was_dead(error: &DuplexError) -> bool {
    matches!(error, DuplexError::Net(NetError::TimedOut { .. }))
}

fn bytes_of(frame: &SocketMessage) -> &[u8] {
    match frame {
        SocketMessage::Text(text) => text.as_bytes(),
        SocketMessage::Binary(bytes) => bytes,
    }
}

/// How long the other side may take to get ready, and a frame to leave.
const READY: Duration = Duration::from_secs(10);

/// Silence of the other side until it is asked whether it is there, and as long again until it is
/// given up: a connection that is half open is noticed in 10 s.
const ALIVE: Duration = Duration::from_secs(5);

/// Before a connection ends by itself so much must be left to open the next one.
const LAST_MOMENT: Duration = Duration::from_secs(3);

/// Longer than any call.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3_600);

#[cfg(test)]
mod tests;
