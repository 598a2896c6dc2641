//! Where sound comes from and goes to.
//!
//! A device moves samples through a port, from whatever thread it likes, and may not wait:
//!
//! ```text
//!  Microphone ──▶ CapturePort ═ring═▶ Capture ──▶ session
//!  Speaker    ◀── RenderPort  ◀═ring═ Playback ◀── session
//!                     ▲ gate: play, duck, hold, drop
//! ```

mod arrivals;
mod capture;
#[cfg(feature = "cpal")]
pub mod cpal;
mod drift;
mod far;
mod finder;
mod gate;
mod handover;
mod meters;
mod null;
mod render;
mod tap;
mod wav;

pub(crate) use arrivals::Arrivals;
pub use capture::{Capture, CapturePort, Captured, capture_port};
pub(crate) use capture::{capture_port_from, capture_port_later};
pub(crate) use drift::{Master, Steering};
pub(crate) use far::{Far, FarEar};
pub use finder::Finder;
pub use gate::{Gate, Silenced};
pub(crate) use handover::{Handover, waiting_port};
pub use meters::{Levels, Meters, Mute};
pub use null::{NullMicrophone, NullSpeaker};
pub(crate) use null::{nobody, patience, silence};
pub(crate) use render::render_port_with;
pub use render::{Instants, Playback, Played, RenderPort, render_port};
pub(crate) use tap::Taps;
pub use tap::{Left, Tap};
pub use wav::{WavMicrophone, WavSpeaker};

use std::fmt::Debug;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::audio::{SampleRate, WavError};
use crate::error::Recovery;
use crate::time::{SessionClock, SessionTime};

/// Where the user's voice comes from.
pub trait Microphone: Debug + Send {
    /// What the user knows it by.
    fn name(&self) -> String;

    /// The rate of its samples.
    fn rate(&self) -> SampleRate;

    /// Finds another, should it fail in a call; `None`, the default, if it has no like: then a
    /// call goes on without it.
    fn finder(&self) -> Option<Arc<dyn Finder<dyn Microphone>>> {
        None
    }

    /// Starts to capture into `port`. Dropping the port ends the stream.
    ///
    /// # Errors
    ///
    /// When the device refuses.
    fn start(
        self: Box<Self>,
        port: CapturePort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError>;
}

/// Where the agent's voice goes to.
pub trait Speaker: Debug + Send {
    /// What the user knows it by.
    fn name(&self) -> String;

    /// The rate of the samples that it likes best. It plays a port of any rate.
    fn rate(&self) -> SampleRate;

    /// Finds another, should it fail in a call; `None`, the default, if it has no like: then what
    /// is said goes on unheard. With one, it waits until there is a speaker again.
    fn finder(&self) -> Option<Arc<dyn Finder<dyn Speaker>>> {
        None
    }

    /// Starts to play what `port` gives.
    ///
    /// # Errors
    ///
    /// When the device refuses; the port comes back, so that another can play it.
    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>>;
}

/// A speaker that would not start.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct Refused {
    /// What it was to play.
    pub port: RenderPort,
    /// Why not.
    pub error: DeviceError,
}

/// A microphone in motion. Dropping it stops it.
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

    /// How often the device's own buffer ran over.
    fn xruns(&self) -> u64 {
        0
    }

    /// Whether sound has come from it: a device may start, and then stand still. True by default.
    fn has_begun(&self) -> bool {
        true
    }

    /// How its samples come: at any time by default.
    fn comes(&self) -> Comes {
        Comes::AtAnyTime
    }

    /// Of a device whose samples [come and are told](Comes::Told): ready when there are some for
    /// [`advance`](Self::advance) to move. Never by default.
    fn poll_news(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

/// How the samples of a microphone come, and so when [`Running::advance`] is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comes {
    /// Nobody knows when: it is looked every 5 ms.
    AtAnyTime,
    /// All that are due are there: it is called when they make up a frame of the voice detector.
    OnTime,
    /// [`Running::poll_news`] tells: it is called then, and else every 20 ms.
    Told,
}

/// A speaker in motion. Dropping it stops it.
pub trait Rendering: Debug + Send {
    /// Moves the samples that are due until `now`. A device with a clock of its own has nothing
    /// to do here.
    ///
    /// It is called at least every 8 ms from the first sound of an answer to its end, a little
    /// ahead of the time; else with each frame of the voice detector, when the silence before is due: see
    /// [`RenderPort::pass_silence`].
    ///
    /// # Errors
    ///
    /// When the device has failed.
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError>;

    /// Stops the device and completes what it wrote. What is queued stays in the port, for the
    /// next device.
    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>);

    /// How often the device's own buffer ran dry.
    fn xruns(&self) -> u64 {
        0
    }

    /// Whether it has asked for sound: a device may start, and then stand still. True by default.
    fn has_begun(&self) -> bool {
        true
    }
}

/// A failure of a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// A file that stands in for a device.
    #[error(transparent)]
    Wav(#[from] WavError),
    /// There is no sound device at all.
    #[error(
        "there is no {kind} on this machine; WAV files do instead, as in \
         `--input FILE.wav --output FILE.wav`"
    )]
    None {
        /// What was looked for.
        kind: Kind,
    },
    /// No device goes by that name, or several do.
    #[error("{which} {kind} is called `{name}`; there is: {there}")]
    Unknown {
        /// What was looked for.
        kind: Kind,
        /// "no" or "more than one".
        which: &'static str,
        /// The name that was given.
        name: String,
        /// The devices that can be chosen.
        there: String,
    },
    /// The device has started, but nothing moves: it is suspended, or hangs.
    #[error("the {kind} `{name}` stands still: connect it again, or choose another")]
    StandsStill {
        /// What it is.
        kind: Kind,
        /// What the user knows it by.
        name: String,
    },
    /// The device cannot be used, or has failed.
    #[error("the {kind} `{name}` {problem}")]
    Failed {
        /// What it is.
        kind: Kind,
        /// What the user knows it by.
        name: String,
        /// What happened, and what to do about it.
        problem: String,
    },
}

/// The two kinds of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sound comes from it.
    Microphone,
    /// Sound goes to it.
    Speaker,
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Microphone => "microphone",
            Self::Speaker => "speaker",
        })
    }
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
