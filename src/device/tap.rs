//! What really left the speaker, for whoever listens along.

use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Observer, Producer, Split};

use crate::audio::SampleRate;
use crate::time::SessionTime;

/// The two ends of a tap. It holds two seconds, and loses what is not taken in time.
pub(super) fn tap(rate: SampleRate) -> (TapEnd, Tap) {
    let (samples_in, samples) = HeapRb::new(2 * rate.hz() as usize).split();
    let (blocks_in, blocks) = HeapRb::new(BLOCKS).split();
    (TapEnd { samples: samples_in, blocks: blocks_in, left: 0 }, Tap { samples, blocks })
}

/// What really left the speaker, silence included, block by block.
pub struct Tap {
    samples: ringbuf::HeapCons<i16>,
    blocks: ringbuf::HeapCons<Left>,
}

/// A block that left the speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How many samples had left before. More than were told of before: some were lost.
    pub from: u64,
    /// How many samples it has.
    pub count: usize,
    /// When its first sample is in the air.
    pub at: SessionTime,
}

impl Tap {
    /// The next block: appends its samples to `out`.
    pub fn next_block(&mut self, out: &mut Vec<i16>) -> Option<Left> {
        let left = self.blocks.try_pop()?;
        let from = out.len();
        out.resize(from + left.count, 0);
        self.samples.pop_slice(&mut out[from..]);
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
    samples: ringbuf::HeapProd<i16>,
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
            let count = self.samples.push_slice(samples);
            let _room = self.blocks.try_push(Left { from, count, at });
        }
    }
}

/// Blocks that wait: at 1 ms a block, two seconds.
const BLOCKS: usize = 2048;
