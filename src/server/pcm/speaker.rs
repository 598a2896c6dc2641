//! A speaker at the other end of a socket.
//!
//! A reply is sent as it is made, but never more than a small lead ahead of what a client plays
//! that plays at once; then in frames of 20 ms, at the pace of speech:
//!
//! ```text
//!  sent  ├──20──┼──20──┼──20──┼──────20──────┼──────20──────┼ …
//!        │ lead: 60 ms, at once   as time passes
//! heard  ├──────20──────┼──────20──────┼──────20──────┼ …
//! ```
//!
//! Why 60 ms: the jitter of a usual network stays below that, so the client does not run dry; and
//! a client that does not know `clear` is silent 60 ms after the agent is. With silence nothing is
//! sent. A reply is sent to its very last sample, and nothing more.
//!
//! **A hold** has the client clear its buffer at once. But a hold may be released, so what was
//! cleared must not be lost: all that was sent and that no client can have played yet counts as
//! not heard, and goes back. The rule is generous by 40 ms, for the client's own device: rather
//! said twice than never. If the agent goes on, it does so there, or earlier, at the first sample
//! that was lowered.

use std::time::Duration;

use super::frames::bytes;
use super::outgoing::Outlet;
use crate::audio::SampleRate;
use crate::device::{DeviceError, Refused, RenderPort, Rendering, Speaker};
use crate::time::{SessionClock, SessionTime};

/// What a client hears.
#[derive(Debug)]
pub(super) struct SocketSpeaker(pub(super) Outlet);

impl Speaker for SocketSpeaker {
    fn name(&self) -> String {
        "the client".to_owned()
    }

    fn rate(&self) -> SampleRate {
        RATE
    }

    fn start(
        self: Box<Self>,
        mut port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        port.keep(samples(LEAD + DEVICE));
        let holds = port.holds();
        let (outlet, clock) = (self.0, clock.clone());
        Ok(Box::new(Sending { port, outlet, clock, moved: 0, sounded: 0, holds }))
    }
}

#[derive(Debug)]
struct Sending {
    port: RenderPort,
    outlet: Outlet,
    clock: SessionClock,
    /// Where the client is when it has played all that there was: silence counts.
    moved: u64,
    /// Where the last sound that was sent ends.
    sounded: u64,
    /// How many holds were obeyed.
    holds: u64,
}

impl Rendering for Sending {
    fn advance(&mut self, until: SessionTime) -> Result<(), DeviceError> {
        self.obey();
        let due = RATE.samples(until.since(self.port.origin()));
        let lead = due + samples(LEAD) as u64;
        let mut block = [0; FRAME];
        self.pass_silence(&mut block);
        loop {
            let ready = self.port.ready().min(FRAME);
            if ready > 0 && self.moved + FRAME as u64 <= lead {
                let count = self.fill(&mut block[..ready]);
                self.send(&block[..count]);
            } else if self.moved < due {
                // The client has nothing left to play. What comes in this moment is sent as well.
                let count = FRAME.min((due - self.moved) as usize);
                if self.fill(&mut block[..count]) > 0 {
                    self.send(&block[..count]);
                }
            } else {
                return Ok(());
            }
        }
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

impl Sending {
    /// What comes after a silence is heard from when it came.
    fn pass_silence(&mut self, block: &mut [i16]) {
        loop {
            let at = self.port.origin() + RATE.duration(self.moved);
            let count = self.port.pass_silence(block, at);
            if count == 0 {
                return;
            }
            self.moved += count as u64;
        }
    }

    fn fill(&mut self, block: &mut [i16]) -> usize {
        let at = self.port.origin() + RATE.duration(self.moved);
        self.moved += block.len() as u64;
        self.port.fill(block, at)
    }

    fn send(&mut self, sound: &[i16]) {
        if !sound.is_empty() {
            self.sounded = self.moved;
            self.outlet.sound(bytes(sound));
        }
    }

    /// At a hold, the client's buffer is emptied, and what was in it goes back. A hold that is over
    /// already counts as well: the user has interrupted.
    fn obey(&mut self) {
        let holds = self.port.holds();
        if std::mem::replace(&mut self.holds, holds) == holds {
            return;
        }
        self.outlet.clear();
        let now = self.clock.now();
        let heard = RATE.samples(now.since(self.port.origin()));
        let unheard = (self.sounded + samples(DEVICE) as u64).saturating_sub(heard);
        self.port.give_back(unheard, now);
        (self.moved, self.sounded) = (self.moved.min(heard), 0);
    }
}

const fn samples(duration: Duration) -> usize {
    RATE.samples(duration) as usize
}

/// What speech services give.
const RATE: SampleRate = SampleRate::new(24_000).unwrap();

/// How far the client is ahead of the ear.
const LEAD: Duration = Duration::from_millis(60);

/// How long a client's own device may hold sound.
const DEVICE: Duration = Duration::from_millis(40);

/// In samples: 20 ms.
const FRAME: usize = 480;

#[cfg(test)]
mod tests;
