//! What a session is made of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::dsp::FrontConfig;
use crate::hooks::Hooks;
use crate::ids::SessionId;
use crate::pipeline::{Metadata, PipelineConfig};
use crate::providers::Provider;
use crate::session::DuplexConfig;
use crate::stages::ContextConfig;
use crate::stt::Transcriber;
use crate::text::{English, Language};
use crate::time::SessionTime;
use crate::tools::{Filler, ToolRegistry};
use crate::tts::Synthesizer;
use crate::turn::endpoint::EndModel;
use crate::turn::{Speculation, StillThere, TurnConfig, Wake};
use crate::types::{Parameters, ToolPolicy};
use crate::vad::Vad;
use crate::validators::Guards;

/// The engines of a session. All but the voice detector may be shared with other sessions.
#[derive(Debug)]
pub struct Engines {
    /// Detects voice.
    pub vad: Box<dyn Vad>,
    /// Recognises words.
    pub transcriber: Arc<dyn Transcriber>,
    /// Answers.
    pub provider: Arc<dyn Provider>,
    /// Speaks.
    pub synthesizer: Arc<dyn Synthesizer>,
    /// The tools that the model may call.
    pub tools: Arc<ToolRegistry>,
}

/// The settings of a session.
#[derive(Clone, Debug)]
pub struct SessionConfig {
    /// Names it in events and recordings.
    pub id: SessionId,
    /// Turn taking.
    pub turn: TurnConfig,
    /// What hears whether the user has finished, beside the rules of `turn.endpoint`: nothing by
    /// default.
    pub end_model: Option<Arc<dyn EndModel>>,
    /// What is done to the microphone's sound before anybody listens to it: nothing by default.
    /// On open speakers, [`FrontConfig::default`].
    pub front: FrontConfig,
    /// The probability from which a frame counts as speech; the detector's own by default.
    pub threshold: Option<f32>,
    /// Instructions for the model; none by default.
    pub system: String,
    /// How the model is to answer; as its provider sees fit by default.
    pub parameters: Parameters,
    /// How it may call tools.
    pub tool_policy: ToolPolicy,
    /// What is said while a tool is waited for and nothing else was said; nothing by default. A
    /// tool may have words of its own ([`Tool::filler`](crate::tools::Tool::filler)).
    pub filler: Option<Filler>,
    /// What is said while the model is waited for and nothing else was said, so long after it was
    /// asked; nothing by default.
    pub slow_filler: Option<Filler>,
    /// What the agent does when it has finished and the user says nothing; nothing by default.
    pub still_there: Option<StillThere>,
    /// How much of a long conversation is sent to the model: all of it by default.
    pub context: Option<ContextConfig>,
    /// The synthesizer's voice; its own by default.
    pub voice: Option<String>,
    /// How fast it speaks, from 0.5 to 2; 1 by default.
    pub speed: f32,
    /// The rules by which answers are cut for the synthesizer; those of English by default, which
    /// also serve languages without abbreviations.
    pub language: Arc<dyn Language>,
    /// Whether answers are begun at a lull, before the user's turn has ended: by default if no
    /// engine takes money for its use.
    pub speculation: Speculation,
    /// Of a session with a model that hears and speaks for itself.
    pub duplex: DuplexConfig,
    /// Metadata that reaches every provider request.
    pub metadata: Metadata,
    /// How the pipelines run. A conversation may be silent for any time, so that there is no
    /// idle time-out by default; the session has watchdogs of its own.
    pub pipeline: PipelineConfig,
    /// When the user's speech truly ends, if that is known: labels of a fixture. Latency counts
    /// from there.
    pub speech_ends: Vec<SessionTime>,
    /// Where the call is recorded in stereo: nowhere by default.
    pub record: Option<PathBuf>,
    /// How long the words of a turn that is over are waited for: 10 s by default.
    pub transcript_limit: Duration,
    /// What the agent says when it fails.
    pub apology: Apology,
    /// The rules for what is said; none by default.
    pub guards: Guards,
    /// What wakes the agent; by default it is always awake, and all that is said is for it.
    pub wake: Option<Wake>,
    /// What is put around requests, tools and turns; nothing by default.
    pub hooks: Hooks,
    /// Whether the model gets the tool `end_call`, by which it ends the call after its answer:
    /// not by default.
    pub end_call: bool,
}

/// What the agent says when a turn fails, so that nobody waits in silence. An empty text is not
/// said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apology {
    /// The recogniser failed.
    pub unheard: Arc<str>,
    /// The model or the synthesizer failed.
    pub unanswered: Arc<str>,
}

impl Default for Apology {
    fn default() -> Self {
        Self {
            unheard: "Sorry, I could not hear that. Please say it again.".into(),
            unanswered: "Sorry, something went wrong. Please ask me again.".into(),
        }
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            id: SessionId::new("session"),
            turn: TurnConfig::default(),
            end_model: None,
            front: FrontConfig::off(),
            threshold: None,
            system: String::new(),
            parameters: Parameters::default(),
            tool_policy: ToolPolicy::default(),
            filler: None,
            slow_filler: None,
            still_there: None,
            context: None,
            voice: None,
            speed: 1.0,
            language: Arc::new(English),
            speculation: Speculation::default(),
            duplex: DuplexConfig::default(),
            metadata: Metadata::default(),
            pipeline: PipelineConfig { idle_timeout: None, ..PipelineConfig::default() },
            speech_ends: Vec::new(),
            record: None,
            transcript_limit: Duration::from_secs(10),
            apology: Apology::default(),
            guards: Guards::default(),
            wake: None,
            hooks: Hooks::default(),
            end_call: false,
        }
    }
}
