//! The last seconds of the user's sound, for who is asked about them.

use std::collections::VecDeque;

use super::log_mel::SOUND;

/// The last 8 s at 16 kHz, or those of a turn. Its room is taken at once.
#[derive(Clone, Debug)]
pub struct Recent(VecDeque<i16>);

impl Recent {
    /// Nothing was heard.
    #[must_use]
    pub fn new() -> Self {
        Self(VecDeque::with_capacity(SOUND))
    }

    /// The next samples.
    pub fn push(&mut self, samples: &[i16]) {
        let samples = &samples[samples.len().saturating_sub(SOUND)..];
        let over = (self.0.len() + samples.len()).saturating_sub(SOUND);
        self.0.drain(..over);
        self.0.extend(samples);
    }

    /// Forgets all but so many of the last samples: a turn has begun with them.
    pub fn keep(&mut self, samples: usize) {
        let over = self.0.len().saturating_sub(samples);
        self.0.drain(..over);
    }

    /// What is kept, oldest first.
    #[must_use]
    pub fn sound(&self) -> Vec<i16> {
        self.0.iter().copied().collect()
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_eight_seconds_are_kept() {
        let mut recent = Recent::new();
        recent.push(&[1, 2]);
        assert_eq!(recent.sound(), [1, 2]);
        recent.push(&vec![3; SOUND - 1]);
        assert_eq!(recent.sound()[..2], [2, 3]);
        recent.push(&vec![4; SOUND + 5]);
        assert_eq!(recent.sound(), vec![4; SOUND]);
        recent.push(&[1, 2]);
        recent.keep(3);
        assert_eq!(recent.sound(), [4, 1, 2]);
        recent.keep(4);
        assert_eq!(recent.sound().len(), 3);
    }
}
