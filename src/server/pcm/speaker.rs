//! A speaker at the other end of a socket: see [`Far`].

use std::time::Duration;

use super::frames::bytes;
use super::outgoing::Outlet;
use crate::audio::SampleRate;
use crate::device::{Far, FarEar, Refused, RenderPort, Rendering, Speaker};
use crate::time::SessionClock;

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
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Far::new(port, self.0, clock.clone())))
    }
}

/// A client that takes too little ends its call: it is never waited for.
impl FarEar for Outlet {
    fn takes(&mut self) -> bool {
        true
    }

    fn sound(&mut self, sound: &[i16]) {
        Outlet::sound(self, bytes(sound));
    }

    fn clear(&mut self) -> u64 {
        Outlet::clear(self);
        0
    }

    fn held_back(&mut self) {}

    fn goes_on(&mut self, _after: Duration) {}

    fn keeps(&self) -> Duration {
        Duration::ZERO
    }
}

/// What speech services give.
const RATE: SampleRate = SampleRate::new(24_000).unwrap();

#[cfg(test)]
mod tests;
