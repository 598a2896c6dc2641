//! What a conversation's log is made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Summary;
use crate::ids::ConversationId;
use crate::time::UtcTime;
use crate::types::{Message, PendingCall, Usage, Validation};

/// One thing that is written down of a conversation. Entries are only ever added; what they come
/// to is [`Saved`](super::Saved).
///
/// In JSON it is an object whose `kind` names the variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Entry {
    /// The conversation begins. The first entry of each.
    Opened(Opened),
    /// A turn has ended.
    Turn(TurnRecord),
    /// A turn was otherwise than it was written down: more was heard, or less.
    Amended {
        /// Which: the first since the last [`Cleared`](Self::Cleared) is 0.
        turn: u64,
        /// What it was. It takes the place of what was there.
        record: TurnRecord,
    },
    /// Variables were set.
    Variables {
        /// When.
        at: UtcTime,
        /// Those that were set. `null` takes a variable away.
        values: BTreeMap<String, Value>,
    },
    /// What was said first was summed up.
    Summarised {
        /// When.
        at: UtcTime,
        /// The sum. It takes the place of an earlier one.
        summary: Summary,
    },
    /// The turns were forgotten, and the summary. Variables stay.
    Cleared {
        /// When.
        at: UtcTime,
    },
}

/// How a conversation began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    /// When.
    pub at: UtcTime,
    /// The pack that it was opened with, as its user named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
    /// The prompt of that pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// What a program wants to know of it later.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The conversation that it is a copy of; its own entries follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forked_from: Option<ConversationId>,
}

/// A turn: what the user said, and all that came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnRecord {
    /// When it ended.
    pub at: UtcTime,
    /// How the two talked.
    pub mode: Mode,
    /// Both sides' words as they were heard, tool calls and their results, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// The calls among them that have no result yet; in its place stands what the model is told.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending: Vec<PendingCall>,
    /// Tokens spent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<TurnLatency>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What came of the rules for what was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validations: Vec<Validation>,
    /// A rule did not let the model get what the user said: no model is ever told of this turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
}

/// How long a turn took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TurnLatency {
    /// From the question to the model's first text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_text_ms: Option<f64>,
    /// From the user's last sound to the agent's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voice_to_voice_ms: Option<f64>,
    /// From the question to the end of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole_ms: Option<f64>,
}

/// How the two of a conversation talk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In writing.
    #[default]
    Text,
    /// By voice, with a recogniser, a model and a synthesizer.
    Voice,
    /// By voice, with one model that hears and speaks.
    Duplex,
}

/// How many entries a conversation has: what a writer must know of it to add to it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Revision(u64);

impl Entry {
    /// Its kind, as in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Turn(_) => "turn",
            Self::Amended { .. } => "amended",
            Self::Variables { .. } => "variables",
            Self::Summarised { .. } => "summarised",
            Self::Cleared { .. } => "cleared",
        }
    }

    /// When it was written down; of an amendment: when the turn ended.
    #[must_use]
    pub fn at(&self) -> UtcTime {
        match self {
            Self::Opened(Opened { at, .. })
            | Self::Turn(TurnRecord { at, .. })
            | Self::Amended { record: TurnRecord { at, .. }, .. }
            | Self::Variables { at, .. }
            | Self::Summarised { at, .. }
            | Self::Cleared { at } => *at,
        }
    }
}

impl Opened {
    /// A conversation that begins at `at`, of which nothing else is known.
    #[must_use]
    pub fn new(at: UtcTime) -> Self {
        Self { at, pack: None, prompt: None, metadata: BTreeMap::new(), forked_from: None }
    }
}

impl TurnRecord {
    /// A turn that ended at `at`, in which this was said.
    #[must_use]
    pub fn new(at: UtcTime, mode: Mode, messages: Vec<Message>) -> Self {
        Self {
            at,
            mode,
            messages,
            pending: Vec::new(),
            usage: None,
            model: None,
            latency: None,
            error: None,
            validations: Vec::new(),
            withheld: false,
        }
    }
}

impl Revision {
    /// Nothing is there.
    pub const ZERO: Self = Self(0);

    /// So many entries are there.
    #[must_use]
    pub const fn new(entries: u64) -> Self {
        Self(entries)
    }

    /// How many entries there are.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The revision when `entries` more are there.
    #[must_use]
    pub fn plus(self, entries: usize) -> Self {
        Self(self.0.saturating_add(entries as u64))
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
