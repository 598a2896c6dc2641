//! What of a long conversation is sent to the model: a [`Budget`] of tokens, and what is left out
//! when it does not suffice.
//!
//! ```text
//! instructions, tools, messages ─┐
//! summary, similarities ─────────┴▶ Planner ─▶ Plan { which messages, with the summary? } or an error
//! ```
//!
//! A [`Planner`] is a function of values that remembers the sizes of messages, so that each is
//! counted once. What holds of every plan:
//!
//! - It is within the budget.
//! - The last message is in it, and so are the instructions and the tools.
//! - The messages are in order; where some are left out, what follows begins with a message of the
//!   user. A tool call and its result are kept or left out together.
//!
//! It asks no model and embeds no text: [`ContextStage`](crate::stages::ContextStage) does, and
//! hands in what came of it.

mod budget;
mod exchanges;
mod planner;
mod sizes;
mod summary;
#[cfg(test)]
mod tests;

pub use budget::{Budget, ContextError, Query, Relevance, Strategy, Summarise};
pub use planner::{Asked, Plan, Planner};
pub use summary::{MemorySummaries, Summaries, Summary};

/// How much two vectors point the same way, from -1 to 1; 0 if one of them is nothing, or if they
/// have not the same length.
#[must_use]
pub fn cosine(one: &[f32], other: &[f32]) -> f32 {
    if one.len() != other.len() {
        return 0.0;
    }
    let product = |one: &[f32], other: &[f32]| -> f32 {
        one.iter().zip(other).map(|(one, other)| one * other).sum()
    };
    let lengths = (product(one, one) * product(other, other)).sqrt();
    if lengths > 0.0 { product(one, other) / lengths } else { 0.0 }
}
