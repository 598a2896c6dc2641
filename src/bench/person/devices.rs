//! The person's microphone and speaker. Moving them allocates nothing in a call of some minutes.

use std::sync::{Arc, Mutex};

use super::log::lock;
use super::mind::Mind;
use super::{MICROPHONE, Nanos, SPEAKER};
use crate::audio::SampleRate;
use crate::device::{
    CapturePort, Comes, DeviceError, Instants, Microphone, Refused, RenderPort, Rendering, Running,
    Speaker,
};
use crate::time::{SessionClock, SessionTime};

/// What the person says, at 16,000 Hz, from the call's start. It ends when all was said and
/// heard.
pub struct PersonMicrophone {
    mind: Arc<Mutex<Mind>>,
    nanos: Nanos,
}

impl PersonMicrophone {
    pub(super) fn new(mind: Arc<Mutex<Mind>>, nanos: Nanos) -> Self {
        Self { mind, nanos }
    }
}

impl std::fmt::Debug for PersonMicrophone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PersonMicrophone").finish_non_exhaustive()
    }
}

impl Microphone for PersonMicrophone {
    fn name(&self) -> String {
        "a person".to_owned()
    }

    fn rate(&self) -> SampleRate {
        MICROPHONE
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        let noise = {
            let mut mind = lock(&self.mind);
            let passed = clock.now().as_nanos();
            mind.zero_nanos = (self.nanos)().saturating_sub(passed);
            mind.options.noise.map(Noise::new)
        };
        let origin = port.origin();
        Ok(Box::new(Speaking { mind: self.mind, port: Some(port), origin, moved: 0, noise }))
    }
}

#[derive(Debug)]
struct Speaking {
    mind: Arc<Mutex<Mind>>,
    /// `None` once the person has hung up.
    port: Option<CapturePort>,
    origin: SessionTime,
    moved: u64,
    noise: Option<Noise>,
}

impl Running for Speaking {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let until = MICROPHONE.samples(now.since(self.origin));
        let mut block = [0; BLOCK];
        while self.moved < until
            && let Some(port) = &mut self.port
        {
            let count = (until - self.moved).min(BLOCK as u64);
            let block = &mut block[..count as usize];
            let from = self.origin + MICROPHONE.duration(self.moved);
            let more = lock(&self.mind).speak(block, from);
            if let Some(noise) = &mut self.noise {
                noise.add_to(block);
            }
            port.push(block);
            self.moved += count;
            if !more {
                self.port = None;
            }
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

/// What the person hears, at 24,000 Hz.
#[derive(Debug)]
pub struct PersonSpeaker {
    mind: Arc<Mutex<Mind>>,
}

impl PersonSpeaker {
    pub(super) fn new(mind: Arc<Mutex<Mind>>) -> Self {
        Self { mind }
    }
}

impl Speaker for PersonSpeaker {
    fn name(&self) -> String {
        "a person".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SPEAKER
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        Ok(Box::new(Hearing { mind: self.mind, port, moved: 0, clock: clock.clone() }))
    }
}

#[derive(Debug)]
struct Hearing {
    mind: Arc<Mutex<Mind>>,
    port: RenderPort,
    moved: u64,
    clock: SessionClock,
}

impl Rendering for Hearing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let (rate, origin) = (self.port.rate(), self.port.origin());
        let until = rate.samples(now.since(origin));
        let ran = self.clock.now();
        let mut mind = lock(&self.mind);
        let mut block = [0; BLOCK];
        let mut asked = false;
        while self.moved < until {
            let count = (until - self.moved).min(BLOCK as u64) as usize;
            let due = origin + rate.duration(self.moved);
            // Nobody waits for silence: the session moves it when it has something else to do.
            let early = self.port.pass_silence(&mut block[..count], due);
            if early > 0 {
                mind.hear(&block[..early], rate, due);
                self.moved += early as u64;
                continue;
            }
            if !std::mem::replace(&mut asked, true) && self.port.ready() > 0 {
                mind.note_lateness(ran.since(due));
            }
            // A sample that is asked for late is heard late: nobody hears what is not there yet.
            let in_air = due.max(ran);
            self.port.fill(&mut block[..count], Instants { ran, in_air });
            mind.hear(&block[..count], rate, in_air);
            self.moved += count as u64;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

/// White noise at -70 dBFS, the same from the same seed.
#[derive(Debug)]
struct Noise(fastrand::Rng);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn add_to(&mut self, block: &mut [i16]) {
        // One number for eight samples: of many calls, each is to cost little.
        for samples in block.chunks_mut(8) {
            for (sample, byte) in samples.iter_mut().zip(self.0.u64(..).to_le_bytes()) {
                let noise = (i16::from(byte) * (2 * NOISE + 1)) >> 8;
                *sample = sample.saturating_add(noise - NOISE);
            }
        }
    }
}

/// The greatest magnitude: evenly spread up to it, the noise has -70 dBFS.
const NOISE: i16 = 18;

/// More than the samples of one tick at both rates.
const BLOCK: usize = 512;
