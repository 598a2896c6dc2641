//! What is done to text on its way to the voice: it is cut into clauses, and freed of markup.
//!
//! ```text
//! deltas of the answer ─▶ ClauseCutter ─▶ Clause { text, range } ─▶ spoken(text) ─▶ synthesizer
//! ```

mod clause;
mod language;
mod spoken;

pub use clause::{Clause, ClauseCutter};
pub use language::{English, Language, Mark, Universal};
pub use spoken::spoken;
