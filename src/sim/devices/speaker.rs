//! The person's speaker, with its faults. It hears every block, to tell afterwards what was
//! audible.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Ears, Fate};
use crate::audio::SampleRate;
use crate::device::{
    DeviceError, Instants, Kind, Playback, Refused, RenderPort, Rendering, Speaker, render_port,
};
use crate::sim::journal::Journal;
use crate::sim::weather::Health;
use crate::time::{SessionClock, SessionTime};

/// A speaker that can be unplugged. A clone is the same one, plugged in again.
#[derive(Clone, Debug)]
pub(in crate::sim) struct SimSpeaker {
    inside: Arc<Mutex<Inside>>,
    rate: SampleRate,
    fate: Fate,
    ears: Ears,
}

/// The person's own speaker.
#[derive(Debug)]
struct Inside {
    waiting: Option<Box<dyn Speaker>>,
    running: Option<Within>,
}

#[derive(Debug)]
struct Within {
    rendering: Box<dyn Rendering>,
    playback: Playback,
    /// What is about to be played, and how many samples were.
    queue: VecDeque<i16>,
    played: u64,
}

impl SimSpeaker {
    pub(in crate::sim) fn new(speaker: Box<dyn Speaker>, health: Health, journal: Journal) -> Self {
        let rate = speaker.rate();
        let inside = Inside { waiting: Some(speaker), running: None };
        let fate = Fate { kind: Kind::Speaker, health, journal };
        let inside = Arc::new(Mutex::new(inside));
        Self { inside, rate, fate, ears: Ears::default() }
    }

    /// The same speaker after it was unplugged.
    pub(in crate::sim) fn again(&self) -> Self {
        let mut again = self.clone();
        again.fate.health.gone = None;
        again
    }

    pub(in crate::sim) fn ears(&self) -> &Ears {
        &self.ears
    }
}

impl Speaker for SimSpeaker {
    fn name(&self) -> String {
        "a person".to_owned()
    }

    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn start(
        self: Box<Self>,
        port: RenderPort,
        clock: &SessionClock,
    ) -> Result<Box<dyn Rendering>, Box<Refused>> {
        let mut inside = lock(&self.inside);
        if let Some(speaker) = inside.waiting.take() {
            let (inner, playback, _) = render_port(self.rate);
            match speaker.start(inner, clock) {
                Ok(rendering) => {
                    let (queue, played) = (VecDeque::new(), 0);
                    inside.running = Some(Within { rendering, playback, queue, played });
                }
                Err(refused) => return Err(Box::new(Refused { port, error: refused.error })),
            }
        }
        drop(inside);
        let Self { inside, fate, ears, .. } = *self;
        let clock = clock.clone();
        Ok(Box::new(Playing { inside, fate, ears, clock, port, moved: 0 }))
    }
}

#[derive(Debug)]
struct Playing {
    inside: Arc<Mutex<Inside>>,
    fate: Fate,
    ears: Ears,
    clock: SessionClock,
    port: RenderPort,
    moved: u64,
}

impl Rendering for Playing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        self.fate.check(now)?;
        let (rate, origin, ran) = (self.port.rate(), self.port.origin(), self.clock.now());
        let until = rate.samples(self.fate.own_time(now.since(origin)));
        let mut block = [0; BLOCK];
        let mut inside = lock(&self.inside);
        let Some(within) = &mut inside.running else { return Ok(()) };
        if self.moved == 0 {
            // While it was unplugged, the person heard nothing.
            within.played = rate.samples(origin.since(SessionTime::ZERO));
            within.rendering.advance(origin)?;
        }
        while self.moved < until {
            let block = &mut block[..(until - self.moved).min(BLOCK as u64) as usize];
            let due = origin + self.fate.session_time(rate.duration(self.moved));
            let block = match self.port.pass_silence(block, due) {
                0 => {
                    // A sample that is asked for late is heard late.
                    let in_air = due.max(ran);
                    self.port.fill(block, Instants { ran, in_air });
                    self.ears.hear(block, rate, in_air);
                    block
                }
                early => &mut block[..early],
            };
            self.moved += block.len() as u64;
            within.play(block, rate)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

impl Within {
    /// The person hears a block.
    fn play(&mut self, block: &[i16], rate: SampleRate) -> Result<(), DeviceError> {
        self.queue.extend(block);
        self.playback.push(&mut self.queue);
        self.played += block.len() as u64;
        self.rendering.advance(SessionTime::ZERO + rate.duration(self.played))
    }
}

fn lock(inside: &Mutex<Inside>) -> MutexGuard<'_, Inside> {
    inside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More than the samples of one tick.
const BLOCK: usize = 512;
