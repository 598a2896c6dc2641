//! Two detectors that must agree.

use std::time::Duration;

use super::{Framer, Vad};
use crate::audio::SampleRate;

/// Two detectors in one: a frame is speech when both say so. What only one of them takes for
/// speech, as steady noise or a cough, is none.
///
/// ```text
/// frame ─▶ first ─────────────────────────▶ p1 ─▶ scale ─┐
///    └───▶ Framer ─▶ second ─▶ its latest   p2 ─▶ scale ─┴─▶ the smaller one; speech from 0.5 on
/// ```
///
/// Frames are the first one's. The second has frames of its own, and counts with the last of them
/// that is whole: its word is at most one of its frames old, and 0 until there is one. A
/// probability is scaled so that its detector's threshold lies at 0.5:
///
/// ```text
/// p < t:   0.5 p / t            else:   1 - 0.5 (1 - p) / (1 - t)
/// ```
///
/// Speech has ended when the first of the two says so; hence the [`delay`](Vad::delay) is the
/// shorter one.
#[derive(Debug)]
pub struct Vote {
    name: String,
    first: Box<dyn Vad>,
    second: Framer,
    /// What the second said last, scaled.
    latest: f32,
}

impl Vote {
    /// Joins two that have heard nothing. `None` if they do not listen at the same rate.
    #[must_use]
    pub fn new(first: Box<dyn Vad>, second: Box<dyn Vad>) -> Option<Self> {
        let name = format!("{}+{}", first.name(), second.name());
        let alike = first.rate() == second.rate();
        alike.then(|| Self { name, first, second: Framer::new(second), latest: 0.0 })
    }
}

impl Vad for Vote {
    /// Both names, with a `+` between them.
    fn name(&self) -> &str {
        &self.name
    }

    fn rate(&self) -> SampleRate {
        self.first.rate()
    }

    fn frame_len(&self) -> usize {
        self.first.frame_len()
    }

    fn delay(&self) -> Duration {
        self.first.delay().min(self.second.vad().delay())
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn process(&mut self, frame: &[i16]) -> f32 {
        if frame.len() != self.first.frame_len() {
            return 0.0;
        }
        let own = scaled(self.first.process(frame), self.first.threshold());
        let threshold = self.second.vad().threshold();
        self.second.push(frame, |seen| self.latest = scaled(seen.probability, threshold));
        own.min(self.latest)
    }

    fn reset(&mut self) {
        self.first.reset();
        self.second.reset();
        self.latest = 0.0;
    }
}

fn scaled(probability: f32, threshold: f32) -> f32 {
    if probability < threshold {
        0.5 * probability / threshold
    } else if threshold < 1.0 {
        1.0 - 0.5 * (1.0 - probability) / (1.0 - threshold)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vad::{Earshot, Energy, Scripted, Silero, SileroNetwork, silero};

    fn scripted(script: &str) -> Box<dyn Vad> {
        Box::new(Scripted::new(script))
    }

    /// What is said of so many frames.
    fn said(vad: &mut dyn Vad, frames: usize) -> Vec<f32> {
        let frame = vec![0; vad.frame_len()];
        (0..frames).map(|_| vad.process(&frame)).collect()
    }

    #[test]
    fn a_frame_is_speech_when_both_say_so() {
        let mut vote = Vote::new(scripted(".s.s"), scripted("..ss")).unwrap();
        assert_eq!(said(&mut vote, 4), [0.0, 0.0, 0.0, 1.0]);
        assert_eq!(vote.name(), "scripted+scripted");
    }

    /// A network that says this of every window.
    #[derive(Debug)]
    struct Says(f32);

    impl SileroNetwork for Says {
        fn run(&mut self, _: &[f32; silero::WINDOW], _: &mut [f32; silero::STATE]) -> Option<f32> {
            Some(self.0)
        }
    }

    #[test]
    fn a_longer_frame_counts_from_its_end_until_the_next_one() {
        // 320 samples beside 512: the first is whole within the second frame.
        let second = Box::new(Silero::new(Box::new(Says(0.75))));
        let mut vote = Vote::new(scripted("sssss"), second).unwrap();
        assert_eq!((vote.frame_len(), vote.delay()), (320, Duration::ZERO));
        assert_eq!(said(&mut vote, 5), [0.0, 0.75, 0.75, 0.75, 0.75]);
        vote.reset();
        assert_eq!(said(&mut vote, 2), [0.0, 0.75], "a new stream");
    }

    #[test]
    fn of_a_shorter_frame_the_last_one_counts() {
        let first = Box::new(Silero::new(Box::new(Says(0.9))));
        let mut vote = Vote::new(first, scripted("s.s.")).unwrap();
        // After 512 samples one frame of 320 is whole; after 1024, three.
        assert_eq!(said(&mut vote, 2), [0.9, 0.9]);
    }

    #[test]
    fn thresholds_meet_at_one_half() {
        for threshold in [0.2_f32, 0.5, 0.6, 1.0] {
            let all = [0.0, threshold * 0.99, threshold, 1.0].map(|p| scaled(p, threshold));
            assert_eq!(all[0], 0.0);
            assert!(all[1] < 0.5 && all[2] >= 0.5, "{threshold}: {all:?}");
            assert_eq!(all[3], 1.0);
            assert!(all.is_sorted());
        }
    }

    #[test]
    fn what_listens_at_another_rate_cannot_vote() {
        #[derive(Debug)]
        struct Fast;
        impl Vad for Fast {
            fn name(&self) -> &str {
                "fast"
            }
            fn rate(&self) -> SampleRate {
                SampleRate::new(48_000).unwrap()
            }
            fn frame_len(&self) -> usize {
                480
            }
            fn delay(&self) -> Duration {
                Duration::ZERO
            }
            fn threshold(&self) -> f32 {
                0.5
            }
            fn process(&mut self, _: &[i16]) -> f32 {
                1.0
            }
            fn reset(&mut self) {}
        }
        assert!(Vote::new(Box::new(Earshot::new()), Box::new(Fast)).is_none());
        let slow = Vote::new(Box::new(Earshot::new()), Box::new(Energy::new())).unwrap();
        assert_eq!((slow.frame_len(), slow.delay()), (256, Duration::ZERO));
    }
}
