//! The front end: what is done to the microphone's sound before anybody listens to it.
//!
//! ```text
//!  what left the speaker ──▶ canceller ──▶ gate
//!                              │            │ may this be the agent's own voice?
//!  microphone ────────────────▶┴─▶ chime ─▶ voice detector ─▶ probability, frame by frame
//!                              └──────────▶ noise, gain ────▶ sound for the recogniser
//! ```
//!
//! A [`FrontEnd`] is told what left the speaker ([`render`](FrontEnd::render)) and what the
//! microphone heard ([`hear`](FrontEnd::hear)), both at 16 kHz and side by side, and gives cleaned
//! sound and the detector's verdicts. It computes, and does nothing else: no clock, no device.
//!
//! The detector hears the canceller's output, and neither the suppressor's nor the gain control's:
//! on human speech in an office both made melodies and noises more alike to speech.

mod canceller;
mod chime;
mod enhancer;
mod front;
mod gate;
mod measure;
mod window;

pub use canceller::{Aec3, BLOCK, EchoCanceller};
pub use enhancer::Suppression;
pub use front::{FrontConfig, FrontEnd};
pub use gate::EchoPath;
pub use measure::{EchoReport, measure};

#[cfg(test)]
mod tests;
