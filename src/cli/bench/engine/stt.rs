//! `banter bench stt`.

use std::path::PathBuf;

use clap::Args;

use super::{How, factory, for_sound};
use crate::bench::engine::stt::{Figures, hear};
use crate::bench::scenario::Sentence;
use crate::cli::Ending;
use crate::cli::settings::SettingFlags;
use crate::cli::talk::Ends;
use crate::config::Factory;
use crate::providers::Price;
use crate::stt::SttError;

/// Measure a recogniser by itself: how many words it gets wrong, and how long it takes.
///
/// Each sentence is given piece by piece, as fast as the engine takes it, but not faster. Its words
/// are told by a label file: NAME.json beside NAME.wav, or FOLDER.json beside FOLDER.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli::bench) struct Stt {
    /// WAV files; each turn in one is a sentence. By default twelve sentences that are built in.
    #[arg(value_name = "WAV")]
    files: Vec<PathBuf>,
    /// What the service costs, as in 0.006/min: then the cost is told in that money.
    #[arg(long, value_name = "MONEY/TIME", value_parser = for_sound)]
    price: Option<Price>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Stt {
    pub(super) async fn measure(&self, ends: &mut Ends) -> anyhow::Result<Ending> {
        let settings = self.settings.load(&[])?;
        let factory = factory(&settings, "stt")?;
        let sentences = self.sentences(&factory)?;
        let engine = factory.transcriber()?;
        let ask = async |sentence: &Sentence| {
            let heard = hear(&*engine, &sentence.samples, sentence.text.as_deref()).await?;
            let ms = heard.to_final.as_secs_f64() * 1e3;
            let words = format!("{ms:.0} ms to \"{}\" ({})", heard.text, sentence.name);
            Ok::<_, SttError>((heard, words))
        };
        let came = self.how.ask("stt", &sentences, ends, ask).await?;
        let figures = Figures::of(&came.done, came.cpu, self.price);
        self.how.tell(("stt", &factory.name("stt")), &came, &figures, Figures::table)
    }

    fn sentences(&self, factory: &Factory<'_>) -> anyhow::Result<Vec<Sentence>> {
        if self.files.is_empty() {
            return Ok(Sentence::built_in()?);
        }
        let mut sentences = Vec::new();
        for file in &self.files {
            sentences.extend(Sentence::of_wav(file, factory.vad()?)?);
        }
        Ok(sentences)
    }
}

const EXAMPLES: &str = "\
Examples:
  banter bench stt
  banter bench stt --stt openai:gpt-4o-mini-transcribe --price 0.003/min --repeat 3
  banter bench stt --stt pocketsphinx mine/*.wav --json";
