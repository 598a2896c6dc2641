//! The person's microphone, with its faults.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Fate;
use crate::audio::SampleRate;
use crate::device::{
    Capture, CapturePort, Comes, DeviceError, Kind, Microphone, Running, capture_port,
};
use crate::sim::journal::Journal;
use crate::sim::weather::Health;
use crate::time::{SessionClock, SessionTime};

/// A microphone that can be unplugged. A clone is the same one, plugged in again.
#[derive(Clone, Debug)]
pub(in crate::sim) struct SimMicrophone {
    inside: Arc<Mutex<Inside>>,
    rate: SampleRate,
    fate: Fate,
}

/// The person's own microphone, which goes on when the session does not hear it.
#[derive(Debug)]
struct Inside {
    waiting: Option<Box<dyn Microphone>>,
    running: Option<(Box<dyn Running>, Capture)>,
}

impl SimMicrophone {
    pub(in crate::sim) fn new(
        microphone: Box<dyn Microphone>,
        health: Health,
        journal: Journal,
    ) -> Self {
        let rate = microphone.rate();
        let inside = Inside { waiting: Some(microphone), running: None };
        let fate = Fate { kind: Kind::Microphone, health, journal };
        Self { inside: Arc::new(Mutex::new(inside)), rate, fate }
    }

    /// The same microphone after it was unplugged.
    pub(in crate::sim) fn again(&self) -> Self {
        let mut again = self.clone();
        again.fate.health.gone = None;
        again
    }
}

impl Microphone for SimMicrophone {
    fn name(&self) -> String {
        "a person".to_owned()
    }

    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        let mut inside = lock(&self.inside);
        if let Some(microphone) = inside.waiting.take() {
            let (inner, capture) = capture_port(self.rate);
            inside.running = Some((microphone.start(inner, clock)?, capture));
        }
        drop(inside);
        let Self { inside, rate, fate } = *self;
        Ok(Box::new(Capturing { inside, rate, fate, port: Some(port), origin: None, moved: 0 }))
    }
}

#[derive(Debug)]
struct Capturing {
    inside: Arc<Mutex<Inside>>,
    rate: SampleRate,
    fate: Fate,
    /// `None` once the person has hung up.
    port: Option<CapturePort>,
    /// `None` before it is first moved.
    origin: Option<SessionTime>,
    moved: u64,
}

impl Running for Capturing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.fate.check(now)?;
        let mut inside = lock(&self.inside);
        let Some((running, capture)) = &mut inside.running else { return Ok(()) };
        let origin = match (self.origin, &self.port) {
            (Some(origin), _) => origin,
            (None, None) => return Ok(()),
            (None, Some(port)) => {
                // What was said while it was unplugged, nobody has heard.
                let origin = *self.origin.insert(port.origin());
                running.advance(origin)?;
                while capture.take(PIECE).is_some() {}
                origin
            }
        };
        running.advance(origin + self.fate.own_time(now.since(origin)))?;
        let count = if self.fate.drifts() { PIECE } else { BLOCK };
        while let Some(port) = &mut self.port
            && let Some(samples) = capture.take(count)
        {
            self.moved += samples.len() as u64;
            if self.fate.drifts() {
                let own = self.rate.duration(self.moved);
                port.push_at(&samples, origin + self.fate.session_time(own));
            } else {
                port.push(&samples);
            }
        }
        if capture.is_over() {
            self.port = None;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn comes(&self) -> Comes {
        if self.fate.drifts() { Comes::AtAnyTime } else { Comes::OnTime }
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The samples of one tick, when the clock is right.
const BLOCK: usize = 80;
/// A millisecond: a tick of a clock that is off has any number of samples.
const PIECE: usize = 16;
