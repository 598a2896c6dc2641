//! What is simulated.

use std::fmt;
use std::time::Duration;

use super::mode::Mode;
use crate::bench::person::{Utterance, When};
use crate::bench::scenario::{Scenario, ScenarioError};
use crate::bench::services::{Delays, OverrideError, Script};
use crate::session::{SessionConfig, SessionHandle, WishError};
use crate::time::SessionTime;

/// A call to be simulated.
#[derive(Clone, Debug)]
pub struct Play {
    /// What it is called.
    pub name: String,
    /// What the person says.
    pub utterances: Vec<Utterance>,
    /// How long the person waits for a reply: 15 s by default.
    pub patience: Duration,
    /// How the session is set.
    pub config: SessionConfig,
    /// What the agent says first.
    pub greeting: Option<String>,
    /// Who answers: a recogniser, a model and a synthesizer by default. With a model that speaks
    /// for itself, `config.duplex` says who detects turns.
    pub mode: Mode,
    /// The voice detector, also of a service that detects turns: `earshot` by default.
    pub vad: String,
    /// How long the services take.
    pub delays: Delays,
    /// What the services say.
    pub script: Script,
    /// What the program wishes of the session, and when.
    pub wishes: Vec<(SessionTime, Wish)>,
}

/// Something that the program wishes of the session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The agent says this.
    Say(String),
    /// The user types this.
    Hear(String),
    /// The user presses the key to talk.
    Press,
    /// The user releases it.
    Release,
    /// The call ends after what is said.
    HangUp,
    /// The call ends now.
    Stop,
}

impl Default for Play {
    fn default() -> Self {
        Self {
            name: "call".to_owned(),
            utterances: Vec::new(),
            patience: Duration::from_secs(15),
            config: SessionConfig::default(),
            greeting: None,
            mode: Mode::Vad,
            vad: "earshot".to_owned(),
            delays: Delays::default(),
            script: Script::default(),
            wishes: Vec::new(),
        }
    }
}

/// Why no play can be made of a scenario.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// Something that is said in it cannot be had.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The delays of its services make no sense.
    #[error(transparent)]
    Delays(#[from] OverrideError),
    /// There is no runtime to have texts spoken in.
    #[error("cannot start the synthesizer for what the person says: {0}")]
    Runtime(#[from] std::io::Error),
}

impl Play {
    /// The play of a scenario. Texts that the person says are spoken now, by the program `flite`,
    /// in a runtime of its own: must not be called within another one.
    ///
    /// # Errors
    ///
    /// As [`PlayError`] says.
    pub fn of(scenario: &Scenario) -> Result<Self, PlayError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let utterances = runtime.block_on(scenario.utterances())?;
        let default = Self::default();
        Ok(Self {
            name: scenario.name.clone(),
            utterances,
            config: scenario.agent.apply(SessionConfig::default()),
            greeting: scenario.agent.greeting.clone().filter(|_| scenario.is_greeted()),
            vad: scenario.vad.clone().unwrap_or(default.vad),
            delays: scenario.services.delays(None)?,
            script: scenario.services.script.clone(),
            ..Self::default()
        })
    }

    /// About how long the call lasts, if all goes well.
    pub(super) fn length(&self) -> Duration {
        let each = self.utterances.iter().map(|utterance| {
            let sound = crate::bench::person::MICROPHONE.duration(utterance.samples.len() as u64);
            let at = match utterance.when {
                When::At(at) => at.since(SessionTime::ZERO),
                _ => Duration::ZERO,
            };
            (sound + REPLY, at)
        });
        let (sum, latest) = each
            .fold((REPLY, Duration::ZERO), |(sum, latest), (one, at)| (sum + one, latest.max(at)));
        sum + latest
    }
}

impl Wish {
    pub(super) fn make(&self, handle: &SessionHandle) -> Result<(), WishError> {
        match self {
            Self::Say(text) => handle.say(text.as_str()),
            Self::Hear(text) => handle.hear(text.as_str()),
            Self::Press => handle.press(),
            Self::Release => handle.release(),
            Self::HangUp => handle.hang_up(),
            Self::Stop => {
                handle.stop();
                Ok(())
            }
        }
    }
}

impl fmt::Display for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Say(text) => write!(f, "say: {text}"),
            Self::Hear(text) => write!(f, "hear: {text}"),
            Self::Press => f.write_str("press"),
            Self::Release => f.write_str("release"),
            Self::HangUp => f.write_str("hang up"),
            Self::Stop => f.write_str("stop"),
        }
    }
}

/// An average reply, with the pauses around it.
const REPLY: Duration = Duration::from_secs(6);
