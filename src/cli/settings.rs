//! The flags that stand for settings, on top of the environment, the file and the defaults.

use std::convert::Infallible;
use std::io::{Write, stderr};
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use crate::config::{self, Setting, SettingError, Settings};
use crate::types::Secret;

/// Flags for the settings that are changed most. `banter config` shows all of them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingFlags {
    /// The file with settings: ./banter.toml by default, else ~/.config/banter/banter.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting, as `banter config` names it; may be given again.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = hidden)]
    set: Vec<Secret>,
    /// The voice detector: earshot (default), silero, webrtc, webrtc:0 to webrtc:3, energy; or two
    /// that must agree, as earshot+webrtc.
    #[arg(long, value_name = "NAME")]
    vad: Option<String>,
    /// The speech recogniser: auto (default), openai, openai:MODEL, pocketsphinx.
    #[arg(long, value_name = "NAME")]
    stt: Option<String>,
    /// The language model: auto (default), openai, openai:MODEL, anthropic, anthropic:MODEL,
    /// gemini, gemini:MODEL, responses, responses:MODEL (OpenAI's Responses), ollama:MODEL,
    /// vllm:MODEL, llama-server, lm-studio:MODEL, scripted, scripted:FILE.toml, replay:FILE
    /// (recorded by --record-exchanges); or NAME or NAME:MODEL for the table [providers.NAME]
    /// of the settings file.
    #[arg(long, value_name = "NAME")]
    llm: Option<String>,
    /// The synthesizer: auto (default), openai, openai:MODEL, flite, flite:VOICE, espeak-ng,
    /// espeak-ng:VOICE.
    #[arg(long, value_name = "NAME")]
    tts: Option<String>,
    /// The language that is spoken, such as en or de: for services and espeak-ng. The other
    /// engines of this program know English only.
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
    /// The voice of a service: alloy by default. Those of flite and espeak-ng stand behind their
    /// names.
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,
    /// How fast the agent speaks, from 0.5 to 2: 1 by default.
    #[arg(long, value_name = "FACTOR", value_parser = checked("tts.speed"))]
    speed_of_speech: Option<String>,
    /// Instructions for the model.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// What the agent says before you have said anything.
    #[arg(long, value_name = "TEXT")]
    greeting: Option<String>,
    /// How soon the agent takes its turn when you pause: eager; balanced (default); patient: it
    /// leaves time to think; fixed: after the same silence always.
    #[arg(long, value_name = "HOW", value_parser = checked("turn.endpoint"))]
    endpoint: Option<String>,
    /// End your turn after this silence always, in milliseconds, as `--endpoint fixed` does after
    /// 800. With another `--endpoint`, only where nothing is known of the voice.
    #[arg(long, value_name = "MS", value_parser = checked("turn.silence_ms"))]
    silence: Option<String>,
    /// What speaking over the agent does: immediate (default): it falls silent at once; deferred:
    /// at the end of the sentence; ignore: it goes on.
    #[arg(long, value_name = "WHAT", value_parser = checked("turn.barge_in"))]
    barge_in: Option<String>,
    /// What the validators of a pack may do: error (default): what they are made for; warn: only
    /// report; off.
    #[arg(long, value_name = "MODE", value_parser = checked("validation.mode"))]
    validation: Option<String>,
    /// Sleep until this is said, such as "hello computer"; several with commas between. Then what
    /// is said is for the agent, until 8 s after its last answer.
    #[arg(long, value_name = "PHRASE", value_parser = checked("wake.phrase"))]
    wake: Option<String>,
    /// Take turns by a key only, the space bar, never by voice.
    #[arg(long)]
    push_to_talk: bool,
}

impl SettingFlags {
    /// All settings, and those of the command's own flags (a flag, a key and a value each) on
    /// top. Warns of variables that set nothing.
    ///
    /// # Errors
    ///
    /// All that is wrong in the file, the environment or the flags, a line each.
    pub(super) fn load(&self, own: &[(&str, &str, Option<&str>)]) -> anyhow::Result<Settings> {
        let file = config::read(self.config.as_deref())?;
        let variables: Vec<_> = config::variables().collect();
        let mut flags = self.given();
        for (flag, key, value) in own {
            flags.extend(value.map(|value| given(flag, key, value)));
        }
        for setting in &self.set {
            let Some((key, value)) = setting.expose().split_once('=') else {
                // What stands there is not told: it may be a key after a wrong sign.
                bail!("--set is written as KEY=VALUE; `banter config` lists the keys");
            };
            flags.push(given("--set", key.trim(), value.trim()));
        }
        let settings =
            Settings::layered(&flags, &variables, file.as_ref()).map_err(|wrong| all(&wrong))?;
        for warning in settings.warnings() {
            writeln!(stderr(), "banter: {warning}")?;
        }
        Ok(settings)
    }

    /// Those flags alone that name a file and any setting, for a command to which no other applies.
    pub(super) fn bare(config: Option<PathBuf>, set: Vec<Secret>) -> Self {
        Self { config, set, ..Self::default() }
    }

    /// The file that `--config` names.
    pub(super) fn file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    fn given(&self) -> Vec<(String, String, String)> {
        let push_to_talk = self.push_to_talk.then(|| "true".to_owned());
        [
            ("--vad", "vad.engine", &self.vad),
            ("--stt", "stt.engine", &self.stt),
            ("--llm", "llm.engine", &self.llm),
            ("--tts", "tts.engine", &self.tts),
            ("--language", "language", &self.language),
            ("--voice", "tts.voice", &self.voice),
            ("--speed-of-speech", "tts.speed", &self.speed_of_speech),
            ("--system", "llm.system", &self.system),
            ("--greeting", "greeting", &self.greeting),
            ("--endpoint", "turn.endpoint", &self.endpoint),
            ("--silence", "turn.silence_ms", &self.silence),
            ("--barge-in", "turn.barge_in", &self.barge_in),
            ("--validation", "validation.mode", &self.validation),
            ("--wake", "wake.phrase", &self.wake),
            ("--push-to-talk", "turn.push_to_talk", &push_to_talk),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| Some(given(flag, key, value.as_deref()?)))
        .collect()
    }
}

fn given(flag: &str, key: &str, value: &str) -> (String, String, String) {
    (flag.to_owned(), key.to_owned(), value.to_owned())
}

/// It may hold a key.
pub(super) fn hidden(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// A flag's value that its setting accepts.
pub(super) fn checked(
    key: &'static str,
) -> impl Fn(&str) -> Result<String, String> + Clone + Send + Sync {
    move |text: &str| match Setting::of(key) {
        Some(setting) => setting.check(text).map(|()| text.to_owned()),
        None => Err(format!("there is no setting {key}")),
    }
}

fn all(wrong: &[SettingError]) -> anyhow::Error {
    match wrong {
        [one] => anyhow::anyhow!("a setting is wrong: {one}"),
        all => {
            let all: Vec<_> = all.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the settings are wrong:\n  {}", all.join("\n  "))
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        settings: SettingFlags,
    }

    #[test]
    fn flags_print_without_what_may_be_a_key() {
        let program = Program::parse_from(["banter", "-s", "openai.api_key=hush"]);
        assert_eq!(program.settings.set[0].expose(), "openai.api_key=hush");
        assert!(!format!("{program:?}").contains("hush"), "{program:?}");
    }
}
