//! An agent that is heard through the machine's own devices: a program with its window, a web page,
//! a telephone. The person's voice is played to a speaker (a virtual one that the agent has as its
//! microphone), and the agent is heard by a microphone (the monitor of its speaker).

use std::collections::VecDeque;
use std::time::Duration;

use super::{Heard, Hearing, Line, Saying, TargetError};
use crate::audio::SampleRate;
use crate::device::{
    Capture, Microphone, Playback, Rendering, Running, Speaker, capture_port, render_port,
};
use crate::time::SessionClock;

/// Two devices between the person and the agent.
#[derive(Debug)]
pub struct DeviceLine {
    capture: Capture,
    playback: Playback,
    waiting: VecDeque<i16>,
    clock: SessionClock,
    /// Held: they stop when they are dropped.
    _running: (Box<dyn Running>, Box<dyn Rendering>),
}

impl DeviceLine {
    /// Starts `to_agent`, which the agent hears, and `from_agent`, which hears the agent.
    ///
    /// # Errors
    ///
    /// When a device does not start.
    pub fn open(
        to_agent: Box<dyn Speaker>,
        from_agent: Box<dyn Microphone>,
        clock: &SessionClock,
    ) -> Result<Self, TargetError> {
        let (port, capture) = capture_port(from_agent.rate());
        let (render, playback, _tap) = render_port(SampleRate::SPEECH);
        let running = from_agent.start(port, clock)?;
        let rendering = to_agent.start(render, clock).map_err(|refused| refused.error)?;
        let (waiting, clock) = (VecDeque::new(), clock.clone());
        Ok(Self { capture, playback, waiting, clock, _running: (running, rendering) })
    }

    async fn listen(&mut self) -> Option<Heard> {
        loop {
            while self.capture.next_captured().is_some() {}
            let piece = self.capture.rate().samples(PIECE) as usize;
            if let Some(samples) = self.capture.take(piece) {
                return Some(Heard::Sound(samples));
            }
            if self.capture.is_over() {
                return None;
            }
            self.clock.sleep(POLL).await;
        }
    }
}

impl Line for DeviceLine {
    fn said_rate(&self) -> SampleRate {
        self.playback.rate()
    }

    fn heard_rate(&self) -> SampleRate {
        self.capture.rate()
    }

    fn say<'a>(&'a mut self, samples: &'a [i16]) -> Saying<'a> {
        self.waiting.extend(samples);
        while self.playback.next_played().is_some() {}
        self.playback.push(&mut self.waiting);
        let most = self.playback.rate().samples(MOST) as usize;
        self.waiting.truncate(most);
        Box::pin(std::future::ready(Ok(())))
    }

    fn hear(&mut self) -> Hearing<'_> {
        Box::pin(async { Ok(self.listen().await) })
    }
}

/// Sound of a device is looked for so often: its callback may not wake anybody.
const POLL: Duration = Duration::from_millis(2);

/// What is taken at once.
const PIECE: Duration = Duration::from_millis(5);

/// Of what is said, kept for a speaker that does not keep up.
const MOST: Duration = Duration::from_secs(2);
