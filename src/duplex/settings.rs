//! What a duplex session is to be like, and what a provider can do.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::SampleRate;
use crate::time::SessionClock;
use crate::types::{Message, Parameters, ToolChoice, ToolDescriptor};

/// What a provider opens a session with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// What the session is to be like.
    pub settings: Arc<DuplexSettings>,
    /// What was said before, whenever a connection has to be told.
    pub past: Arc<dyn Past>,
    /// The session's clock.
    pub clock: SessionClock,
}

/// Knows what was said in a conversation.
pub trait Past: Debug + Send + Sync {
    /// All that was said so far, as it was heard.
    fn messages(&self) -> Vec<Message>;
}

/// Nothing was said before: a past of its own.
impl Past for () {
    fn messages(&self) -> Vec<Message> {
        Vec::new()
    }
}

/// What a duplex session is to be like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DuplexSettings {
    /// Instructions.
    pub system: Arc<str>,
    /// The tools that the model may call.
    pub tools: Arc<[ToolDescriptor]>,
    /// Whether it must, may or may not call one.
    pub tool_choice: ToolChoice,
    /// How it is to answer.
    pub parameters: Parameters,
    /// Its voice, by the provider's name for it; the provider's choice if there is none.
    pub voice: Option<Arc<str>>,
    /// How fast it speaks: 1 is as ever. Providers that cannot change that ignore it.
    pub speed: Option<f32>,
    /// The language that is spoken, as in `en` or `de-CH`; any if there is none.
    pub language: Option<Arc<str>>,
    /// Whether it speaks or writes.
    pub speaks: Speaks,
    /// Who says when the user's turns begin and end.
    pub detecting: Detecting,
    /// The words of the user are wanted.
    pub transcribes: bool,
}

/// Whether a model speaks or writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaks {
    /// It speaks: by default.
    #[default]
    Sound,
    /// It writes.
    Text,
}

/// Who says when the user's turns begin and end.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Detecting {
    /// Whoever tells the session: [`DuplexInput::TurnBegan`](super::DuplexInput::TurnBegan) and what
    /// follows it. Answers are asked for.
    #[default]
    Here,
    /// The other side, which also begins answers.
    There(ServerTurns),
}

/// How the other side detects turns. What is not said is as it sees fit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerTurns {
    /// A model judges what was said, with so much patience, rather than silence alone.
    pub semantic: Option<Eagerness>,
    /// How sure it must be of a voice, from 0 to 1.
    pub threshold: Option<f32>,
    /// How much of the sound before a turn belongs to it.
    pub prefix: Option<Duration>,
    /// The silence that ends a turn.
    pub silence: Option<Duration>,
    /// After so much silence of the user's the model speaks first.
    pub idle: Option<Duration>,
    /// It goes on speaking when the user does: whoever told it to stop is here.
    pub goes_on: bool,
}

/// How soon a model that judges what was said takes a turn for finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eagerness {
    /// It waits longest.
    Low,
    /// In between.
    Medium,
    /// It answers soonest.
    High,
    /// As the provider sees fit.
    #[default]
    Auto,
}

/// What a provider hears, says and can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DuplexCapabilities {
    /// The rate of the sound that it hears.
    pub hears: SampleRate,
    /// The rate of the sound that it gives.
    pub speaks: SampleRate,
    /// What it takes beside sound.
    pub takes: Takes,
    /// What it does about turns by itself.
    pub turns: Turns,
    /// A later connection may go on where one was lost, without being told anew.
    pub resumes: bool,
    /// How long a connection may last.
    pub lasts: Option<Duration>,
}

/// What a provider takes beside sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takes {
    /// Pictures.
    pub images: bool,
    /// Frames of a camera or a screen, as they are taken.
    pub video: bool,
}

/// What a provider does about turns by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// Nothing.
    None,
    /// It answers and is interrupted by itself, but does not say when the user began and ceased to
    /// speak.
    Silent,
    /// It does, and says so.
    Told,
}
