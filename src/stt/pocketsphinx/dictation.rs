//! The words of one utterance: the decoder's segments from pause to pause, joined.

use super::failed;
use super::ffi::{CEPSTRA, Decoder};
use crate::stt::{SttError, SttEvent};

/// One utterance, being decoded.
#[derive(Debug)]
pub(super) struct Dictation {
    decoder: Decoder,
    /// The text of the segments that are over.
    said: String,
    /// The last text that was told.
    told: String,
    /// What was heard since the last pause with speech before it.
    pub(super) segment: Option<Segment>,
}

/// A stretch of sound that the library is decoding.
#[derive(Debug, Default)]
pub(super) struct Segment {
    samples: usize,
    speech: bool,
}

impl Dictation {
    /// A new utterance: what `decoder` heard before is forgotten.
    pub(super) fn new(mut decoder: Decoder) -> Result<Self, SttError> {
        check(decoder.reset(&MEAN, MEAN_WEIGHT), "reset")?;
        Ok(Self { decoder, said: String::new(), told: String::new(), segment: None })
    }

    /// Decodes `samples`, and looks at the words every 200 ms of sound.
    pub(super) fn hear(
        &mut self,
        mut samples: &[i16],
        emit: &mut dyn FnMut(SttEvent),
    ) -> Result<(), SttError> {
        let mut segment = match self.segment.take() {
            Some(segment) => segment,
            None => {
                check(self.decoder.begin(), "begin an utterance")?;
                Segment::default()
            }
        };
        while !samples.is_empty() {
            let (block, rest) = samples.split_at(samples.len().min(STEP - segment.samples % STEP));
            check(self.decoder.feed(block), "decode")?;
            samples = rest;
            segment.samples += block.len();
            segment.speech |= self.decoder.in_speech();
            if segment.samples.is_multiple_of(STEP) {
                self.decoder.adapt();
            }
            if segment.speech && segment.samples.is_multiple_of(LOOK) {
                self.look(emit);
            }
        }
        self.segment = Some(segment);
        Ok(())
    }

    /// The whole text so far. Sound without speech since the last pause costs nothing.
    pub(super) fn pause(&mut self) -> Result<String, SttError> {
        if self.segment.take_if(|segment| segment.speech).is_some() {
            check(self.decoder.end(), "end an utterance")?;
            self.said = self.text();
            self.told.clone_from(&self.said);
        }
        Ok(self.said.clone())
    }

    /// What was said so far is nothing. The voice stays known.
    pub(super) fn forget(&mut self) -> Result<(), SttError> {
        if self.segment.take().is_some() {
            check(self.decoder.end(), "end an utterance")?;
        }
        self.said.clear();
        self.told.clear();
        Ok(())
    }

    /// The decoder, ready for another utterance; `None` if it is not fit for one.
    pub(super) fn end(mut self) -> Option<Decoder> {
        let fit = self.segment.is_none() || self.decoder.end();
        fit.then_some(self.decoder)
    }

    fn look(&mut self, emit: &mut dyn FnMut(SttEvent)) {
        let text = self.text();
        if text != self.told {
            self.told.clone_from(&text);
            emit(SttEvent::Partial(text));
        }
    }

    /// The segments that are over and the decoder's present one.
    fn text(&mut self) -> String {
        let mut text = self.said.clone();
        for word in self.decoder.hypothesis().split_whitespace().filter_map(spoken) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word);
        }
        text
    }
}

/// A word as it is written, without the number of its pronunciation, `read(2)`; `None` for what
/// is not a word: `<sil>`, `[NOISE]`, `++COUGH++`.
fn spoken(word: &str) -> Option<&str> {
    let word = word.split('(').next()?;
    (!word.is_empty() && !word.starts_with(['<', '[', '+'])).then_some(word)
}

fn check(worked: bool, what: &str) -> Result<(), SttError> {
    if worked { Ok(()) } else { Err(failed(format!("the library could not {what}"))) }
}

/// The mean is adapted to the voice after each 100 ms at 16 kHz. Left alone, the library adapts
/// only when a segment ends, which is too late for utterances of one segment: on 31 recordings
/// of people that made 38 % of the words wrong instead of 31 %.
const STEP: usize = 1_600;

/// 200 ms at 16 kHz.
const LOOK: usize = 3_200;

/// What the mean of the cepstra is before anything was heard: halfway between the model's own
/// and that of speech whose silence has been cut out, as the library does.
const MEAN: [f32; CEPSTRA] =
    [43.0, -3.5, 4.5, 10.5, 3.5, -1.5, 2.5, -5.0, -6.5, -4.5, 0.0, 0.0, 2.0];

/// How many frames of 10 ms that weighs. More learns a voice later, less unsteadies the start.
const MEAN_WEIGHT: u16 = 40;

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn only_words_are_spoken() {
        let words = "<s> what(2) [NOISE] time's <sil> it ++COUGH++ </s>";
        let spoken: Vec<_> = words.split_whitespace().filter_map(spoken).collect();
        assert_eq!(spoken, ["what", "time's", "it"]);
    }
}
