//! The synthesizer eSpeak NG, a program of its own: very quick, a hundred languages, robotic.
//!
//! The first sound comes after about 7 ms, however long the request. Markup (SSML) and phoneme
//! codes in the text are not obeyed.

use futures_util::stream;

use super::process::{self, Program};
use super::{SpeakRequest, SpeechStream, Synthesizer};
use crate::audio::SampleRate;

/// Speaks with `espeak-ng`, at 22,050 Hz.
///
/// Which voices there are, `espeak-ng --voices` says. An unknown one fails when it speaks.
#[derive(Clone, Debug)]
pub struct EspeakNg {
    voice: String,
}

impl EspeakNg {
    /// eSpeak NG with another default voice, such as `en-gb` or `de`.
    #[must_use]
    pub fn with_voice(voice: impl Into<String>) -> Self {
        Self { voice: voice.into() }
    }
}

/// Speaks American English.
impl Default for EspeakNg {
    fn default() -> Self {
        Self::with_voice("en-us")
    }
}

impl Synthesizer for EspeakNg {
    fn name(&self) -> &'static str {
        ESPEAK.name
    }

    fn rate(&self) -> SampleRate {
        ESPEAK.rate
    }

    fn speak(&self, request: SpeakRequest) -> SpeechStream {
        // "[[" would begin phoneme codes; brackets are not spoken anyway.
        let Some(text) = process::plain(&request.text.replace('[', "(")) else {
            return Box::pin(stream::empty());
        };
        let voice = request.voice.as_ref().unwrap_or(&self.voice).replace('\0', "");
        let words_per_minute = format!("{:.0}", WORDS_PER_MINUTE * process::speed(&request));
        let voice = format!("-v{voice}");
        process::run(ESPEAK, ["--stdout", &voice, "-s", &words_per_minute, "--", &text])
    }
}

const ESPEAK: Program = Program { name: "espeak-ng", rate: RATE };

const RATE: SampleRate = match SampleRate::new(22_050) {
    Some(rate) => rate,
    None => SampleRate::SPEECH,
};

/// Its default speed.
const WORDS_PER_MINUTE: f32 = 175.0;
