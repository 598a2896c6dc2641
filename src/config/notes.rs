//! What a user of the chosen engines should know.

use super::engines::{AUTO, Chosen, Factory};

impl Factory<'_> {
    /// What a user of these engines (`stt`, `llm`, `tts`) should know, a line each: which of them
    /// are the small embedded ones because nothing better was set, and which settings those do
    /// not heed.
    #[must_use]
    pub fn notes(&self, engines: &[&str]) -> Vec<String> {
        let embedded: Vec<_> = engines
            .iter()
            .filter_map(|engine| match self.chosen(engine) {
                Chosen::Embedded(name) => Some((*engine, name)),
                Chosen::Service(..) | Chosen::Table(..) => None,
            })
            .collect();
        let small = embedded.iter().filter(|(engine, _)| self.is_auto(engine));
        let small: Vec<_> = small.map(|(_, name)| *name).collect();
        let small = (!small.is_empty()).then(|| {
            let small = small.join(", ");
            format!(
                "small embedded engines: {small}; for better ones set OPENAI_API_KEY, or \
                 OPENAI_BASE_URL for a server of your own"
            )
        });
        let unheeded = embedded
            .iter()
            .flat_map(|(_, name)| [self.other_language(name), self.other_voice(name)]);
        small
            .into_iter()
            .chain(unheeded.flatten())
            .chain(self.no_budget())
            .chain(self.no_replay())
            .collect()
    }

    fn is_auto(&self, engine: &str) -> bool {
        self.text(&format!("{engine}.engine")) == AUTO
    }

    fn other_language(&self, name: &str) -> Option<String> {
        let language = self.text("language");
        let english = language.split(['-', '_']).next().unwrap_or_default();
        if english.is_empty() || english.eq_ignore_ascii_case("en") {
            return None;
        }
        let remark = match name.split(':').next() {
            Some("pocketsphinx") => "hears English only; choose another recogniser with --stt",
            Some("flite") => "speaks English only; choose espeak-ng or a service with --tts",
            _ if name == "scripted" => "answers in English only; choose another model with --llm",
            _ => return None,
        };
        Some(format!("the language is set to {language}, but {name} {remark}"))
    }

    fn other_voice(&self, name: &str) -> Option<String> {
        let engine = name.split(':').next().filter(|engine| TAKE_A_VOICE.contains(engine))?;
        self.settings.is_set("tts.voice").then(|| {
            format!("tts.voice is for services, not for {engine}; choose its voice as --tts {engine}:VOICE")
        })
    }
}

/// The embedded synthesizers whose voice stands behind their name.
const TAKE_A_VOICE: [&str; 2] = ["flite", "espeak-ng"];
