//! `banter bench tts`.

use clap::Args;

use super::{How, factory, price};
use crate::bench::engine::tts::{Figures, TEXTS, speak};
use crate::cli::Ending;
use crate::cli::settings::SettingFlags;
use crate::cli::talk::Ends;
use crate::providers::Price;
use crate::tts::{SpeakRequest, TtsError};

/// Measure a synthesizer by itself: how soon its first sound comes, and how fast the rest.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli::bench) struct Tts {
    /// What it is to say, a request each. By default six pieces as an answer is cut into.
    #[arg(value_name = "TEXT")]
    texts: Vec<String>,
    /// What the service costs, as in 15/1M (characters) or 0.015/min (of speech): then the cost is
    /// told in that money.
    #[arg(long, value_name = "MONEY/AMOUNT", value_parser = price)]
    price: Option<Price>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Tts {
    pub(super) async fn measure(&self, ends: &mut Ends) -> anyhow::Result<Ending> {
        let settings = self.settings.load(&[])?;
        let speed = settings.session().speed;
        let texts = match self.texts.is_empty() {
            true => TEXTS.map(str::to_owned).to_vec(),
            false => self.texts.clone(),
        };
        let factory = factory(&settings, "tts")?;
        let engine = factory.synthesizer()?;
        let ask = async |text: &String| {
            let request = SpeakRequest { speed, ..SpeakRequest::new(text) };
            let spoken = speak(&*engine, request).await?;
            let ms = spoken.first_byte.as_secs_f64() * 1e3;
            let words = format!("{ms:.0} ms to the first byte of \"{text}\"");
            Ok::<_, TtsError>((spoken, words))
        };
        let came = self.how.ask("tts", &texts, ends, ask).await?;
        let figures = Figures::of(&came.done, came.cpu, self.price);
        self.how.tell(("tts", &factory.name("tts")), &came, &figures, Figures::table)
    }
}

const EXAMPLES: &str = "\
Examples:
  banter bench tts --tts flite
  banter bench tts --tts openai:gpt-4o-mini-tts --price 0.015/min --repeat 5
  banter bench tts --tts espeak-ng \"Good morning.\" \"How are you?\" --json";
