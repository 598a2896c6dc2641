//! What can go wrong with a call, and at which moment of it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A fault that strikes calls at a moment of theirs.
///
/// In a script it is an object; at random, on the command line, it is written as
/// `first_audio+200/cut=0.05`: at 5 % of these moments, 200 ms later, the socket breaks off.
///
/// ```
/// use banter::bench::services::duplex::{CallFault, Mishap, Moment};
///
/// let mishap: Mishap = serde_json::from_str(
///     r#"{"call": 1, "at": "first_audio", "after_ms": 200, "fault": "close:1011"}"#,
/// )?;
/// assert_eq!((mishap.at, mishap.fault), (Moment::FirstAudio, CallFault::Close(1011)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mishap {
    /// Which of the caller's calls, from 1, since the script was given; every one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<u64>,
    /// When.
    pub at: Moment,
    /// Which of these moments in a call, from 1; every one by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// How many milliseconds later: 0 by default.
    #[serde(default)]
    pub after_ms: u64,
    /// What happens.
    pub fault: CallFault,
    /// How likely it is, from 0 to 1: 1 by default.
    #[serde(default = "certain")]
    pub probability: f64,
}

const fn certain() -> f64 {
    1.0
}

impl Mishap {
    /// At this moment of every call, this happens.
    #[must_use]
    pub const fn new(at: Moment, fault: CallFault) -> Self {
        Self { call: None, at, nth: None, after_ms: 0, fault, probability: 1.0 }
    }

    /// The same in one of the caller's calls only, from 1.
    #[must_use]
    pub fn in_call(self, call: u64) -> Self {
        Self { call: Some(call), ..self }
    }

    /// The same at one of these moments only, from 1.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        Self { nth: Some(nth), ..self }
    }

    /// The same so many milliseconds later.
    #[must_use]
    pub fn after_ms(self, after_ms: u64) -> Self {
        Self { after_ms, ..self }
    }

    /// How long after its moment it strikes.
    #[must_use]
    pub const fn after(&self) -> Duration {
        Duration::from_millis(self.after_ms)
    }
}

impl FromStr for Mishap {
    type Err = MishapError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || MishapError(text.to_owned());
        let (what, probability) = text.split_once('=').ok_or_else(wrong)?;
        let probability: f64 = probability.trim().parse().map_err(|_| wrong())?;
        let (moment, fault) = what.split_once('/').ok_or_else(wrong)?;
        let (moment, after) = moment.split_once('+').unwrap_or((moment, "0"));
        let at = Moment::by_name(moment.trim()).ok_or_else(wrong)?;
        let after_ms = after.trim().parse().map_err(|_| wrong())?;
        let fault = fault.parse().map_err(|_| wrong())?;
        if !(0.0..=1.0).contains(&probability) {
            return Err(wrong());
        }
        Ok(Self { probability, after_ms, ..Self::new(at, fault) })
    }
}

/// A moment of a call. Those of what is sent come right after it has been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The connection is open; nothing was sent.
    Open,
    /// The session is there: `session.created`, `setupComplete`.
    Ready,
    /// The user was heard to begin.
    SpeechStarted,
    /// A turn of the user's is over.
    TurnEnded,
    /// A response has begun; nothing of it was sent.
    ResponseBegun,
    /// The first sound of a response was sent; its first text where it has no sound.
    FirstAudio,
    /// A piece of sound was sent.
    Audio,
    /// Tools were called.
    ToolCalled,
    /// The result of a tool has come.
    ToolAnswered,
    /// A response is over.
    ResponseOver,
}

impl Moment {
    const NAMES: [(&str, Self); 10] = [
        ("open", Self::Open),
        ("ready", Self::Ready),
        ("speech_started", Self::SpeechStarted),
        ("turn_ended", Self::TurnEnded),
        ("response_begun", Self::ResponseBegun),
        ("first_audio", Self::FirstAudio),
        ("audio", Self::Audio),
        ("tool_called", Self::ToolCalled),
        ("tool_answered", Self::ToolAnswered),
        ("response_over", Self::ResponseOver),
    ];

    fn by_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, moment)| *moment)
    }
}

/// What goes wrong with a call.
///
/// Written as one word, in scripts and on the command line:
///
/// | word | what happens |
/// |---|---|
/// | `cut` | the socket breaks off, without a goodbye |
/// | `close:1011` | it closes with this code; `close:1006` is `cut`, as no frame may carry that |
/// | `silent` | nothing more comes, not even an answer to a ping; what is sent is not read |
/// | `refuse:3000` | `cut`, and for 3 s every new connection of the caller is refused with 503 |
/// | `stall:2000` | nothing is sent for 2 s; then all that was due |
/// | `duplicate` | from here on each delta of the response comes twice |
/// | `reorder` | from here on each two deltas of a kind in the response change places |
/// | `malformed` | a message comes that nobody can read |
/// | `unknown` | an event comes that nobody knows |
/// | `error:server_error` | an `error` event with this code; to Gemini's clients it closes |
/// | `fail:server_error` | the response fails with this code |
/// | `incomplete:content_filter` | the response ends early, for this reason |
/// | `unheard` | the next transcription of the user fails |
/// | `go_away:5000` | `goAway`, and 5 s later the end; to OpenAI's clients just that |
/// | `expire` | the session is too old: it ends as the protocol has it |
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CallFault {
    /// The socket breaks off.
    Cut,
    /// It closes with this code.
    Close(u16),
    /// Nothing more comes, and nothing is read.
    Silent,
    /// It breaks off, and new connections are refused for so many milliseconds.
    Refuse(u64),
    /// Nothing is sent for so many milliseconds.
    Stall(u64),
    /// Deltas come twice.
    Duplicate,
    /// Deltas change places.
    Reorder,
    /// A message that nobody can read.
    Malformed,
    /// An event that nobody knows.
    Unknown,
    /// An error with this code.
    Error(String),
    /// The response fails with this code.
    Fail(String),
    /// The response ends early for this reason.
    Incomplete(String),
    /// The next transcription fails.
    Unheard,
    /// The end is announced so many milliseconds ahead.
    GoAway(u64),
    /// The session is too old.
    Expire,
}

impl FromStr for CallFault {
    type Err = MishapError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let wrong = || MishapError(word.to_owned());
        let (kind, value) = match word.trim().split_once(':') {
            None => (word.trim(), ""),
            Some((kind, value)) => (kind, value.trim()),
        };
        let number = || value.parse::<u64>().ok().filter(|ms| *ms <= LONGEST_MS).ok_or_else(wrong);
        let name = || {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let fits = (1..=64).contains(&value.len()) && value.chars().all(fits);
            fits.then(|| value.to_owned()).ok_or_else(wrong)
        };
        let plain = [
            ("cut", Self::Cut),
            ("silent", Self::Silent),
            ("duplicate", Self::Duplicate),
            ("reorder", Self::Reorder),
            ("malformed", Self::Malformed),
            ("unknown", Self::Unknown),
            ("unheard", Self::Unheard),
            ("expire", Self::Expire),
        ];
        if let Some((_, fault)) = plain.into_iter().find(|(known, _)| *known == kind) {
            return if value.is_empty() { Ok(fault) } else { Err(wrong()) };
        }
        Ok(match kind {
            "close" => match value.parse::<u16>() {
                Ok(1006) => Self::Cut,
                Ok(code @ (1000..=1003 | 1007..=1014 | 3000..=4999)) => Self::Close(code),
                _ => return Err(wrong()),
            },
            "refuse" => Self::Refuse(number()?),
            "stall" => Self::Stall(number()?),
            "go_away" => Self::GoAway(number()?),
            "error" => Self::Error(name()?),
            "fail" => Self::Fail(name()?),
            "incomplete" => Self::Incomplete(name()?),
            _ => return Err(wrong()),
        })
    }
}

impl fmt::Display for CallFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => f.write_str("cut"),
            Self::Close(code) => write!(f, "close:{code}"),
            Self::Silent => f.write_str("silent"),
            Self::Refuse(ms) => write!(f, "refuse:{ms}"),
            Self::Stall(ms) => write!(f, "stall:{ms}"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Reorder => f.write_str("reorder"),
            Self::Malformed => f.write_str("malformed"),
            Self::Unknown => f.write_str("unknown"),
            Self::Error(code) => write!(f, "error:{code}"),
            Self::Fail(code) => write!(f, "fail:{code}"),
            Self::Incomplete(reason) => write!(f, "incomplete:{reason}"),
            Self::Unheard => f.write_str("unheard"),
            Self::GoAway(ms) => write!(f, "go_away:{ms}"),
            Self::Expire => f.write_str("expire"),
        }
    }
}

impl TryFrom<String> for CallFault {
    type Error = MishapError;

    fn try_from(word: String) -> Result<Self, MishapError> {
        word.parse()
    }
}

impl From<CallFault> for String {
    fn from(fault: CallFault) -> Self {
        fault.to_string()
    }
}

/// What is no fault of a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no fault of a call; write cut, close:1011, silent, refuse:3000, stall:2000, duplicate, \
     reorder, malformed, unknown, error:CODE, fail:CODE, incomplete:REASON, unheard, go_away:5000 or \
     expire; at random with its moment: first_audio+200/cut=0.05"
)]
pub struct MishapError(String);

/// A day.
const LONGEST_MS: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_a_word() {
        for word in [
            "cut",
            "close:1011",
            "silent",
            "refuse:3000",
            "stall:2000",
            "duplicate",
            "reorder",
            "malformed",
            "unknown",
            "error:server_error",
            "fail:rate_limit_exceeded",
            "incomplete:content_filter",
            "unheard",
            "go_away:5000",
            "expire",
        ] {
            assert_eq!(word.parse::<CallFault>().unwrap().to_string(), word);
        }
        assert_eq!("close:1006".parse(), Ok(CallFault::Cut));
    }

    #[test]
    fn what_is_no_fault_is_told() {
        for word in [
            "",
            "cut:1",
            "close",
            "close:1005",
            "close:99",
            "stall",
            "stall:-1",
            "error:",
            "error:a b",
        ] {
            let error = word.parse::<CallFault>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{word}\"")), "{error}");
        }
    }

    #[test]
    fn at_random_a_fault_has_a_moment_and_a_probability() {
        let mishap: Mishap = "first_audio+200/cut=0.05".parse().unwrap();
        let expected = Mishap::new(Moment::FirstAudio, CallFault::Cut).after_ms(200);
        assert_eq!(mishap, Mishap { probability: 0.05, ..expected });
        for text in ["cut=0.1", "audio/cut", "audio/cut=2", "never/cut=1", "audio+x/cut=1"] {
            assert!(text.parse::<Mishap>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_moment_has_the_same_name_everywhere() {
        for (name, moment) in Moment::NAMES {
            assert_eq!(serde_json::to_value(moment).unwrap(), name);
        }
    }
}
