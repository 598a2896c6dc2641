//! Chance that is the same each time.

use std::ops::Range;
use std::time::Duration;

/// Dice for one purpose. What they show hangs on the seed, the purpose and the number alone, not
/// on what else is decided by chance, so that a change in one place does not move all the others.
#[derive(Clone, Debug)]
pub(super) struct Dice(fastrand::Rng);

impl Dice {
    pub(super) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        let bytes = seed.to_le_bytes().into_iter().chain(number.to_le_bytes());
        // FNV-1a: the same bytes give the same seed on every machine.
        let mixed = bytes.chain(purpose.bytes()).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        Self(fastrand::Rng::with_seed(mixed))
    }

    /// Whether what has this probability happens.
    pub(super) fn strikes(&mut self, probability: f64) -> bool {
        self.0.f64() < probability
    }

    /// A number from 0 up to 1.
    pub(super) fn part(&mut self) -> f64 {
        self.0.f64()
    }

    pub(super) fn count(&mut self, range: Range<usize>) -> usize {
        self.0.usize(range)
    }

    /// A time of whole milliseconds.
    pub(super) fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.0.u64(range))
    }

    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.f64()
    }

    /// One of them, of which there must be some.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.usize(0..of.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dice_hang_on_seed_purpose_and_number_alone() {
        let throw = |seed, purpose, number| Dice::new(seed, purpose, number).part();
        assert_eq!(throw(1, "link", 0), throw(1, "link", 0));
        for (seed, purpose, number) in [(2, "link", 0), (1, "fault", 0), (1, "link", 1)] {
            assert_ne!(throw(1, "link", 0), throw(seed, purpose, number));
        }
    }
}
