//! What a person hears: when it is sound, and when it is none.

use std::time::Duration;

use crate::audio::{AUDIBLE, SampleRate, first_audible};
use crate::time::SessionTime;

/// A stretch in which the agent was audible; gaps of less than 200 ms count as sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    /// When its first audible sample was heard.
    pub from: SessionTime,
    /// When its last one was over.
    pub to: SessionTime,
    /// Its greatest magnitude.
    pub peak: u16,
}

impl Sound {
    /// How long it lasted.
    #[must_use]
    pub const fn length(&self) -> Duration {
        self.to.since(self.from)
    }
}

/// Finds the stretches of sound in what the speaker plays.
#[derive(Debug)]
pub(super) struct Ear {
    sounds: Vec<Sound>,
}

/// What a block brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// Its first audible sample.
    pub(super) at: SessionTime,
    /// How long nothing had been audible before.
    pub(super) silence: Duration,
}

impl Ear {
    pub(super) fn new() -> Self {
        Self { sounds: Vec::with_capacity(MOST_CALLS) }
    }

    /// The stretches so far.
    pub(super) fn sounds(&self) -> &[Sound] {
        &self.sounds
    }

    #[cfg(test)]
    pub(super) fn remember(&mut self, sound: Sound) {
        self.sounds.push(sound);
    }

    /// When the agent was last audible.
    pub(super) fn last(&self) -> Option<SessionTime> {
        self.sounds.last().map(|sound| sound.to)
    }

    /// Hears a block whose first sample is in the air at `at`; `None` if nothing of it is audible.
    pub(super) fn hear(
        &mut self,
        block: &[i16],
        rate: SampleRate,
        at: SessionTime,
    ) -> Option<Heard> {
        let first = first_audible(block, AUDIBLE)?;
        let last = block.iter().rposition(|sample| sample.unsigned_abs() >= AUDIBLE)?;
        let peak = block.iter().map(|sample| sample.unsigned_abs()).max()?;
        let from = at + rate.duration(first as u64);
        let to = at + rate.duration(last as u64 + 1);
        let silence = from.since(self.last().unwrap_or_default());
        let full = self.sounds.len() == SOUNDS;
        match self.sounds.last_mut() {
            // What is more than it can remember becomes one long stretch.
            Some(sound) if silence < BRIDGE || full => {
                sound.to = sound.to.max(to);
                sound.peak = sound.peak.max(peak);
            }
            _ => self.sounds.push(Sound { from, to, peak }),
        }
        Some(Heard { at: from, silence })
    }
}

/// A shorter gap lies within a word.
const BRIDGE: Duration = Duration::from_millis(200);

/// Stretches that are remembered: an hour of talk in sentences.
const SOUNDS: usize = 4_096;

/// Room for these is there from the start: a call of some minutes.
const MOST_CALLS: usize = 256;
