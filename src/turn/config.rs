//! The settings of turn taking.

use std::time::Duration;

use super::Endpoint;

/// When a turn starts and ends, and when the user cuts the agent short.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnConfig {
    /// At the beginning of a sound so much starts no turn, since voice detectors settle then:
    /// 200 ms by default.
    pub settle: Duration,
    /// How much voice starts a turn: 200 ms by default. 300 ms would lose one-word answers. It is
    /// twice as much while the detector is not sure (0.2 above its threshold).
    pub start: Duration,
    /// A turn with less voice than this is noise: 200 ms by default.
    pub min_speech: Duration,
    /// Who says how much silence ends a turn: [`Endpoint::Balanced`] by default.
    pub endpoint: Endpoint,
    /// The silence that ends a turn, from the end of speech, for [`Endpoint::Fixed`], and for
    /// others where nothing is known of the voice: 800 ms by default.
    pub silence: Duration,
    /// The language of the user, as a tag such as `en`. By its rules words so far ask for more
    /// time; none by default.
    pub language: String,
    /// The silence after which a turn has likely ended, so that the recogniser can prepare its
    /// final, and an answer may be begun ahead: 200 ms by default.
    pub lull: Duration,
    /// The longest turn: 30 s by default.
    pub max_turn: Duration,
    /// How much sound before the first voice belongs to a turn: 1 s by default.
    pub pre_roll: Duration,
    /// What begins a turn: voice by default.
    pub detection: Detection,
    /// How the user interrupts.
    pub barge_in: BargeIn,
}

impl Default for TurnConfig {
    fn default() -> Self {
        Self {
            settle: Duration::from_millis(200),
            start: Duration::from_millis(200),
            min_speech: Duration::from_millis(200),
            endpoint: Endpoint::default(),
            silence: Duration::from_millis(800),
            language: String::new(),
            lull: Duration::from_millis(200),
            max_turn: Duration::from_secs(30),
            pre_roll: Duration::from_secs(1),
            detection: Detection::Voice,
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
        let BargeIn { window, share, margin, min_words, patience, .. } = self.barge_in;
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
        if !(0.0..1.0).contains(&margin) {
            return wrong("barge_in.margin", margin.to_string(), "at least 0, less than 1");
        }
        if min_words == 0 {
            return wrong("barge_in.min_words", min_words.to_string(), "at least 1");
        }
        if patience < SHORTEST_PATIENCE {
            return wrong("barge_in.patience", format!("{patience:?}"), "at least 500 ms");
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

/// What begins a turn, and ends it. A key does in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detection {
    /// Voice begins it and silence ends it, as the other settings say.
    #[default]
    Voice,
    /// A key alone.
    Key,
    /// Who detects turns elsewhere tells both: a [`TurnDetector`](super::TurnDetector), or a
    /// client. Of the other settings `max_turn`, `pre_roll` and `barge_in.strategy` hold.
    Told,
}

/// When speech over the agent's speech is an interruption.
///
/// On human speech, 70 % of half a second held all of ten barge-ins and none of twelve
/// backchannels with a good detector; 200 ms in a row held five of the twelve. 60 % with a margin
/// holds as many, 40 ms sooner, and keeps what an echo canceller leaves of a voice
/// (docs/turn-taking.md).
#[derive(Clone, Debug, PartialEq)]
pub struct BargeIn {
    /// What an interruption does.
    pub strategy: Strategy,
    /// How far the rule looks back: 500 ms by default.
    pub window: Duration,
    /// The share of the window that must be voice: 0.6 by default.
    pub share: f32,
    /// By how much more than its threshold the detector must believe in a voice: 0.05 by default.
    pub margin: f32,
    /// How many words of a turn end the agent's answer: 1 by default. With fewer it goes on, and
    /// they are not answered. Two letters of a script without spaces count as a word.
    pub min_words: u32,
    /// How long the agent is silent without words, from the end of the voice that silenced it:
    /// 2 s by default. From a recogniser that gives words while they are said, they are expected
    /// within this time of the hold. Words that come later end the answer all the same.
    pub patience: Duration,
}

impl Default for BargeIn {
    fn default() -> Self {
        Self {
            strategy: Strategy::Immediate,
            window: Duration::from_millis(500),
            share: 0.6,
            margin: 0.05,
            min_words: 1,
            patience: Duration::from_secs(2),
        }
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

/// No recogniser has words sooner.
const SHORTEST_PATIENCE: Duration = Duration::from_millis(500);

/// Stop consonants are silent for up to a tenth of a second.
const SHORTEST_SILENCE: Duration = Duration::from_millis(100);
