//! What was audible, to a block of the speaker.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::audio::{AUDIBLE, SampleRate, first_audible};
use crate::time::SessionTime;

/// A stretch in which the agent was audible without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Audible {
    pub(in crate::sim) from: SessionTime,
    pub(in crate::sim) to: SessionTime,
}

/// Hears every block that leaves the speaker. A clone has heard the same.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Ears(Arc<Mutex<Vec<Audible>>>);

impl Ears {
    /// A block whose first sample is in the air at `at`.
    pub(super) fn hear(&self, block: &[i16], rate: SampleRate, at: SessionTime) {
        let Some(first) = first_audible(block, AUDIBLE) else { return };
        let last = block.iter().rposition(|sample| sample.unsigned_abs() >= AUDIBLE);
        let from = at + rate.duration(first as u64);
        let to = at + rate.duration(last.unwrap_or(first) as u64 + 1);
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match heard.last_mut().filter(|stretch| from.since(stretch.to) < GAP) {
            Some(stretch) => stretch.to = stretch.to.max(to),
            None => heard.push(Audible { from, to }),
        }
    }

    /// All stretches, in order.
    pub(in crate::sim) fn heard(&self) -> Vec<Audible> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A shorter one is the zero of a wave.
const GAP: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_a_gap_are_one_stretch() {
        let ears = Ears::default();
        let hear = |ms, block: &[i16]| {
            ears.hear(block, SampleRate::SPEECH, SessionTime::from_millis(ms));
        };
        hear(0, &[0; 80]);
        hear(5, &[1_000; 80]);
        hear(10, &[1_000; 80]);
        hear(15, &[0; 80]);
        hear(20, &[[0; 40], [-1_000; 40]].concat());
        let stretch = |from, to| Audible {
            from: SessionTime::from_nanos(from),
            to: SessionTime::from_nanos(to),
        };
        let expected = [stretch(5_000_000, 15_000_000), stretch(22_500_000, 25_000_000)];
        assert_eq!(ears.heard(), expected);
    }
}
