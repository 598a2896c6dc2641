//! What came of holding what was said against a rule.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose words a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The user's, before the model gets them.
    Input,
    /// The agent's, before they are said.
    #[default]
    Output,
    /// Both.
    Both,
}

impl Direction {
    /// Whether a rule of this direction looks at `side`.
    #[must_use]
    pub fn covers(self, side: Self) -> bool {
        self == Self::Both || self == side
    }
}

/// What came of holding what was said against a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// The rule's name.
    pub validator: String,
    /// Its kind, as `max_length`.
    pub kind: String,
    /// Whose words: [`Direction::Input`] or [`Direction::Output`].
    pub direction: Direction,
    /// Whether they were as the rule wants them.
    pub passed: bool,
    /// What was done if they were not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ValidationAction>,
    /// What was wrong, for people. It never repeats what was withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What was done about words that broke a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValidationAction {
    /// Something else was said in their place.
    Replaced,
    /// They were cut.
    Truncated,
    /// They were only reported.
    Warned,
    /// The answer failed.
    Failed,
}

impl fmt::Display for ValidationAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replaced => "replaced",
            Self::Truncated => "cut",
            Self::Warned => "only reported",
            Self::Failed => "refused",
        })
    }
}
