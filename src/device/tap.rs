//! What really left the speaker, for whoever listens along.

use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Observer, Producer, Split};

use crate::audio::SampleRate;
use crate::time::SessionTime;

/// What a tap gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taps {
    /// The samples of each block.
    Sound,
    /// When each block left, and how loud it was.
    Times,
}

/// The two ends of a tap. It loses what is not taken in time.
pub(super) fn tap(rate: SampleRate, taps: Taps) -> (TapEnd, Tap) {
    let (room, notes) = match taps {
        Taps::Sound => (Some(2 * rate.hz() as usize), BLOCKS),
        Taps::Times => (None, TIMES),
    };
    let (samples_in, samples) = room.map(|room| HeapRb::new(room).split()).unzip();
    let (blocks_in, blocks) = HeapRb::new(notes).split();
    (TapEnd { samples: samples_in, blocks: blocks_in, left: 0 }, Tap { samples, blocks })
}

/// What really left the speaker, silence included, block by block.
pub struct Tap {
    /// `None` if nobody wants them.
    samples: Option<ringbuf::HeapCons<i16>>,
    blocks: ringbuf::HeapCons<Left>,
}

/// A block that left the speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How many samples had left before. More than were told of before: some were lost.
    pub from: u64,
    /// How many samples it has.
    pub count: usize,
    /// Its greatest sample, without its sign.
    pub peak: u16,
    /// When its first sample is in the air.
    pub at: SessionTime,
}

impl Tap {
    /// The next block: appends its samples to `out`, if they are tapped.
    pub fn next_block(&mut self, out: &mut Vec<i16>) -> Option<Left> {
        let left = self.blocks.try_pop()?;
        if let Some(samples) = &mut self.samples {
            let from = out.len();
            out.resize(from + left.count, 0);
            samples.pop_slice(&mut out[from..]);
        }
        Some(left)
    }
}

impl std::fmt::Debug for Tap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

/// The speaker's end. Safe in an audio callback.
pub(super) struct TapEnd {
    samples: Option<ringbuf::HeapProd<i16>>,
    blocks: ringbuf::HeapProd<Left>,
    left: u64,
}

impl TapEnd {
    /// These samples leave, the first of them at `at`.
    pub(super) fn left(&mut self, samples: &[i16], at: SessionTime) {
        let from = self.left;
        self.left += samples.len() as u64;
        // The note comes after its samples, and never without a place.
        if !self.blocks.is_full() {
            let count = match &mut self.samples {
                Some(ring) => ring.push_slice(samples),
                None => samples.len(),
            };
            let peak = peak(samples);
            let _room = self.blocks.try_push(Left { from, count, peak, at });
        }
    }
}

/// The greatest sample, without its sign.
pub(super) fn peak(samples: &[i16]) -> u16 {
    samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0)
}

/// Blocks that wait: at 1 ms a block, two seconds.
const BLOCKS: usize = 2048;

/// Blocks that wait where no recording misses them.
const TIMES: usize = 64;
