//! How well turns are taken: scenarios of known sound, what is to happen in them, and figures.
//!
//! ```text
//! speech ─▶ make ─▶ set (manifest, sound) ─▶ listen ─▶ events ─▶ score ─▶ report
//!                      │                                          ▲
//!                      └── what is to happen ─────────────────────┘
//! ```

pub mod listen;
pub mod make;
pub mod manifest;
pub mod score;
mod set;
mod side_by_side;

pub use set::{Set, SetError, SoundError};
pub use side_by_side::Progress;
