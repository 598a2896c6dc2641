//! Cuts sound of any chunk size into a detector's frames.

use super::Vad;
use crate::audio::{Tone, ToneMeter};

/// A frame's verdict.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detected {
    /// The probability, from 0 to 1, that the frame is speech.
    pub probability: f32,
    /// Where the frame ends: the index of the sample after it, counted from the stream's start.
    pub end: u64,
    /// How loud the frame is, and how high the voice in it.
    pub tone: Tone,
}

/// Feeds a detector whole frames from chunks of any length. What does not fill a frame waits for the next chunk.
///
/// It does not resample: chunks must be at the detector's rate.
#[derive(Debug)]
pub struct Framer {
    vad: Box<dyn Vad>,
    /// The frame being filled: always shorter than a frame between calls.
    frame: Vec<i16>,
    meter: ToneMeter,
    end: u64,
}

impl Framer {
    /// A stream's start in front of `vad`.
    #[must_use]
    pub fn new(vad: Box<dyn Vad>) -> Self {
        let frame = Vec::with_capacity(vad.frame_len());
        let meter = ToneMeter::new(vad.rate());
        Self { vad, frame, meter, end: 0 }
    }

    /// The detector.
    #[must_use]
    pub fn vad(&self) -> &dyn Vad {
        &*self.vad
    }

    /// Takes the next samples of the stream and hands each frame that they complete to `each`, in order.
    /// Allocates nothing.
    pub fn push(&mut self, mut samples: &[i16], mut each: impl FnMut(Detected)) {
        let len = self.vad.frame_len().max(1);
        while !samples.is_empty() {
            let (taken, rest) = samples.split_at(samples.len().min(len - self.frame.len()));
            self.frame.extend_from_slice(taken);
            samples = rest;
            if self.frame.len() == len {
                self.end += len as u64;
                let probability = self.vad.process(&self.frame);
                let tone = self.meter.measure(&self.frame, probability >= MAY_BE_VOICE);
                each(Detected { probability, end: self.end, tone });
                self.frame.clear();
            }
        }
    }

    /// Starts a new stream: drops the remainder, resets the detector and counts samples from 0 again.
    pub fn reset(&mut self) {
        self.vad.reset();
        self.frame.clear();
        self.meter.reset();
        self.end = 0;
    }
}

/// Below it nobody asks for the pitch, which takes more computing than the level.
const MAY_BE_VOICE: f32 = 0.3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vad::Scripted;

    fn ends(framer: &mut Framer, samples: usize) -> Vec<(f32, u64)> {
        let mut seen = Vec::new();
        framer.push(&vec![0; samples], |frame| seen.push((frame.probability, frame.end)));
        seen
    }

    #[test]
    fn a_frame_is_told_when_its_last_sample_is_there() {
        let mut framer = Framer::new(Box::new(Scripted::new("s.s")));
        assert_eq!(ends(&mut framer, 0), []);
        assert_eq!(ends(&mut framer, 319), []);
        assert_eq!(ends(&mut framer, 1), [(1.0, 320)]);
        assert_eq!(ends(&mut framer, 800), [(0.0, 640), (1.0, 960)]);
        assert_eq!(ends(&mut framer, 160), [(0.0, 1280)]);
    }

    #[test]
    fn the_chunk_size_changes_nothing() {
        let script = "s..ss.s.ssss....s";
        let whole = ends(&mut Framer::new(Box::new(Scripted::new(script))), 5_000);
        for chunk in [1, 7, 160, 320, 333, 480, 2_000] {
            let mut framer = Framer::new(Box::new(Scripted::new(script)));
            let mut seen = Vec::new();
            for samples in vec![0; 5_000].chunks(chunk) {
                framer.push(samples, |frame| seen.push((frame.probability, frame.end)));
            }
            assert_eq!(seen, whole, "chunks of {chunk}");
        }
    }

    #[test]
    fn a_reset_starts_a_new_stream() {
        let mut framer = Framer::new(Box::new(Scripted::new("s.")));
        ends(&mut framer, 500);
        framer.reset();
        assert_eq!(ends(&mut framer, 320), [(1.0, 320)]);
    }
}
