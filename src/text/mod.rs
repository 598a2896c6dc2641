//! Text as it is spoken and heard.
//!
//! ```text
//! deltas of the answer ─▶ ClauseCutter ─▶ Clause { text, range } ─▶ spoken(text) ─▶ synthesizer
//! ```
//!
//! And text as it is written for a model: [`Template`], and how many tokens it is: [`Estimate`].

mod clause;
mod completeness;
#[cfg(feature = "minijinja")]
pub(crate) mod jinja;
mod language;
mod nearest;
pub mod numbers;
mod spoken;
pub(crate) mod template;
pub(crate) mod tokens;
mod wake;
pub mod wer;
mod words;

pub use clause::{Clause, ClauseCutter};
pub use completeness::Completeness;
pub use language::{English, Language, Mark, Universal};
pub(crate) use nearest::nearest;
pub use spoken::spoken;
pub use template::{Place, Template, TemplateError};
pub use tokens::{Estimate, TokenCount};
pub use wake::{Found, PhraseError, Phrases};
pub use words::Words;
