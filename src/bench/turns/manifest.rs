//! What a set of scenarios holds: which sound, and what is to happen in it.
//!
//! A set is a folder with `manifest.json` and the WAV files that it names.

use serde::{Deserialize, Serialize};

/// A set of scenarios.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The noise that lies under all of them.
    #[serde(default)]
    pub noise: Option<String>,
    /// How far the speech is above that noise, in dB.
    #[serde(default)]
    pub snr: Option<f64>,
    /// In their order.
    pub scenarios: Vec<Scenario>,
}

/// A stretch of sound, and what is to happen in it. All times are in milliseconds from its start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its name.
    pub id: String,
    /// What it tries: `simple`, `hesitate600`, `barge-20` and so on.
    pub kind: String,
    /// The microphone's WAV file, beside the manifest.
    pub mic: String,
    /// What leaves the speaker, at the same time.
    #[serde(default)]
    pub agent: Option<String>,
    /// How long it lasts.
    pub duration_ms: u64,
    /// When the agent speaks.
    #[serde(default)]
    pub agent_playing: Vec<Span>,
    /// What the user says.
    #[serde(default)]
    pub user_turns: Vec<UserTurn>,
    /// What is neither a turn nor an interruption.
    #[serde(default)]
    pub probes: Vec<Probe>,
    /// When the agent must fall silent.
    #[serde(default)]
    pub interrupts: Vec<Interrupt>,
    /// The level of the agent's voice in the microphone against what left the speaker, in dB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo_db: Option<f64>,
    /// The pause that was put into the turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause_ms: Option<u64>,
    /// The clips that it was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clips: Vec<String>,
}

/// From the first to the second, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span(pub u64, pub u64);

/// A turn that is to be found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserTurn {
    /// Where speech begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Pauses in it that must not end it.
    #[serde(default)]
    pub pauses: Vec<Span>,
    /// Whether it falls into the agent's speech: then it is judged as an interruption.
    #[serde(default, skip_serializing_if = "is_false")]
    pub during_agent: bool,
}

/// Sound that must cause nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// What it is: `click`, `cough`, `backchannel` and so on.
    pub kind: String,
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// The clip that it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<String>,
}

/// Speech that must silence the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interrupt {
    /// Where it begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}
