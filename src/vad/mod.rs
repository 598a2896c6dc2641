//! Voice detectors: a frame of sound in, the probability of speech out.
//!
//! A detector decides nothing. When a turn starts or ends is decided once, in
//! [`turn`](crate::turn).

use std::fmt::Debug;
use std::time::Duration;

use crate::audio::SampleRate;

/// A voice detector.
///
/// It is told frames of exactly [`frame_len`](Self::frame_len) samples at
/// [`rate`](Self::rate), one after the other.
pub trait Vad: Debug + Send {
    /// Names the detector in events and on the command line.
    fn name(&self) -> &'static str;

    /// The sample rate of its frames.
    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    /// Samples in a frame.
    fn frame_len(&self) -> usize;

    /// How long the probability stays high after speech has ended, at the median. The turn machine subtracts it
    /// from the end of the last voiced frame.
    fn delay(&self) -> Duration;

    /// The probability from which a frame counts as speech by default.
    fn threshold(&self) -> f32;

    /// The probability, from 0 to 1, that `frame` is speech.
    fn process(&mut self, frame: &[i16]) -> f32;

    /// Forgets what it heard.
    fn reset(&mut self);
}
