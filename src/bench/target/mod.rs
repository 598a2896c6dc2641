//! Measures any agent from its sound alone: ours, another, a vendor's.
//!
//! A person's devices stand at one end, a [`Line`] to the agent at the other:
//!
//! ```text
//!  microphone ─▶ Capture ─▶ Line::say ─▶ the agent
//!  speaker ◀─ Playback ◀── Line::hear ◀──┘
//! ```
//!
//! The line's sound is played as a client plays it: at once, one sample after the other, and what
//! the agent takes back (`clear`) is not heard. What was said and heard, the person knows.

#[cfg(feature = "cpal")]
pub mod devices;
pub mod pcm;
pub mod realtime;
mod turns;

use std::collections::VecDeque;
use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

pub use self::turns::{measured, turns};
use crate::audio::{ResampleError, Resampler, SampleRate};
use crate::device::{
    Capture, DeviceError, Microphone, Playback, Refused, Speaker, capture_port, render_port,
};
use crate::net::{EndpointError, NetError};
use crate::time::SessionClock;

/// The way to an agent that hears and speaks.
pub trait Line: Debug + Send {
    /// The rate of the sound that it takes.
    fn said_rate(&self) -> SampleRate;

    /// The rate of the sound that it gives.
    fn heard_rate(&self) -> SampleRate;

    /// Says the next samples to the agent.
    fn say<'a>(&'a mut self, samples: &'a [i16]) -> Saying<'a>;

    /// What comes from the agent next. Cancel-safe.
    fn hear(&mut self) -> Hearing<'_>;
}

/// Something that is being said.
pub type Saying<'a> = Pin<Box<dyn Future<Output = Result<(), TargetError>> + Send + 'a>>;

/// Something that will be heard; `None` when the agent has hung up.
pub type Hearing<'a> =
    Pin<Box<dyn Future<Output = Result<Option<Heard>, TargetError>> + Send + 'a>>;

/// What comes from an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Its voice.
    Sound(Vec<i16>),
    /// What was not played yet is not to be heard any more.
    Clear,
}

/// Why an agent cannot be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// Its address cannot be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The way to it.
    #[error(transparent)]
    Net(#[from] NetError),
    /// It does not keep to the protocol.
    #[error("{host} does not speak the protocol: {problem}")]
    Protocol {
        /// Name and port.
        host: String,
        /// What it said.
        problem: String,
    },
    /// It says more at a time than anybody listens to.
    #[error("the agent is more than {0:?} ahead of its voice; is the rate right?")]
    TooMuch(Duration),
    /// A device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A rate.
    #[error(transparent)]
    Rate(#[from] ResampleError),
}

/// How a conversation with an agent went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talked {
    /// Whether the agent ended it before the person did.
    pub hung_up: bool,
    /// How often its voice ran out while more of it was to come.
    pub gaps: u64,
    /// The greatest delay of a tick: how late this measurement itself was.
    pub late: Duration,
}

/// Lets the person talk with the agent, until the microphone ends.
///
/// # Errors
///
/// When a device or the line fails.
pub async fn talk(
    microphone: Box<dyn Microphone>,
    speaker: Box<dyn Speaker>,
    line: &mut dyn Line,
    clock: &SessionClock,
) -> Result<Talked, TargetError> {
    let (port, capture) = capture_port(microphone.rate());
    let (render, playback, _tap) = render_port(line.heard_rate());
    let said = Said::new(capture, line.said_rate())?;
    let mut ear = Ear { playback, waiting: VecDeque::new() };
    let mut microphone = microphone.start(port, clock)?;
    let mut speaker =
        speaker.start(render, clock).map_err(|refused: Box<Refused>| refused.error)?;
    let talked = exchange(&mut *microphone, &mut *speaker, said, &mut ear, line, clock).await;
    let (_port, finished) = speaker.finish();
    let talked = talked?;
    microphone.finish()?;
    finished?;
    Ok(talked)
}

async fn exchange(
    microphone: &mut dyn crate::device::Running,
    speaker: &mut dyn crate::device::Rendering,
    mut said: Said,
    ear: &mut Ear,
    line: &mut dyn Line,
    clock: &SessionClock,
) -> Result<Talked, TargetError> {
    let mut talked = Talked { hung_up: false, gaps: 0, late: Duration::ZERO };
    let mut next = clock.now();
    loop {
        tokio::select! {
            biased;
            () = clock.sleep_until(next) => {
                let now = clock.now();
                talked.late = talked.late.max(now.since(next));
                next = next.max(now - BEHIND) + TICK;
                microphone.advance(now)?;
                speaker.advance(now)?;
                ear.play();
                talked.gaps = ear.playback.gate().under_runs();
                if let Some(samples) = said.take() {
                    line.say(&samples).await?;
                }
                if said.is_over() {
                    return Ok(talked);
                }
            }
            heard = line.hear() => match heard? {
                Some(heard) => ear.hear(heard)?,
                None => return Ok(Talked { hung_up: true, ..talked }),
            },
        }
    }
}

/// What the person says, at the line's rate.
struct Said {
    capture: Capture,
    resampler: Resampler,
}

impl Said {
    fn new(capture: Capture, rate: SampleRate) -> Result<Self, ResampleError> {
        let resampler = Resampler::new(capture.rate(), rate)?;
        Ok(Self { capture, resampler })
    }

    fn take(&mut self) -> Option<Vec<i16>> {
        let samples = self.capture.take(self.capture.rate().samples(FRAME) as usize)?;
        let mut resampled = Vec::with_capacity(2 * samples.len());
        self.resampler.process(&samples, &mut resampled);
        Some(resampled)
    }

    fn is_over(&self) -> bool {
        self.capture.is_over()
    }
}

/// What comes from the agent, until it is played.
struct Ear {
    playback: Playback,
    waiting: VecDeque<i16>,
}

impl Ear {
    fn hear(&mut self, heard: Heard) -> Result<(), TargetError> {
        match heard {
            Heard::Sound(samples) => self.waiting.extend(samples),
            Heard::Clear => {
                self.waiting.clear();
                self.playback.drop_queued();
            }
        }
        self.play();
        let most = self.playback.rate().samples(AHEAD) as usize;
        if self.waiting.len() > most { Err(TargetError::TooMuch(AHEAD)) } else { Ok(()) }
    }

    fn play(&mut self) {
        while self.playback.next_played().is_some() {}
        self.playback.push(&mut self.waiting);
    }
}

/// How often the devices are moved.
const TICK: Duration = Duration::from_millis(5);

/// Of the person's voice, sent at once: what telephones and browsers send.
const FRAME: Duration = Duration::from_millis(20);

/// A driver that is later than that does not hurry to catch up.
const BEHIND: Duration = Duration::from_millis(100);

/// How far an agent's voice may be ahead of the ear.
const AHEAD: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
