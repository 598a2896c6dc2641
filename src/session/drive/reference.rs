//! What left the speaker, to be laid beside what the microphone heard.
//!
//! Both lie on one timeline ([`Master`](crate::device::Master)), sample by sample, so that they
//! are matched by their places and not by when they come.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::SampleRate;

/// What left the speaker lately.
#[derive(Debug)]
pub(super) struct Reference {
    rate: SampleRate,
    samples: VecDeque<i16>,
    /// The place of the first of them on the timeline.
    from: u64,
    /// By how much it runs ahead of the microphone: what an echo canceller is told before the echo
    /// comes, even if a device says wrongly how late it is.
    lead: Option<u64>,
    /// The place after the last that was laid beside.
    given: u64,
}

impl Reference {
    pub(super) fn new(rate: SampleRate) -> Self {
        Self { rate, samples: VecDeque::new(), from: 0, lead: None, given: 0 }
    }

    pub(super) const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// These samples left next. Of what nobody asks for, the oldest is forgotten after 2 s.
    pub(super) fn push(&mut self, samples: &[i16]) {
        self.samples.extend(samples);
        let most = self.rate.samples(KEPT) as usize;
        self.forget(self.samples.len().saturating_sub(most));
    }

    /// Silence left, so many samples of it.
    pub(super) fn be_silent(&mut self, samples: u64) {
        let most = self.rate.samples(KEPT);
        if samples > most {
            self.from += samples - most;
        }
        self.samples.extend(std::iter::repeat_n(0, samples.min(most) as usize));
        let over = self.samples.len().saturating_sub(most as usize);
        self.forget(over);
    }

    /// What left beside the stretch of the timeline from `from` to `until`, in place of what `out`
    /// held. What is not known is silence.
    pub(super) fn beside(&mut self, from: Duration, until: Duration, out: &mut Vec<i16>) {
        let (from, until) = (self.rate.samples(from), self.rate.samples(until));
        let there = self.from + self.samples.len() as u64;
        let margin = self.rate.samples(MARGIN);
        let lead = *self.lead.get_or_insert_with(|| {
            there.saturating_sub(until + margin).min(self.rate.samples(MOST_AHEAD))
        });
        let until = until + lead;
        let mut from = from + lead;
        // The microphone's places are rounded to its own samples.
        if from.abs_diff(self.given) <= ROUNDING {
            from = self.given.min(until);
        }
        self.given = until;
        out.clear();
        self.forget(from.saturating_sub(self.from).min(self.samples.len() as u64) as usize);
        let before = self.from.saturating_sub(from).min(until - from);
        let count = (until - from - before).min(self.samples.len() as u64);
        let after = until - from - before - count;
        out.extend(std::iter::repeat_n(0, before as usize));
        out.extend(self.samples.drain(..count as usize));
        out.extend(std::iter::repeat_n(0, after as usize));
        self.from += count;
        if after > 0 {
            self.lead = None; // it was too much
        }
    }

    fn forget(&mut self, count: usize) {
        self.samples.drain(..count);
        self.from += count as u64;
    }
}

const KEPT: Duration = Duration::from_secs(2);

/// So much of what left is always there before it is asked for.
const MARGIN: Duration = Duration::from_millis(20);
const MOST_AHEAD: Duration = Duration::from_millis(60);

/// In samples: more than any rounding.
const ROUNDING: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: SampleRate = SampleRate::SPEECH;

    fn beside(reference: &mut Reference, from: u64, until: u64) -> Vec<i16> {
        let mut out = Vec::new();
        reference.beside(RATE.duration(from), RATE.duration(until), &mut out);
        out
    }

    #[test]
    fn what_left_lies_beside_what_was_heard_then() {
        let mut reference = Reference::new(RATE);
        reference.push(&[1; 160]);
        reference.push(&[2; 160]);
        assert_eq!(beside(&mut reference, 0, 160), [1; 160]);
        assert_eq!(beside(&mut reference, 160, 320), [2; 160]);
    }

    #[test]
    fn what_is_not_known_is_silence_and_the_rest_stays_in_its_place() {
        let mut reference = Reference::new(RATE);
        reference.push(&[1; 80]);
        assert_eq!(beside(&mut reference, 0, 160), [[1; 80], [0; 80]].concat());
        reference.push(&[2; 160]);
        assert_eq!(beside(&mut reference, 160, 240), [2; 80]);
    }

    #[test]
    fn a_microphone_that_was_deaf_for_a_while_misses_what_left_then() {
        let mut reference = Reference::new(RATE);
        reference.push(&[1; 160]);
        assert_eq!(beside(&mut reference, 0, 80), [1; 80]);
        reference.be_silent(160);
        reference.push(&[2; 160]);
        assert_eq!(beside(&mut reference, 320, 480), [2; 160]);
    }

    #[test]
    fn what_is_known_early_is_told_early() {
        let mut reference = Reference::new(RATE);
        reference.be_silent(800);
        reference.push(&[1; 800]);
        // 100 ms are known: 60 ms of them are told ahead.
        assert!(beside(&mut reference, 0, 0).is_empty());
        assert_eq!(beside(&mut reference, 0, 160), [1; 160]);
        assert_eq!(reference.lead, Some(960));
    }

    #[test]
    fn nobody_asks_and_it_does_not_grow() {
        let mut reference = Reference::new(RATE);
        for _ in 0..1_000 {
            reference.push(&[1; 160]);
        }
        reference.be_silent(1_000_000);
        assert_eq!((reference.samples.len(), reference.from), (32_000, 1_128_000));
    }
}
