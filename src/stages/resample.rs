//! Brings the user's sound to the rate that comes next.

use super::anchor::Anchor;
use crate::audio::{AudioChunk, Resampler, SampleRate};
use crate::pipeline::{Element, Payload, StageError, Transform};
use crate::time::SessionTime;

/// Resamples [`Payload::Heard`]. Its time stays that of the microphone.
#[derive(Debug)]
pub struct Resample {
    name: &'static str,
    to: SampleRate,
    resampler: Option<Resampler>,
    /// Samples taken and given so far, and when they were heard.
    taken: u64,
    given: u64,
    anchor: Anchor,
    last: Option<Element>,
}

impl Resample {
    /// A transform to `to`, from whatever rate the first sound has.
    #[must_use]
    pub fn new(to: SampleRate) -> Self {
        Self::named("resample", to)
    }

    /// The same under another name, where a graph has several.
    #[must_use]
    pub fn named(name: &'static str, to: SampleRate) -> Self {
        let anchor = Anchor::new(SessionTime::ZERO);
        Self { name, to, resampler: None, taken: 0, given: 0, anchor, last: None }
    }

    fn emit(&mut self, like: &Element, samples: Vec<i16>, emit: &mut Vec<Element>) {
        if samples.is_empty() {
            return;
        }
        let at = self.anchor.time_of(self.to.duration(self.given));
        self.given += samples.len() as u64;
        let audio = AudioChunk::new(samples, self.to);
        emit.push(Element { at, ..like.with(Payload::Heard(audio)) });
    }
}

impl Transform for Resample {
    fn name(&self) -> &str {
        self.name
    }

    fn apply(&mut self, element: Element, emit: &mut Vec<Element>) -> Result<(), StageError> {
        let Payload::Heard(audio) = &element.payload else {
            emit.push(element);
            return Ok(());
        };
        if audio.rate() == self.to {
            emit.push(element);
            return Ok(());
        }
        if self.last.as_ref().is_some_and(|last| last.turn != element.turn) {
            self.finish(emit)?; // sound of another turn does not follow on this one's
        }
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            None => {
                let new = Resampler::new(audio.rate(), self.to)
                    .map_err(|error| StageError::new(self.name, &error))?;
                (self.anchor, self.taken, self.given) = (Anchor::new(element.at), 0, 0);
                self.resampler.insert(new)
            }
        };
        self.anchor.follow(element.at, audio.rate().duration(self.taken));
        self.taken += audio.samples().len() as u64;
        let mut samples = Vec::with_capacity(audio.samples().len());
        resampler.process(audio.samples(), &mut samples);
        self.emit(&element, samples, emit);
        self.last = Some(element.with(Payload::LikelyEnd));
        Ok(())
    }

    fn finish(&mut self, emit: &mut Vec<Element>) -> Result<(), StageError> {
        if let (Some(mut resampler), Some(last)) = (self.resampler.take(), self.last.take()) {
            let mut samples = Vec::new();
            resampler.flush(&mut samples);
            self.emit(&last, samples, emit);
        }
        Ok(())
    }
}
