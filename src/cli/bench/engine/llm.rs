//! `banter bench llm`.

use clap::Args;

use super::{How, factory, for_tokens};
use crate::bench::engine::llm::{Figures, PROMPTS, ask};
use crate::cli::Ending;
use crate::cli::record::RecordFlags;
use crate::cli::settings::SettingFlags;
use crate::cli::talk::Ends;
use crate::providers::{Price, Prices, ProviderError, ProviderRequest};
use crate::types::Message;

/// Measure a language model by itself: how soon its first word comes, and its first clause.
///
/// Each prompt is a conversation of its own, with the instructions of the settings and without
/// tools.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli::bench) struct Llm {
    /// What it is asked, a request each. By default five short questions.
    #[arg(value_name = "PROMPT")]
    prompts: Vec<String>,
    /// What tokens of a request cost, as in 0.15/1M: then the cost is told in that money. By default
    /// in US dollars, if the model's prices are known.
    #[arg(long, value_name = "MONEY/TOKENS", requires = "price_out", value_parser = for_tokens)]
    price_in: Option<Price>,
    /// What tokens of an answer cost, as in 0.60/1M.
    #[arg(long, value_name = "MONEY/TOKENS", requires = "price_in", value_parser = for_tokens)]
    price_out: Option<Price>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    pub(super) record: RecordFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Llm {
    pub(super) async fn measure(&self, ends: &mut Ends) -> anyhow::Result<Ending> {
        let settings = self.settings.load(&[])?;
        let prompts = match self.prompts.is_empty() {
            true => PROMPTS.map(str::to_owned).to_vec(),
            false => self.prompts.clone(),
        };
        let factory = factory(&settings, "llm")?.recording(self.record.open(&settings)?);
        let engine = factory.provider()?;
        let session = settings.session();
        let ask = async |prompt: &String| {
            let request = ProviderRequest {
                system: session.system.clone(),
                messages: vec![Message::user(prompt)],
                parameters: session.parameters.clone(),
                ..ProviderRequest::default()
            };
            let answered = ask(&*engine, request).await?;
            let ms = answered.first_token.as_secs_f64() * 1e3;
            let words = format!("{ms:.0} ms to the first token after \"{prompt}\"");
            Ok::<_, ProviderError>((answered, words))
        };
        let came = self.how.ask("llm", &prompts, ends, ask).await?;
        let prices = self.price_in.zip(self.price_out);
        let prices = prices.map(|(input, output)| Prices::new(input, output));
        let figures = Figures::of(&came.done, prices.or_else(|| engine.prices()));
        self.how.tell(("llm", &factory.name("llm")), &came, &figures, Figures::table)
    }
}

const EXAMPLES: &str = "\
Examples:
  banter bench llm
  banter bench llm --llm openai:gpt-4o-mini --price-in 0.15/1M --price-out 0.60/1M --repeat 5
  banter bench llm \"What time is it in Bern?\" --system \"Answer in one sentence.\" --json";
