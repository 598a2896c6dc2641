//! `banter doctor`.

mod echo;
mod jobs;
mod report;
mod sound;
mod trouble;

use clap::Args;

use self::jobs::Jobs;
use self::report::{Need, Report};
use self::trouble::Trouble;
use super::Ending;
use super::end::until_interrupted;
use super::settings::SettingFlags;
use crate::config::{self, FileError, Settings, TABLE};
use crate::stt::SttError;
use crate::{stt, tts};

/// Find out what works here, and what to do about the rest.
///
/// Each part is tried, a line each: settings, sound, the embedded engines, then each engine in
/// use with a small real task. A service is asked for real, so that its time is that of a
/// conversation; it costs as much as one short answer. None is waited for longer than 10 s.
///
/// Lines begin with `ok`, `FAIL`, or `--` for what fails and is not needed. The exit code is 0
/// if a conversation is possible, else 1.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The microphone, by id or name, or the WAV file, that is to be tried.
    #[arg(long, value_name = "DEVICE|FILE")]
    input: Option<String>,
    /// The speaker, by id or name, or the WAV file, that is to be tried.
    #[arg(long, value_name = "DEVICE|FILE")]
    output: Option<String>,
    /// Try the way from the speaker to the microphone instead: plays 5 s of speech, and tells how
    /// much of it comes back, how late, and what is left after echo cancellation.
    #[arg(long)]
    echo: bool,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Doctor {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        until_interrupted(self.examine())
    }

    async fn examine(&self) -> anyhow::Result<Ending> {
        let mut report = Report::new();
        let settings = report.check("settings", Need::Conversation, async { self.load() }).await?;
        let text = |key| settings.as_ref().and_then(|settings| settings.text(key));
        if self.echo {
            let echo = echo::echo(
                text("input").or(self.input.as_deref()),
                text("output").or(self.output.as_deref()),
            );
            report.check("echo", Need::Conversation, echo).await?;
            return report.conclude();
        }
        let microphone = sound::microphone(text("input").or(self.input.as_deref()));
        report.check("microphone", Need::Conversation, microphone).await?;
        let output = text("output").or(self.output.as_deref());
        // One that was named must be there; without one, `talk` goes on unheard.
        let need = if output.is_some() { Need::Conversation } else { Need::Nothing };
        report.check("speaker", need, sound::speaker(output)).await?;
        report.check("pocketsphinx", Need::Nothing, pocketsphinx()).await?;
        for program in ["flite", "espeak-ng"] {
            report.check(program, Need::Nothing, runs(program)).await?;
        }
        if let Some(settings) = &settings {
            engines(&mut report, settings).await?;
        }
        report.conclude()
    }

    fn load(&self) -> Result<(String, Settings), Trouble> {
        let own = [
            ("--input", "input", self.input.as_deref()),
            ("--output", "output", self.output.as_deref()),
        ];
        let settings =
            self.settings.load(&own).map_err(|error| match error.downcast_ref::<FileError>() {
                Some(error) => Trouble::told(error, "correct the file"),
                None => Trouble::new(
                    error,
                    "correct what is named here; `banter config --template` shows what is allowed",
                ),
            })?;
        let file = config::read(self.settings.file()).ok().flatten();
        let file = file.map_or_else(|| "no settings file".to_owned(), |file| file.name);
        let set = TABLE.iter().filter(|setting| settings.is_set(setting.key)).count();
        Ok((format!("{file}; {set} of {} settings are set", TABLE.len()), settings))
    }
}

/// The engines that a conversation would use.
async fn engines(report: &mut Report, settings: &Settings) -> anyhow::Result<()> {
    let jobs = Jobs::new(settings);
    let need = Need::Conversation;
    report.check("voice detector", need, async { jobs.detect() }).await?;
    if jobs.judges_ends() {
        report.check("end of turns", need, async { jobs.judge_end() }).await?;
    }
    let speech = report.check("synthesizer", need, jobs.speak()).await?;
    report.check("recogniser", need, jobs.hear(speech.as_ref())).await?;
    report.check("model", need, jobs.answer()).await?;
    for note in jobs.notes() {
        report.note(&note)?;
    }
    Ok(())
}

async fn pocketsphinx() -> Result<(String, ()), Trouble> {
    let missing = |error: SttError| Trouble::told(&error, "install its model");
    let engine = stt::by_name("pocketsphinx").map_err(missing)?;
    stt::warm(engine.as_ref()).await.map_err(missing)?;
    Ok(("its model loads".to_owned(), ()))
}

async fn runs(program: &str) -> Result<(String, ()), Trouble> {
    let remedy = "install it";
    let engine = tts::by_name(program).map_err(|error| Trouble::told(&error, remedy))?;
    let speech = jobs::speech(engine.as_ref(), 1.0).await;
    let speech = speech.map_err(|error| Trouble::told(&error, remedy))?;
    Ok((speech.told(), ()))
}
