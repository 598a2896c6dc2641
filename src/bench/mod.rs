//! Measures how long an agent takes to answer, and where the time goes.
//!
//! ```text
//! scenario ─▶ person (microphone, speaker) ⇄ session ⇄ services with known delays
//!                      │                        │              │
//!                      └── true ends of speech ─┴─ events ─────┴─ log ─▶ figures ─▶ report
//! ```

pub mod call;
pub mod engine;
pub mod figures;
pub mod load;
pub mod machine;
pub mod measure;
pub mod person;
pub mod remote;
pub mod report;
pub mod scenario;
pub mod services;
pub mod target;
pub mod turns;

#[cfg(test)]
mod tests;
