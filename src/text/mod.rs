//! Text as it is spoken and heard.

mod clause;
pub mod numbers;
pub use clause::{Clause, ClauseCutter, spoken};
