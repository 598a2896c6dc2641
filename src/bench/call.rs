//! One call of a person with an agent, in real time; on a paused Tokio runtime, in virtual time.
//!
//! ```text
//! Engines, SessionConfig, Person ─▶ Call::run ─▶ Record: events, PersonLog, Summary
//! ```

use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::person::{Person, PersonLog};
use super::services::{self, Answer, Script};
use crate::device::{Microphone, Speaker};
use crate::duplex::gemini::{GeminiLive, GeminiOptions};
use crate::duplex::openai::{OpenAiOptions, OpenAiRealtime, Transcription};
use crate::duplex::{Protocol, SocketDuplex};
use crate::events::{Event, EventKind, Subscription};
use crate::net::{Dial, Endpoint, EndpointError, Http};
use crate::providers::OpenAi;
use crate::session::{
    DuplexEngines, Engines, Pace, Session, SessionConfig, SessionError, SessionHandle, Summary,
    WishError,
};
use crate::stt::OpenAiTranscriber;
use crate::time::SessionClock;
use crate::tools::{FunctionTool, ToolRegistry};
use crate::tts::OpenAiSynthesizer;
use crate::types::{Secret, ToolDescriptor};
use crate::vad::{UnknownVad, Vad};

/// A call, ready to begin.
pub struct Call {
    session: Session,
    events: Subscription,
    microphone: Box<dyn Microphone>,
    speaker: Box<dyn Speaker>,
    person: PersonLog,
    tool: Duration,
    watch: Watch,
}

/// Sees each event as it comes.
pub type Watch = Box<dyn FnMut(&Event) + Send>;

/// What is left of a call.
#[derive(Debug)]
pub struct Record {
    /// All that happened, in order.
    pub events: Vec<Event>,
    /// How many events were lost because there were too many at once.
    pub lost_events: u64,
    /// What the person said and heard.
    pub person: PersonLog,
    /// What the session left behind.
    pub summary: Summary,
    /// What a tool takes: a part of the services' time.
    pub tool: Duration,
}

impl Call {
    /// A call of `person` with an agent of these engines.
    #[must_use]
    pub fn new(engines: Engines, config: SessionConfig, person: Person) -> Self {
        Self::of(Session::new(engines, config), person)
    }

    /// A call of `person` in this session.
    #[must_use]
    pub fn of(session: Session, person: Person) -> Self {
        let (microphone, speaker, person) = person.devices();
        Self {
            events: session.subscribe(),
            session,
            microphone: Box::new(microphone),
            speaker: Box::new(speaker),
            person,
            tool: Duration::ZERO,
            watch: Box::new(|_| {}),
        }
    }

    /// The same with tools that take so long, which counts as time of the services.
    #[must_use]
    pub fn with_tools_of(mut self, delay: Duration) -> Self {
        self.tool = delay;
        self
    }

    /// The same with `watch` seeing each event as it comes.
    #[must_use]
    pub fn watched_by(mut self, watch: Watch) -> Self {
        self.watch = watch;
        self
    }

    /// The same with other devices, made of the person's: they may be slow, or break.
    #[must_use]
    pub fn with_devices(
        mut self,
        change: impl FnOnce(
            Box<dyn Microphone>,
            Box<dyn Speaker>,
        ) -> (Box<dyn Microphone>, Box<dyn Speaker>),
    ) -> Self {
        (self.microphone, self.speaker) = change(self.microphone, self.speaker);
        self
    }

    /// Has the agent speak first.
    ///
    /// # Errors
    ///
    /// As [`SessionHandle::say`].
    pub fn greet(&self, greeting: &str) -> Result<(), WishError> {
        self.session.handle().say(greeting)
    }

    /// A handle to end it with.
    #[must_use]
    pub fn handle(&self) -> SessionHandle {
        self.session.handle()
    }

    /// What the person says and hears, while it does.
    #[must_use]
    pub const fn person(&self) -> &PersonLog {
        &self.person
    }

    /// Makes the call, until the person hangs up or it is stopped.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub async fn run(self) -> Result<Record, SessionError> {
        let Self { session, mut events, microphone, speaker, person, tool, mut watch } = self;
        let told = person.clone();
        // A task of its own: it has nothing to do whenever the session has.
        let watching = tokio::spawn(async move {
            let (mut seen, mut lost_events) = (Vec::new(), 0);
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => {
                        if let (EventKind::ResponseText { text }, Some(response)) =
                            (&event.kind, event.response)
                        {
                            told.tell_text(response, text);
                        }
                        watch(&event);
                        seen.push(event);
                    }
                    Err(lost) => lost_events += lost,
                }
            }
            (seen, lost_events)
        });
        let summary = session.run(microphone, speaker, Pace::Live).await?;
        let (events, lost_events) =
            watching.await.unwrap_or_else(|failed| resume_unwind(failed.into_panic()));
        Ok(Record { events, lost_events, person, summary, tool })
    }
}

impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("session", &self.session).finish_non_exhaustive()
    }
}

/// Engines that cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The address of the services, or the caller's name, cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The voice detector.
    #[error(transparent)]
    Vad(#[from] UnknownVad),
}

/// The engines of a session whose services are at `base`, behind `http`: the very clients of a
/// true call. The services know the session by its key, `caller`.
///
/// # Errors
///
/// When the address, the name or the detector cannot be used.
pub fn engines(
    http: &Arc<dyn Http>,
    base: &str,
    caller: &str,
    (vad, tools): (Box<dyn Vad>, ToolRegistry),
) -> Result<Engines, CallError> {
    let endpoint = Endpoint::new(base, Some(Secret::new(caller)))?;
    let http = || Arc::clone(http);
    Ok(Engines {
        vad,
        transcriber: Arc::new(OpenAiTranscriber::new(http(), endpoint.clone(), MODEL)),
        provider: Arc::new(OpenAi::new(http(), endpoint.clone(), MODEL)),
        synthesizer: Arc::new(OpenAiSynthesizer::new(http(), endpoint, MODEL, MODEL)),
        tools: Arc::new(tools),
    })
}

/// The engines of a session whose model hears and speaks for itself, and is at `base` behind
/// `dial`: the very client of a true call. The service knows the session by its key, `caller`.
///
/// # Errors
///
/// When the address or the name cannot be used.
pub fn duplex_engines(
    dial: Arc<dyn Dial>,
    (protocol, base): (services::duplex::Protocol, &str),
    caller: &str,
    (vad, tools): (Box<dyn Vad>, ToolRegistry),
) -> Result<DuplexEngines, CallError> {
    use services::duplex::Protocol as Spoken;

    let endpoint = Endpoint::new(base, Some(Secret::new(caller)))?;
    let protocol: Arc<dyn Protocol> = match protocol {
        Spoken::OpenAi => {
            let mut options = OpenAiOptions::new(MODEL);
            options.transcription = Some(Transcription::new(MODEL));
            Arc::new(OpenAiRealtime::new(endpoint, options))
        }
        Spoken::Gemini => Arc::new(GeminiLive::new(endpoint, GeminiOptions::new(MODEL))),
    };
    let provider = Arc::new(SocketDuplex::new(protocol, dial));
    Ok(DuplexEngines { vad, provider, tools: Arc::new(tools) })
}

/// The tools that a script calls. Each takes `delay`, and says that all is well.
#[must_use]
pub fn tools(script: &Script, delay: Duration) -> ToolRegistry {
    let mut tools = ToolRegistry::new();
    for answer in &script.answers {
        let Answer::Tool { name, .. } = answer else { continue };
        let schema = json!({ "type": "object" });
        let about = "Looks something up; for measurements.";
        let descriptor = ToolDescriptor::new(name.as_str(), about, schema);
        let tool = FunctionTool::new(descriptor, move |_| async move {
            SessionClock::live().sleep(delay).await;
            Ok(json!({ "ok": true }))
        });
        // It is called more than once.
        let _known = tools.register(tool.without_side_effects());
    }
    tools
}

/// The mock services have one model, and one voice.
const MODEL: &str = "mock";
