//! Brings the user's sound to the rate that comes next.

use std::time::Duration;

use crate::audio::{AudioChunk, Resampler, SampleRate};
use crate::pipeline::{Element, Payload, StageError, Transform};
use crate::time::SessionTime;

/// Resamples [`Payload::Heard`]. Its time stays that of the microphone: the filter's delay is
/// subtracted.
#[derive(Debug)]
pub struct Resample {
    to: SampleRate,
    resampler: Option<Resampler>,
    /// Samples given so far, and when the first was heard.
    given: u64,
    origin: SessionTime,
    last: Option<Element>,
}

impl Resample {
    /// A transform to `to`, from whatever rate the first sound has.
    #[must_use]
    pub fn new(to: SampleRate) -> Self {
        Self { to, resampler: None, given: 0, origin: SessionTime::ZERO, last: None }
    }

    fn emit(&mut self, like: &Element, samples: Vec<i16>, emit: &mut Vec<Element>) {
        if samples.is_empty() {
            return;
        }
        let at = self.origin + self.to.duration(self.given);
        self.given += samples.len() as u64;
        let audio = AudioChunk::new(samples, self.to);
        emit.push(Element { at, ..like.with(Payload::Heard(audio)) });
    }
}

impl Transform for Resample {
    fn name(&self) -> &'static str {
        "resample"
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
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            None => {
                let new = Resampler::new(audio.rate(), self.to)
                    .map_err(|error| StageError::new("resample", error))?;
                let delay: Duration = new.delay();
                self.origin = element.at - delay;
                self.resampler.insert(new)
            }
        };
        let mut samples = Vec::with_capacity(audio.samples().len());
        resampler.process(audio.samples(), &mut samples);
        self.emit(&element, samples, emit);
        self.last = Some(element.with(Payload::LikelyEnd));
        Ok(())
    }

    fn finish(&mut self, emit: &mut Vec<Element>) -> Result<(), StageError> {
        if let (Some(resampler), Some(last)) = (&mut self.resampler, self.last.take()) {
            let mut samples = Vec::new();
            resampler.flush(&mut samples);
            self.emit(&last, samples, emit);
        }
        Ok(())
    }
}
