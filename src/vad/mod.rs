//! Voice detectors: a frame of sound in, the probability of speech out.
//!
//! Take a detector by its name with [`by_name`] and put it into a [`Framer`], which takes sound in chunks of any
//! length:
//!
//! ```
//! use banter::vad::{Framer, by_name};
//!
//! let mut framer = Framer::new(by_name("earshot")?);
//! framer.push(&[0; 1000], |frame| assert!(frame.probability < 0.6));
//! # Ok::<(), banter::vad::UnknownVad>(())
//! ```
//!
//! A detector decides nothing. When a turn starts or ends is decided once, in the turn machine.

mod earshot;
mod energy;
mod framer;
mod scripted;
pub mod silero;
#[cfg(test)]
mod tests;
mod vote;
#[cfg(feature = "webrtc-vad")]
mod webrtc;

use std::fmt::Debug;
use std::time::Duration;

pub use earshot::Earshot;
pub use energy::Energy;
pub use framer::{Detected, Framer};
pub use scripted::Scripted;
pub use silero::{Silero, SileroNetwork};
pub use vote::Vote;
#[cfg(feature = "webrtc-vad")]
pub use webrtc::{Aggressiveness, FrameSize, WebRtc, WebRtcRate};

use crate::audio::SampleRate;

/// A voice detector.
///
/// It is told frames of exactly [`frame_len`](Self::frame_len) samples at
/// [`rate`](Self::rate), one after the other.
pub trait Vad: Debug + Send {
    /// Names the detector in events and on the command line.
    fn name(&self) -> &str;

    /// The sample rate of its frames.
    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    /// Samples in a frame.
    fn frame_len(&self) -> usize;

    /// How long the probability stays high after speech has ended: the median, to a frame. The
    /// turn machine subtracts it from the end of the last voiced frame.
    fn delay(&self) -> Duration;

    /// The probability from which a frame counts as speech by default.
    fn threshold(&self) -> f32;

    /// The probability, from 0 to 1, that `frame` is speech. A frame of another length than
    /// [`frame_len`](Self::frame_len) is not listened to: it gets 0 and changes nothing.
    fn process(&mut self, frame: &[i16]) -> f32;

    /// Forgets what it heard.
    fn reset(&mut self);
}

/// The names that [`by_name`] knows in this build.
#[cfg(feature = "webrtc-vad")]
pub const NAMES: &[&str] =
    &["earshot", "webrtc", "webrtc:0", "webrtc:1", "webrtc:2", "webrtc:3", "energy"];
/// The names that [`by_name`] knows in this build.
#[cfg(not(feature = "webrtc-vad"))]
pub const NAMES: &[&str] = &["earshot", "energy"];

/// The detector called `name`, listening at 16 kHz.
///
/// `earshot` is the default choice. `webrtc:0` to `webrtc:3` are the four modes of `WebRtc` with frames of 20 ms;
/// `webrtc` is `webrtc:3`. `energy` needs no model. Two names with a `+` between them are a [`Vote`] of both, as
/// `earshot+webrtc`. [`Silero`] needs more than its name: `config::Factory::detector` makes it.
///
/// # Errors
///
/// [`UnknownVad`] for any other name; it lists the names of this build.
pub fn by_name(name: &str) -> Result<Box<dyn Vad>, UnknownVad> {
    by_name_or(name, |_| None)
}

/// The detector called `name`, as [`by_name`], but asks `other` first: it makes those that need
/// more than a name.
///
/// # Errors
///
/// Those of `other`, and [`UnknownVad`].
pub fn by_name_or<E: From<UnknownVad>>(
    name: &str,
    other: impl Fn(&str) -> Option<Result<Box<dyn Vad>, E>>,
) -> Result<Box<dyn Vad>, E> {
    let one = |name: &str| other(name).unwrap_or_else(|| Ok(single(name)?));
    match name.split_once('+') {
        None => one(name),
        Some((first, second)) => {
            let unlike = || UnknownVad { name: name.to_owned() };
            let vote = Vote::new(one(first)?, one(second)?).ok_or_else(unlike)?;
            Ok(Box::new(vote))
        }
    }
}

fn single(name: &str) -> Result<Box<dyn Vad>, UnknownVad> {
    #[cfg(feature = "webrtc-vad")]
    let webrtc = |mode| Box::new(WebRtc::new(mode, FrameSize::Ms20, WebRtcRate::Khz16));
    Ok(match name {
        "earshot" => Box::new(Earshot::new()),
        "energy" => Box::new(Energy::new()),
        #[cfg(feature = "webrtc-vad")]
        "webrtc:0" => webrtc(Aggressiveness::Quality),
        #[cfg(feature = "webrtc-vad")]
        "webrtc:1" => webrtc(Aggressiveness::LowBitrate),
        #[cfg(feature = "webrtc-vad")]
        "webrtc:2" => webrtc(Aggressiveness::Aggressive),
        #[cfg(feature = "webrtc-vad")]
        "webrtc" | "webrtc:3" => webrtc(Aggressiveness::VeryAggressive),
        _ => return Err(UnknownVad { name: name.to_owned() }),
    })
}

/// No voice detector has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no voice detector is called `{name}`; choose one of {}, or two with a + between them\
     {NOT_BUILT_IN}",
    NAMES.join(", ")
)]
pub struct UnknownVad {
    name: String,
}

#[cfg(feature = "webrtc-vad")]
const NOT_BUILT_IN: &str = "";
#[cfg(not(feature = "webrtc-vad"))]
const NOT_BUILT_IN: &str = " (webrtc is not built in: build with the feature `webrtc-vad`)";
