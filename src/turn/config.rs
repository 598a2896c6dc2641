//! The settings of turn taking.

use std::time::Duration;

/// When a turn starts and ends, and when the user cuts the agent short.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnConfig {
    /// How much voice starts a turn: 200 ms by default. 300 ms would lose one-word answers.
    pub start: Duration,
    /// A turn with less voice than this is noise: 200 ms by default.
    pub min_speech: Duration,
    /// The silence that ends a turn, from the end of speech: 800 ms by default.
    pub silence: Duration,
    /// The silence after which a turn has likely ended, so that the recogniser can prepare its
    /// final: 300 ms by default.
    pub lull: Duration,
    /// The longest turn: 30 s by default.
    pub max_turn: Duration,
    /// How much sound before the first voice belongs to a turn: 1 s by default.
    pub pre_roll: Duration,
    /// Whether a turn begins with a key only, never with voice: not by default.
    pub push_to_talk: bool,
    /// How the user interrupts.
    pub barge_in: BargeIn,
}

impl Default for TurnConfig {
    fn default() -> Self {
        Self {
            start: Duration::from_millis(200),
            min_speech: Duration::from_millis(200),
            silence: Duration::from_millis(800),
            lull: Duration::from_millis(300),
            max_turn: Duration::from_secs(30),
            pre_roll: Duration::from_secs(1),
            push_to_talk: false,
            barge_in: BargeIn::default(),
        }
    }
}

impl TurnConfig {
    /// Checks the settings, also against each other.
    ///
    /// # Errors
    ///
    /// [`TurnConfigError`] names the setting that cannot work, and the value it has.
    pub fn check(&self) -> Result<(), TurnConfigError> {
        let wrong =
            |setting, value: String, expected| Err(TurnConfigError { setting, value, expected });
        let BargeIn { window, share, .. } = self.barge_in;
        if self.silence < SHORTEST_SILENCE {
            return wrong(
                "silence",
                format!("{:?}", self.silence),
                "at least 100 ms: words have gaps",
            );
        }
        if self.start.is_zero() {
            return wrong("start", format!("{:?}", self.start), "more than nothing");
        }
        if self.max_turn <= self.start + self.silence {
            return wrong(
                "max_turn",
                format!("{:?}", self.max_turn),
                "more than start and silence",
            );
        }
        if window.is_zero() {
            return wrong("barge_in.window", format!("{window:?}"), "more than nothing");
        }
        if !(share > 0.0 && share <= 1.0) {
            return wrong("barge_in.share", share.to_string(), "more than 0, at most 1");
        }
        Ok(())
    }
}

/// A setting of turn taking that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` is {value}; expected {expected}")]
pub struct TurnConfigError {
    setting: &'static str,
    value: String,
    expected: &'static str,
}

/// When speech over the agent's speech is an interruption.
///
/// On human speech, 70 % of half a second held all of ten barge-ins and none of twelve
/// backchannels with a good detector; 200 ms in a row held five of the twelve.
#[derive(Clone, Debug, PartialEq)]
pub struct BargeIn {
    /// What an interruption does.
    pub strategy: Strategy,
    /// How far the rule looks back: 500 ms by default.
    pub window: Duration,
    /// The share of the window that must be voice: 0.7 by default.
    pub share: f32,
}

impl Default for BargeIn {
    fn default() -> Self {
        Self { strategy: Strategy::Immediate, window: Duration::from_millis(500), share: 0.7 }
    }
}

/// What an interruption does to the agent's speech.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// It falls silent at once.
    #[default]
    Immediate,
    /// It falls silent at the end of the sentence.
    Deferred,
    /// It goes on. The user's turn begins when the agent has finished.
    Ignore,
}

/// Stop consonants are silent for up to a tenth of a second.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);
