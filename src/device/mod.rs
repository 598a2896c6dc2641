//! Where sound comes from and goes to.
//!
//! A device moves samples through a port, from whatever thread it likes, and may not wait:
//!
//! ```text
//!  Microphone ──▶ CapturePort ═ring═▶ Capture ──▶ session
//!  Speaker    ◀── RenderPort  ◀═ring═ Playback ◀── session
//!                     ▲ gate: play, duck, hold, drop
//! ```

mod capture;
mod render;

pub use capture::{Capture, CapturePort, capture_port};
pub use render::{Gate, Playback, Played, RenderPort, Tap, render_port};

use std::fmt::Debug;

use crate::audio::{SampleRate, WavError};
use crate::error::Recovery;
use crate::time::SessionTime;

mod null;
mod wav;

pub use null::{NullMicrophone, NullSpeaker};
pub use wav::{WavMicrophone, WavSpeaker};

/// Where the user's voice comes from.
pub trait Microphone: Debug + Send {
    /// The rate of its samples.
    fn rate(&self) -> SampleRate;

    /// Starts to capture into `port`. Dropping the port ends the stream.
    ///
    /// # Errors
    ///
    /// When the device refuses.
    fn start(self: Box<Self>, port: CapturePort) -> Result<Box<dyn Running>, DeviceError>;
}

/// Where the agent's voice goes to.
pub trait Speaker: Debug + Send {
    /// The rate of the samples that it plays.
    fn rate(&self) -> SampleRate;

    /// Starts to play what `port` gives.
    ///
    /// # Errors
    ///
    /// When the device refuses.
    fn start(self: Box<Self>, port: RenderPort) -> Result<Box<dyn Running>, DeviceError>;
}

/// A device in motion. Dropping it stops it.
pub trait Running: Debug + Send {
    /// Moves the samples that are due until `now`. A device with a clock of its own has nothing
    /// to do here.
    ///
    /// # Errors
    ///
    /// When the device has failed.
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError>;

    /// Stops the device and completes what it wrote.
    ///
    /// # Errors
    ///
    /// When that fails.
    fn finish(self: Box<Self>) -> Result<(), DeviceError>;
}

/// A failure of a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A file that stands in for a device.
    #[error(transparent)]
    Wav(#[from] WavError),
}

impl DeviceError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }
}

#[cfg(test)]
mod tests;
