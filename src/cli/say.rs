//! `banter say`.

use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::Args;
use futures_util::StreamExt;

use super::Ending;
use crate::audio::WavWriter;
use crate::time::SessionClock;
use crate::tts::{self, SpeakRequest, SpeechEvent};

/// Speak a text into a WAV file, and say how long that took.
#[derive(Debug, Args)]
pub(super) struct Say {
    /// The text.
    text: String,
    /// The WAV file: mono, 16 bit, at the synthesizer's rate.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The synthesizer: flite, flite:VOICE, espeak-ng, espeak-ng:VOICE.
    #[arg(long, value_name = "NAME", default_value = "flite")]
    tts: String,
    /// How fast to speak, from 0.5 to 2.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f32,
}

impl Say {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.say())
    }

    async fn say(self) -> anyhow::Result<Ending> {
        let synthesizer = tts::by_name(&self.tts)?;
        let rate = synthesizer.rate();
        let mut writer = WavWriter::create(&self.output, rate, 1)?;
        let clock = SessionClock::live();
        let mut first = None;
        let mut samples = 0;
        let request = SpeakRequest { speed: self.speed, ..SpeakRequest::new(self.text) };
        let mut speech = synthesizer.speak(request);
        while let Some(event) = speech.next().await {
            if let SpeechEvent::Audio(audio) = event? {
                first.get_or_insert_with(|| clock.now());
                samples += audio.samples().len() as u64;
                writer.write(audio.samples())?;
            }
        }
        let took = clock.now().as_millis();
        writer.finish()?;
        writeln!(
            stdout(),
            "{}: {:.2} s of speech; first sound after {:.0} ms, all after {took:.0} ms",
            self.output.display(),
            rate.duration(samples).as_secs_f64(),
            first.map_or(took, crate::time::SessionTime::as_millis),
        )?;
        Ok(Ending::Done)
    }
}

fn speed(text: &str) -> Result<f32, String> {
    let speed: f32 = text.parse().map_err(|_| "expected a number, such as 1.2".to_owned())?;
    if (0.5..=2.0).contains(&speed) { Ok(speed) } else { Err("expected 0.5 to 2".to_owned()) }
}
