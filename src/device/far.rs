//! A speaker that is elsewhere: behind a socket, or in the hands of a program.
//!
//! A reply is given as it is made, but never more than a small lead ahead of an ear that hears at
//! once; then in frames of 20 ms, at the pace of speech:
//!
//! ```text
//!  given  ├──20──┼──20──┼──20──┼──────20──────┼──────20──────┼ …
//!         │ lead: 60 ms, at once   as time passes
//! heard   ├──────20──────┼──────20──────┼──────20──────┼ …
//! ```
//!
//! Why 60 ms: the jitter of a usual network stays below that, so the other end does not run dry;
//! and one that does not know how to forget is silent 60 ms after the agent is. With silence
//! nothing is given. A reply is given to its very last sample, and nothing more.
//!
//! **A hold** has the other end forget at once what it has not played. But a hold may be released,
//! so what was forgotten must not be lost: all that was given and that nobody can have played yet
//! counts as not heard, and goes back. The rule is generous by 40 ms, for a device there: rather
//! said twice than never. If the agent goes on, it does so there, or earlier, at the first sample
//! that was lowered.
//!
//! **An ear that takes nothing** is waited for: what is to be heard stays where it is.

use std::fmt::Debug;
use std::time::Duration;

use super::{DeviceError, RenderPort, Rendering};
use crate::audio::SampleRate;
use crate::time::{SessionClock, SessionTime};

/// Who hears it.
pub(crate) trait FarEar: Debug + Send {
    /// Whether it takes 20 ms now.
    fn takes(&mut self) -> bool;

    /// Takes at most 20 ms. It is asked whether it does before.
    fn sound(&mut self, sound: &[i16]);

    /// Forgets what was not played. Says how many samples it had that nobody had fetched.
    fn clear(&mut self) -> u64;

    /// It takes nothing, and there is something to be heard.
    fn held_back(&mut self);

    /// It takes something again, after so long.
    fn goes_on(&mut self, after: Duration);

    /// How much it may have that nobody has fetched.
    fn keeps(&self) -> Duration;
}

/// A speaker that is elsewhere, in motion.
#[derive(Debug)]
pub(crate) struct Far<E> {
    port: RenderPort,
    ear: E,
    clock: SessionClock,
    rate: SampleRate,
    /// In samples: 20 ms.
    frame: usize,
    /// Where the ear is when it has played all that there was: silence counts.
    moved: u64,
    /// Where the last sound that was given ends.
    sounded: u64,
    /// How many holds were obeyed.
    holds: u64,
    /// Since when it takes nothing, although there is something to be heard.
    stuck: Option<SessionTime>,
}

impl<E: FarEar> Far<E> {
    /// Plays `port` to `ear`.
    pub(crate) fn new(mut port: RenderPort, ear: E, clock: SessionClock) -> Self {
        let rate = port.rate();
        port.keep(rate.samples(LEAD + DEVICE + ear.keeps()) as usize);
        let frame = (rate.samples(FRAME) as usize).clamp(1, MOST);
        let holds = port.holds();
        Self { port, ear, clock, rate, frame, moved: 0, sounded: 0, holds, stuck: None }
    }

    /// What comes after a silence is heard from when it came.
    fn pass_silence(&mut self, block: &mut [i16]) {
        loop {
            let count = self.port.pass_silence(block, self.at());
            if count == 0 {
                return;
            }
            self.moved += count as u64;
        }
    }

    /// When the next sample is heard.
    fn at(&self) -> SessionTime {
        self.port.origin() + self.rate.duration(self.moved)
    }

    fn give(&mut self, block: &mut [i16]) {
        let at = self.at();
        self.moved += block.len() as u64;
        let count = self.port.fill(block, at);
        if count > 0 {
            self.sounded = self.moved;
            self.ear.sound(&block[..count]);
        }
    }

    /// Nothing is taken: time goes on until `due`, and what is to be heard waits.
    fn wait(&mut self, due: u64, block: &mut [i16]) {
        if self.port.ready() > 0 && self.stuck.is_none() {
            let now = self.clock.now();
            self.stuck = Some(now);
            self.port.set_unheard(Some(now));
            self.ear.held_back();
        }
        while self.moved < due {
            let count = block.len().min((due - self.moved) as usize);
            self.port.wait(&mut block[..count], self.at());
            self.moved += count as u64;
        }
    }

    fn go_on(&mut self) {
        if let Some(since) = self.stuck.take() {
            self.port.set_unheard(None);
            self.ear.goes_on(self.clock.now().since(since));
        }
    }

    /// At a hold, what was given is forgotten, and what nobody heard of it goes back. A hold that is
    /// over already counts as well: the user has interrupted.
    fn obey(&mut self) {
        let holds = self.port.holds();
        if std::mem::replace(&mut self.holds, holds) == holds {
            return;
        }
        let unfetched = self.ear.clear();
        self.go_on();
        let now = self.clock.now();
        let device = self.rate.samples(DEVICE);
        let heard = self.rate.samples(now.since(self.port.origin()));
        let unheard = (self.sounded + device).saturating_sub(heard);
        let unheard = unheard.max(if unfetched > 0 { unfetched + device } else { 0 });
        self.port.give_back(unheard, now);
        (self.moved, self.sounded) = (self.moved.min(heard), 0);
    }
}

impl<E: FarEar> Rendering for Far<E> {
    fn advance(&mut self, until: SessionTime) -> Result<(), DeviceError> {
        self.obey();
        let due = self.rate.samples(until.since(self.port.origin()));
        let lead = due + self.rate.samples(LEAD);
        let mut block = [0; MOST];
        let block = &mut block[..self.frame];
        self.pass_silence(block);
        loop {
            if !self.ear.takes() {
                self.wait(due, block);
                return Ok(());
            }
            let ready = self.port.ready().min(self.frame);
            if ready > 0 && self.stuck.is_some() {
                self.go_on();
                // What it is told takes room as well.
                continue;
            }
            if ready > 0 && self.moved + self.frame as u64 <= lead {
                self.give(&mut block[..ready]);
            } else if self.moved < due {
                // The ear has nothing left to play. What comes in this moment is given as well.
                let count = self.frame.min((due - self.moved) as usize);
                self.give(&mut block[..count]);
            } else {
                return Ok(());
            }
        }
    }

    fn finish(self: Box<Self>) -> (RenderPort, Result<(), DeviceError>) {
        (self.port, Ok(()))
    }
}

/// How far the other end is ahead of the ear.
const LEAD: Duration = Duration::from_millis(60);

/// How long a device of its own may hold sound.
const DEVICE: Duration = Duration::from_millis(40);

const FRAME: Duration = Duration::from_millis(20);

/// In samples: 20 ms at 96 kHz. At more, a frame is shorter.
const MOST: usize = 1_920;
