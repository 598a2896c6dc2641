//! Rules for what is said: validators, and the guardrails that act on them.
//!
//! ```text
//! params ─▶ by_kind ─▶ Validator ─┐ check(what was said) ─▶ fine, or a Violation
//!                                 ├ watch() ─▶ Watch: judges while it is written
//!                      Guardrail ─┘ whose words, and what to do: replace, truncate, warn, fail
//!                          │
//!                      Guards ─▶ Judge: text in pieces ─▶ what of it may be said, and when
//! ```
//!
//! ```
//! use banter::validators::{Said, by_kind};
//! use serde_json::json;
//!
//! let rule = by_kind("banned_words", &json!({ "words": ["secret"] }))?;
//! assert!(rule.check(&Said::text("All is well.")).is_ok());
//! assert_eq!(rule.check(&Said::text("The Secret is out.")).unwrap_err().at, 4);
//! # Ok::<(), banter::validators::ValidatorError>(())
//! ```
//!
//! A text is judged by what it says, letter by letter: no kind here asks a model or knows what is
//! meant. Nothing waits, reads a clock or runs anything; `docs/guardrails.md` has the table of all
//! kinds.

mod content;
mod guardrail;
mod guards;
mod input;
mod json;
mod judge;
mod kinds;
mod params;
mod pattern;
mod phrases;
mod tools;
mod units;

pub use guardrail::{Guardrail, OnViolation};
pub use guards::{Guards, ValidationMode};
pub use input::{Admitted, admit};
pub use judge::{Judge, Portion, Ruling};
pub use kinds::{ValidatorError, by_kind, names};

use std::fmt::Debug;

use crate::types::{Direction, ToolCall, ToolResult};

/// A rule for what is said. Write your own for what no kind here knows:
///
/// ```
/// use banter::validators::{Said, Validator, Violation};
///
/// #[derive(Debug)]
/// struct NoShouting;
///
/// impl Validator for NoShouting {
///     fn kind(&self) -> &str {
///         "no_shouting"
///     }
///
///     fn check(&self, said: &Said<'_>) -> Result<(), Violation> {
///         match said.text.find('!') {
///             Some(at) => Err(Violation::new("it shouts", at)),
///             None => Ok(()),
///         }
///     }
/// }
/// ```
pub trait Validator: Debug + Send + Sync {
    /// Which rule it is, as `max_length`.
    fn kind(&self) -> &str;

    /// Looks at the whole of what was said.
    ///
    /// # Errors
    ///
    /// When it is not as the rule wants it.
    fn check(&self, said: &Said<'_>) -> Result<(), Violation>;

    /// Judges an answer while it is written. By default the rule must have the whole answer, and
    /// one that acts on it holds the answer back until then.
    fn watch(&self) -> Option<Box<dyn Watch>> {
        None
    }
}

/// Judges one answer while it is written.
///
/// For each text it must come to the same as [`Validator::check`], however the text is cut into
/// pieces, and must look at every character but once or so: there are many pieces.
pub trait Watch: Debug + Send {
    /// There is more: `text` is all so far, and all that there will be if it `is_whole`.
    fn push(&mut self, text: &str, is_whole: bool) -> Watched;
}

/// What a [`Watch`] thinks of a text so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Its first so many bytes may be said, whatever follows.
    Safe {
        /// At a character's edge, and never less than before.
        until: usize,
    },
    /// It breaks the rule. Nothing is asked after that.
    Violated(Violation),
}

/// What a rule looks at: the words of one side, and what the agent called for them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Said<'a> {
    /// The words.
    pub text: &'a str,
    /// The tools that were called, in order.
    pub tool_calls: &'a [ToolCall],
    /// What came of those that have ended.
    pub tool_results: &'a [ToolResult],
}

impl<'a> Said<'a> {
    /// Words alone.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self { text, ..Self::default() }
    }
}

/// What is wrong with what was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// For people. It is told to everybody, so that it must not repeat what was said.
    pub reason: String,
    /// The byte from which the text is not to be said: 0 if it is wrong as a whole.
    pub at: usize,
}

impl Violation {
    /// Wrong from `at` on.
    #[must_use]
    pub fn new(reason: impl Into<String>, at: usize) -> Self {
        Self { reason: reason.into(), at }
    }

    /// Wrong as a whole.
    #[must_use]
    pub fn of_all(reason: impl Into<String>) -> Self {
        Self::new(reason, 0)
    }
}

/// A rule was broken that lets nothing else be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the validator `{validator}` refused {}: {reason}", side(*.direction))]
pub struct ValidationError {
    /// The rule's name.
    pub validator: String,
    /// Its kind.
    pub kind: String,
    /// Whose words broke it.
    pub direction: Direction,
    /// What was wrong, for people.
    pub reason: String,
}

fn side(direction: Direction) -> &'static str {
    if direction == Direction::Input { "what the user said" } else { "the answer" }
}

/// Judges a whole text as its watch would, for kinds that have one.
fn watched(mut watch: impl Watch, said: &Said<'_>) -> Result<(), Violation> {
    match watch.push(said.text, true) {
        Watched::Safe { .. } => Ok(()),
        Watched::Violated(violation) => Err(violation),
    }
}

#[cfg(test)]
mod tests;

#[cfg(doctest)]
#[doc = include_str!("../../docs/guardrails.md")]
struct Guide;
