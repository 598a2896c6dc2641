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
    Capture, DeviceError, Microphone, Playback, Refused, Rendering, Running, Speaker, capture_port,
    render_port,
};
use crate::net::{EndpointError, NetError};
use crate::time::{SessionClock, SessionTime};

/// The way to an agent that hears and speaks.
pub trait Line: Debug + Send {
    /// The rate of the sound that it takes.
    fn said_rate(&self) -> SampleRate;

    /// The rate of the sound that it gives.
    fn heard_rate(&self) -> SampleRate;

    /// Whether its sound comes ahead of its time, as over a socket: to run out of it is a gap in the
    /// agent's voice then. So it is by default.
    fn is_ahead(&self) -> bool {
        true
    }

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
    /// It says that something is wrong.
    #[error("{host} tells of an error: {problem}")]
    Told {
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
    /// How often its voice ran out and went on within 200 ms; none where its sound does not come
    /// ahead of its time.
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
    let ear = Ear { playback, waiting: VecDeque::new(), speaking: false, ran_out: None, gaps: 0 };
    let microphone = microphone.start(port, clock)?;
    let speaker = speaker.start(render, clock).map_err(|refused: Box<Refused>| refused.error)?;
    let mut call = Call { microphone, speaker, said, ear, late: Duration::ZERO, clock };
    let ended = call.go_on(line).await;
    if matches!(ended, Ok(End::Agent) | Err(TargetError::Net(_))) {
        call.hear_out().await?;
    }
    let gaps = if line.is_ahead() { call.ear.gaps } else { 0 };
    let (_port, finished) = call.speaker.finish();
    let hung_up = ended? == End::Agent;
    call.microphone.finish()?;
    finished?;
    Ok(Talked { hung_up, gaps, late: call.late })
}

/// Who has ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Person,
    Agent,
}

/// A call, from the person's side.
struct Call<'a> {
    microphone: Box<dyn Running>,
    speaker: Box<dyn Rendering>,
    said: Said,
    ear: Ear,
    late: Duration,
    clock: &'a SessionClock,
}

impl Call<'_> {
    /// Until somebody ends it.
    async fn go_on(&mut self, line: &mut dyn Line) -> Result<End, TargetError> {
        let mut next = self.clock.now();
        loop {
            tokio::select! {
                biased;
                () = self.clock.sleep_until(next) => {
                    let now = self.tick(&mut next);
                    self.microphone.advance(now)?;
                    self.play(now)?;
                    if let Some(samples) = self.said.take()
                        && let Err(error) = line.say(&samples).await
                    {
                        return self.why(line, error).await;
                    }
                    if self.said.is_over() {
                        return Ok(End::Person);
                    }
                }
                heard = line.hear() => match heard? {
                    Some(heard) => self.ear.hear(heard, self.clock.now())?,
                    None => return Ok(End::Agent),
                },
            }
        }
    }

    /// Notes how late it is. Returns what time it is, and when to look `next`.
    fn tick(&mut self, next: &mut SessionTime) -> SessionTime {
        let now = self.clock.now();
        self.late = self.late.max(now.since(*next));
        *next = (*next).max(now - BEHIND) + TICK;
        now
    }

    fn play(&mut self, now: SessionTime) -> Result<(), TargetError> {
        self.speaker.advance(now)?;
        self.ear.play();
        self.ear.note(now);
        Ok(())
    }

    /// What the agent said before it was gone is heard, as by any client.
    async fn hear_out(&mut self) -> Result<(), TargetError> {
        let mut next = self.clock.now();
        while self.ear.has_more() {
            self.clock.sleep_until(next).await;
            let now = self.tick(&mut next);
            self.play(now)?;
        }
        Ok(())
    }

    /// Why nothing can be said any more: the end of a connection is told to who hears.
    async fn why(&mut self, line: &mut dyn Line, error: TargetError) -> Result<End, TargetError> {
        if !matches!(error, TargetError::Net(NetError::BrokeOff { .. })) {
            return Err(error);
        }
        while let Some(heard) = line.hear().await? {
            self.ear.hear(heard, self.clock.now())?;
        }
        Ok(End::Agent)
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
    /// Whether it spoke at the last tick, and when it ran out of sound last.
    speaking: bool,
    ran_out: Option<SessionTime>,
    gaps: u64,
}

impl Ear {
    fn hear(&mut self, heard: Heard, now: SessionTime) -> Result<(), TargetError> {
        match heard {
            Heard::Sound(samples) => {
                let ran_out = self.ran_out.take();
                self.gaps += u64::from(ran_out.is_some_and(|at| now.since(at) < PAUSE));
                self.waiting.extend(samples);
            }
            Heard::Clear => {
                self.waiting.clear();
                self.playback.drop_queued();
                (self.speaking, self.ran_out) = (false, None);
            }
        }
        self.play();
        let most = self.playback.rate().samples(AHEAD) as usize;
        if self.waiting.len() > most { Err(TargetError::TooMuch(AHEAD)) } else { Ok(()) }
    }

    /// What was queued is heard until `now`.
    fn note(&mut self, now: SessionTime) {
        if self.speaking && !self.has_more() {
            self.ran_out = Some(now);
        }
        self.speaking = self.has_more();
    }

    /// Whether there is something that was not heard yet.
    fn has_more(&self) -> bool {
        self.playback.gate().played() < self.playback.pushed()
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

/// Sound that goes on after a longer pause is not the same word.
const PAUSE: Duration = Duration::from_millis(200);

/// A driver that is later than that does not hurry to catch up.
const BEHIND: Duration = Duration::from_millis(100);

/// How far an agent's voice may be ahead of the ear.
const AHEAD: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
