//! No device at all: silence in, nothing out.

use super::wav::render;
use super::{
    CapturePort, Comes, DeviceError, Microphone, Refused, RenderPort, Rendering, Running, Speaker,
};
use crate::audio::SampleRate;
use crate::time::{SessionClock, SessionTime};

/// A microphone in a silent room.
#[derive(Clone, Copy, Debug)]
pub struct NullMicrophone(pub SampleRate);

impl Microphone for NullMicrophone {
    fn name(&self) -> String {
        "silence".to_owned()
    }

    fn rate(&self) -> SampleRate {
        self.0
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        Ok(silence(port, self.0))
    }
}

#[derive(Debug)]
struct Silence {
    port: CapturePort,
    rate: SampleRate,
    moved: u64,
}

impl Running for Silence {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let until = self.rate.samples(now.since(self.port.origin()));
        while self.moved < until {
            let count = (until - self.moved).min(BLOCK as u64);
            self.port.push(&[0; BLOCK][..count as usize]);
            self.moved += count;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn comes(&self) -> Comes {
        Comes::OnTime
    }
}

/// A speaker that nobody hears. It plays all the same, so that the conversation goes on.
#[derive(Clone, Copy, Debug)]
pub struct NullSpeaker(pub SampleRate);

impl Speaker for NullSpeaker {
    fn name(&self) -> String {
        "nothing".to_owned()
    }

    fn rate(&self) -> SampleRate {
        self.0
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(nobody(port))
    }
}

#[derive(Debug)]
struct Nobody {
    port: RenderPort,
    moved: u64,
}

impl Rendering for Nobody {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let mut block = [0; BLOCK];
        while render(&mut self.port, &mut self.moved, &mut block, now) > 0 {}
        Ok(())
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

/// Stands in for a speaker that is looked for: time goes on, and what is to be heard waits.
#[derive(Debug)]
struct Patience {
    port: RenderPort,
    moved: u64,
}

impl Rendering for Patience {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let (rate, origin) = (self.port.rate(), self.port.origin());
        let until = rate.samples(now.since(origin));
        while self.moved < until {
            let count = (until - self.moved).min(BLOCK as u64);
            let at = origin + rate.duration(self.moved);
            self.port.wait(&mut [0; BLOCK][..count as usize], at);
            self.moved += count;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

/// Silence for a session whose microphone has failed.
pub(crate) fn silence(port: CapturePort, rate: SampleRate) -> Box<dyn Running> {
    Box::new(Silence { port, rate, moved: 0 })
}

/// Nobody, for a session whose speaker has failed.
pub(crate) fn nobody(port: RenderPort) -> Box<dyn Rendering> {
    Box::new(Nobody { port, moved: 0 })
}

/// Nobody, until there is another speaker: what is to be heard waits for it.
pub(crate) fn patience(port: RenderPort) -> Box<dyn Rendering> {
    Box::new(Patience { port, moved: 0 })
}

/// More than the samples of one tick at any usual rate.
const BLOCK: usize = 512;
