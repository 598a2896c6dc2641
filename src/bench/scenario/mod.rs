//! Scenarios: what a person says in a call, when, and what is expected of the agent.
//!
//! A scenario is a TOML file; `docs/scenarios.md` describes it. Those in `assets/scenarios` are
//! built in, with all the sound that they need.
//!
//! ```
//! use banter::bench::scenario::Scenario;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), banter::bench::scenario::ScenarioError> {
//! let scenario = Scenario::named("question")?;
//! let utterances = scenario.utterances().await?;
//! assert_eq!(utterances[0].text, "what time is it");
//! # Ok(())
//! # }
//! ```

mod built_in;
mod estimate;
mod file;
mod labels;
mod sentence;
mod sound;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::time::Duration;

pub use self::estimate::{Stretch, stretches};
pub use self::file::Expect;
pub use self::sentence::Sentence;
use self::sound::Source;
use super::person::{Utterance, When};
use super::services::{Delays, OverrideError, Overrides, Profile, Script};
use crate::error::Recovery;
use crate::session::SessionConfig;
use crate::turn::{Endpoint, Strategy};
use crate::vad::Vad;

/// A call to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What it is called.
    pub name: String,
    /// What it is about, in a line.
    pub about: String,
    /// How the agent is set.
    pub agent: Agent,
    /// What the services say, and how long they take.
    pub services: Services,
    /// The voice detector; that of the settings, if none is named.
    pub vad: Option<String>,
    /// What the person says.
    pub turns: Vec<Turn>,
}

/// What the mock services say, and how long they take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Services {
    /// The profile, if it names one.
    pub profile: Option<Profile>,
    /// What differs from the profile.
    pub overrides: Overrides,
    /// What they say. The recogniser makes no mistakes, unless the scenario has it.
    pub script: Script,
}

/// Settings of the agent; what is not set is as it is by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agent {
    /// The silence that ends a turn.
    pub silence: Option<Duration>,
    /// What speaking over the agent does.
    pub barge_in: Option<Strategy>,
    /// What it says first.
    pub greeting: Option<String>,
    /// Instructions for the model.
    pub system: Option<String>,
}

/// Something that the person says.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    sound: Source,
    /// Its words; none of a noise.
    pub text: String,
    /// When it is said.
    pub when: When,
    /// What must come of it.
    pub expect: Expect,
}

/// What is wrong with a scenario, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ScenarioError {
    place: String,
    problem: String,
}

impl ScenarioError {
    fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { place: place.into(), problem: problem.into() }
    }

    /// What to do about it: the file, or the name, must change.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }
}

impl Scenario {
    /// Reads a scenario file. Sound that it names lies beside it, or is built in.
    ///
    /// # Errors
    ///
    /// When it cannot be read or something in it is wrong: the error names the line.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ScenarioError> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ScenarioError::new(&*place, format!("cannot be read: {error}")))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let folder = path.parent().unwrap_or(Path::new(""));
        file::read(&name, &place, &text, Some(folder))
    }

    /// All scenarios that are built in.
    ///
    /// # Errors
    ///
    /// None: tests read them all.
    pub fn built_in() -> Result<Vec<Self>, ScenarioError> {
        built_in::SCENARIOS.iter().map(|(name, text)| file::read(name, name, text, None)).collect()
    }

    /// The built-in scenario of this name.
    ///
    /// # Errors
    ///
    /// When there is none; the error names those that there are.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        match built_in::SCENARIOS.iter().find(|(known, _)| *known == name) {
            Some((name, text)) => file::read(name, name, text, None),
            None => {
                let names: Vec<_> = built_in::SCENARIOS.iter().map(|(name, _)| *name).collect();
                let problem = format!(
                    "there is no such scenario; give the path of a file, or one of {}",
                    names.join(", ")
                );
                Err(ScenarioError::new(name, problem))
            }
        }
    }

    /// A scenario of all that is said in a WAV file, one turn after the other. Where speech begins
    /// and ends is told by the labels in `NAME.json` beside it, else by the detector `vad`.
    ///
    /// # Errors
    ///
    /// When a file cannot be read, or there is no speech in it.
    pub fn of_wav(path: impl AsRef<Path>, vad: Box<dyn Vad>) -> Result<Self, ScenarioError> {
        sound::scenario_of(path.as_ref(), vad)
    }

    /// What the person will say. Texts are spoken now, by the program `flite`, so that this must
    /// be called in a Tokio runtime in which time passes.
    ///
    /// # Errors
    ///
    /// When `flite` is missing or fails.
    pub async fn utterances(&self) -> Result<Vec<Utterance>, ScenarioError> {
        let mut utterances = Vec::with_capacity(self.turns.len());
        for (index, turn) in self.turns.iter().enumerate() {
            let place = || format!("{}, turn {}", self.name, index + 1);
            let recorded = turn.sound.record(place).await?;
            utterances.push(Utterance {
                samples: recorded.samples,
                speech: recorded.speech,
                labelled: recorded.labelled,
                when: turn.when,
                // To what is no turn nobody expects a reply.
                text: if turn.expect.no_turn { String::new() } else { turn.text.clone() },
            });
        }
        Ok(utterances)
    }

    /// Whether the agent is to speak first.
    #[must_use]
    pub fn is_greeted(&self) -> bool {
        self.agent.greeting.as_ref().is_some_and(|greeting| !greeting.trim().is_empty())
    }
}

impl Scenario {
    /// What is said that is to be understood, turn by turn: noises are not.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        texts(&self.turns)
    }
}

fn texts(turns: &[Turn]) -> Vec<String> {
    let said = turns.iter().filter(|turn| !turn.text.is_empty() && !turn.expect.no_turn);
    said.map(|turn| turn.text.clone()).collect()
}

impl Services {
    /// How long the services take: by `profile` if it is given, else by the scenario's own, else
    /// by the realistic one.
    ///
    /// # Errors
    ///
    /// When what differs from it makes no sense.
    pub fn delays(&self, profile: Option<Profile>) -> Result<Delays, OverrideError> {
        self.profile(profile).delays().with(&self.overrides)
    }

    /// The profile: `profile` if it is given, else the scenario's own, else the realistic one.
    #[must_use]
    pub fn profile(&self, profile: Option<Profile>) -> Profile {
        profile.or(self.profile).unwrap_or_default()
    }
}

impl Agent {
    /// `config` with these settings.
    #[must_use]
    pub fn apply(&self, mut config: SessionConfig) -> SessionConfig {
        if let Some(silence) = self.silence {
            config.turn.endpoint = Endpoint::Fixed;
            config.turn.silence = silence;
        }
        let strategy = &mut config.turn.barge_in.strategy;
        *strategy = self.barge_in.unwrap_or(*strategy);
        if let Some(system) = &self.system {
            config.system.clone_from(system);
        }
        config
    }
}
