//! No device at all: silence in, nothing out.

use super::wav::render;
use super::{CapturePort, DeviceError, Microphone, RenderPort, Running, Speaker};
use crate::audio::SampleRate;
use crate::time::SessionTime;

/// A microphone in a silent room.
#[derive(Clone, Copy, Debug)]
pub struct NullMicrophone(pub SampleRate);

impl Microphone for NullMicrophone {
    fn rate(&self) -> SampleRate {
        self.0
    }

    fn start(self: Box<Self>, port: CapturePort) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Silence { port, rate: self.0, moved: 0 }))
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
        let until = self.rate.samples(now.since(SessionTime::ZERO));
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
}

/// A speaker that nobody hears. It plays all the same, so that the conversation goes on.
#[derive(Clone, Copy, Debug)]
pub struct NullSpeaker(pub SampleRate);

impl Speaker for NullSpeaker {
    fn rate(&self) -> SampleRate {
        self.0
    }

    fn start(self: Box<Self>, port: RenderPort) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Nobody { port, moved: 0 }))
    }
}

#[derive(Debug)]
struct Nobody {
    port: RenderPort,
    moved: u64,
}

impl Running for Nobody {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let mut block = [0; BLOCK];
        while render(&mut self.port, &mut self.moved, &mut block, now) > 0 {}
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }
}

/// More than the samples of one tick at any usual rate.
const BLOCK: usize = 512;
