//! `banter talk`.

mod controls;
mod files;
mod over;
pub(in crate::cli) mod sound;
mod watch;

use std::ffi::OsStr;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};

use self::controls::{InUse, SessionControls};
pub(in crate::cli) use self::files::named_twice;
use self::over::until_over;
pub(in crate::cli) use self::over::{AT_ONCE, Ends};
use self::sound::{Place, Sound};
use self::watch::Watcher;
use super::approve::ApproveFlags;
use super::captions::Captions;
use super::conversation::{KeepFlags, PackFlags};
use super::labels::Labels;
use super::mcp::McpFlags;
use super::record::RecordFlags;
use super::settings::SettingFlags;
use super::{Ending, pending, screen};
use crate::config::{Factory, Settings};
use crate::duplex::DuplexProvider;
use crate::ids::SessionId;
use crate::net::{HttpClient, SocketClient};
use crate::session::{Conversation, ConversationError, Pace, Session, SessionConfig, Voice};
use crate::stt;
use crate::stt::Transcriber;
use crate::time::SessionClock;
use crate::tts::Synthesizer;
use crate::vad::Vad;

/// Hold a conversation: listen, answer aloud, stop when spoken over.
///
/// On a terminal a screen shows who has the floor, what is said, how loud and how fast; press `?`
/// there for its keys. Otherwise, with --plain, or with a file as the input, captions are printed.
///
/// A call of a tool that somebody must allow (--approve, or the tool itself asks for it) waits while
/// the conversation goes on: the screen shows it, `a` allows and `r` refuses it there. Without the
/// screen it stays open; a conversation with --session keeps it, for /approve in `banter chat`.
///
/// On open speakers the agent's own voice is taken out of the microphone's sound; `banter doctor
/// --echo` tells how well that works here. With headphones, --headphones leaves your voice as it is.
///
/// A file `NAME.json` beside `NAME.wav` with `{"turns": [{"end_ms": …}, …]}` tells when speech
/// truly ends; latency then counts from there instead of from the detector's estimate.
#[derive(Debug, Args)]
pub(in crate::cli) struct Talk {
    /// Where your voice comes from: a microphone, by id or name (`banter devices` lists them), or
    /// a WAV file of any rate and width. The default microphone by default.
    #[arg(long, value_name = "DEVICE|FILE")]
    input: Option<String>,
    /// Where the agent's voice goes: a speaker, by id or name, or a WAV file. The default speaker
    /// by default, and nowhere if there is none.
    #[arg(long, value_name = "DEVICE|FILE")]
    output: Option<String>,
    /// The agent's voice does not reach the microphone: do not look for it there.
    #[arg(long)]
    headphones: bool,
    /// Record the call in stereo: the user left, the agent right, on one timeline.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write what happens as JSON, one event a line; `-` for the standard output.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// Begin with the microphone muted: `m` on the screen unmutes it.
    #[arg(long, conflicts_with = "plain")]
    muted: bool,
    /// Print captions rather than show a screen.
    #[arg(long)]
    plain: bool,
    /// Who answers: `vad` (default): a recogniser, a model and a synthesizer, one after the other;
    /// `asm`: one model that hears and speaks for itself (--provider, --model). With
    /// `--set duplex.fallback=vad` the engines of `vad` go on when it is lost for good.
    #[arg(long, value_name = "MODE", value_parser = ["vad", "asm"])]
    mode: Option<String>,
    /// The provider of the model that speaks for itself: openai (default) or gemini.
    #[arg(long, value_name = "NAME", value_parser = ["openai", "gemini"])]
    provider: Option<String>,
    /// The name of the model that speaks for itself, as its provider lists it.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// How fast the input plays. At `max`, time leaps over all waiting and passes as on the wall
    /// while an engine works, so that the result is the same as at `realtime`.
    #[arg(long, value_enum, default_value_t = Speed::Realtime)]
    speed: Speed,
    #[command(flatten)]
    pack: PackFlags,
    #[command(flatten)]
    mcp: McpFlags,
    #[command(flatten)]
    approve: ApproveFlags,
    #[command(flatten)]
    keep: KeepFlags,
    #[command(flatten)]
    exchanges: RecordFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Speed {
    /// As spoken.
    Realtime,
    /// As fast as the engines work.
    Max,
}

impl Speed {
    fn pace(self) -> Pace {
        match self {
            Self::Realtime => Pace::Live,
            Self::Max => Pace::Max,
        }
    }
}

impl Talk {
    /// Whether the conversation has the whole terminal.
    pub(in crate::cli) fn shows_screen(&self) -> bool {
        let live = Place::new(self.input.as_deref()).file().is_none();
        live && !self.plain && !self.prints_events() && screen::is_possible()
    }

    pub(in crate::cli) fn run(self) -> anyhow::Result<Ending> {
        let runtime = match self.speed {
            Speed::Realtime => tokio::runtime::Builder::new_multi_thread(),
            // One thread: what happens at the same instant happens in the same order each time.
            Speed::Max => tokio::runtime::Builder::new_current_thread(),
        }
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
        let exchanges = self.exchanges.clone();
        let ending = runtime.block_on(self.talk());
        // A hung engine must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        exchanges.end(ending)
    }

    async fn talk(self) -> anyhow::Result<Ending> {
        let mut ends = Ends::new()?;
        let settings = self.settings()?;
        let input = Place::new(settings.text("input"));
        let output = settings.text("output").map(|name| Place::new(Some(name)));
        self.check_files(&input, output.as_ref())?;
        let factory = Factory::new(&settings, || Ok(Arc::new(HttpClient::new()?)))
            .recording(self.exchanges.open_for_call(&settings, true)?);
        let tools = self.approve.tools(&settings)?;
        let opening = self.pack.opening(&settings, &factory, tools)?;
        let opening = self.mcp.add(opening, &settings)?;
        let Some(begun) = ends.unless(self.keep.begin(opening, &settings)).await else {
            return Ok(Ending::Interrupted);
        };
        let conversation = begun?;
        let cast = self.cast(&settings, &factory)?;
        let config =
            SessionConfig { end_model: factory.end_model()?, ..self.config(&input, &settings)? };
        let Sound { microphone, speaker, mut notices } =
            sound::open(&input, output.as_ref(), self.speed)?;
        if cast.transcriber().is_some() {
            notices.extend(factory.notes(&["stt", "llm", "tts"]));
        }
        notices.extend(of_the_pack(&conversation));
        let transcriber = cast.transcriber();
        if input.file().is_some() {
            // A file waits for nobody: its first words must not come before the recogniser is
            // ready.
            match ends.unless(warm_any(transcriber.clone())).await {
                Some(warmed) => warmed?,
                None => return Ok(Ending::Interrupted),
            }
        }
        let session = cast.open(&conversation, config).await?;
        let handle = session.handle();
        if let Some(greeting) = settings.text("greeting") {
            handle.say(greeting)?;
        }
        let shows_screen = self.shows_screen();
        if self.muted && !shows_screen {
            bail!("--muted needs the screen, where `m` unmutes: leave it out, or use a terminal");
        }
        handle.devices().mute().set(self.muted);
        let watcher = Watcher {
            events: session.subscribe(),
            log: watch::event_log(self.events.as_deref())?,
            captions: (!shows_screen).then(|| self.captions().advising(self.keep.advice())),
        };
        let screen = shows_screen.then(|| {
            let in_use = InUse { input: microphone.name(), output: speaker.name() };
            let controls = SessionControls::new(handle.clone(), session.pending_calls(), in_use);
            tokio::spawn(screen::run(session.subscribe(), controls, notices.clone(), self.muted))
        });
        if screen.is_none() {
            for notice in notices {
                writeln!(stderr(), "banter: {notice}")?;
            }
        }
        let watching = tokio::spawn(watcher.run());
        let talking = session.run(microphone, speaker, self.speed.pace());
        let warming = warm_any(transcriber);
        let stop = || handle.stop();
        let talked = until_over(talking, warming, screen, &mut ends, stop).await;
        // How a call that failed went is told to its end as well.
        let watched = ends.unless(watching).await.ok_or_else(|| anyhow!(over::AT_ONCE))?;
        let (summary, interrupted) = talked?;
        let written = watched.context("the captions have died")??;
        if let Some(open) = pending::left_open(&conversation) {
            writeln!(stderr(), "banter: {open}\nbanter: {}", self.keep.advice())?;
        }
        let kept = conversation.close().await;
        if let Err(error) = &kept {
            writeln!(stderr(), "banter: the conversation was not kept whole: {error}")?;
        }
        let whole = written && summary.recording_is_whole && kept.is_ok();
        Ok(match (whole, interrupted) {
            (false, _) => Ending::NotWhole,
            (true, true) => Ending::Interrupted,
            (true, false) => Ending::Done,
        })
    }

    /// The same file twice would be overwritten while it is read.
    fn check_files(&self, input: &Place, output: Option<&Place>) -> anyhow::Result<()> {
        let named = [&self.record, &self.events, &self.exchanges.record_exchanges];
        let named = named.into_iter().flatten().map(PathBuf::as_path);
        let files = input.file().into_iter().chain(output.and_then(Place::file)).chain(named);
        match files::named_twice(files.filter(|path| *path != Path::new("-"))) {
            Some(path) => bail!("{} is named twice: give each its own file", path.display()),
            None => Ok(()),
        }
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let own = [
            ("--input", "input", self.input.as_deref()),
            ("--output", "output", self.output.as_deref()),
            ("--headphones", "audio.echo", self.headphones.then_some("off")),
            ("--mode", "mode", self.mode.as_deref()),
            ("--provider", "duplex.provider", self.provider.as_deref()),
            ("--model", "duplex.model", self.model.as_deref()),
        ];
        self.settings.load(&own)
    }

    /// Who hears, answers and speaks.
    fn cast(&self, settings: &Settings, factory: &Factory<'_>) -> anyhow::Result<Cast> {
        if settings.text("mode") != Some("asm") {
            if let Some(flag) = self
                .provider
                .as_ref()
                .map(|_| "--provider")
                .or(self.model.as_ref().map(|_| "--model"))
            {
                bail!(
                    "{flag} is for a model that speaks for itself: add --mode asm, or leave it out"
                );
            }
            return Ok(Cast::Vad(voice(factory)?));
        }
        if self.speed == Speed::Max {
            bail!("--mode asm talks to a server, which no clock can hurry: leave --speed max out");
        }
        let provider = factory.duplex(Arc::new(SocketClient::new()?))?;
        let falls_back = settings.text("duplex.fallback") == Some("vad");
        let others = || anyhow::Ok((factory.transcriber()?, factory.synthesizer()?));
        let fallback = falls_back.then(others).transpose();
        let fallback = fallback.context("duplex.fallback=vad needs the engines of --mode vad")?;
        Ok(Cast::Asm { vad: factory.vad()?, provider, fallback })
    }

    fn config(&self, input: &Place, settings: &Settings) -> anyhow::Result<SessionConfig> {
        let labels = input.file().map(Labels::beside).transpose()?.flatten();
        let name = input.file().and_then(Path::file_stem).unwrap_or(OsStr::new("talk"));
        Ok(SessionConfig {
            id: SessionId::new(name.to_string_lossy()),
            record: self.record.clone(),
            speech_ends: labels.map(|labels| labels.speech_ends()).unwrap_or_default(),
            front: settings.front(self.is_open_air(settings)),
            end_call: true,
            ..settings.session()
        })
    }

    /// Whether a speaker may be heard by the microphone.
    fn is_open_air(&self, settings: &Settings) -> bool {
        let is_live = |key| Place::new(settings.text(key)).file().is_none();
        is_live("input") && is_live("output")
    }

    fn prints_events(&self) -> bool {
        self.events.as_deref() == Some(Path::new("-"))
    }

    /// Captions give way to events on the standard output.
    fn captions(&self) -> Captions {
        match self.prints_events() {
            true => Captions::new(Box::new(stderr())),
            false => Captions::new(Box::new(stdout())),
        }
    }
}

/// What is to be told of a pack and its tools.
fn of_the_pack(conversation: &Conversation) -> Vec<String> {
    let warnings = conversation.warnings().iter().map(|warning| format!("the pack: {warning}"));
    let lacking = pending::lacking(conversation);
    warnings.chain(lacking.map(|lacking| format!("{lacking}; calls of them are refused"))).collect()
}

/// Who hears, answers and speaks.
enum Cast {
    Vad(Voice),
    Asm {
        vad: Box<dyn Vad>,
        provider: Arc<dyn DuplexProvider>,
        /// Who hears and speaks when it is lost for good, if anybody does.
        fallback: Option<(Arc<dyn Transcriber>, Arc<dyn Synthesizer>)>,
    },
}

impl Cast {
    fn transcriber(&self) -> Option<Arc<dyn Transcriber>> {
        match self {
            Self::Vad(voice) => Some(Arc::clone(&voice.transcriber)),
            Self::Asm { fallback, .. } => fallback.as_ref().map(|(stt, _)| Arc::clone(stt)),
        }
    }

    async fn open(
        self,
        conversation: &Conversation,
        config: SessionConfig,
    ) -> Result<Session, ConversationError> {
        match self {
            Self::Vad(voice) => conversation.open_duplex(voice, config).await,
            Self::Asm { vad, provider, fallback } => {
                let session = conversation.open_asm(vad, provider, config).await?;
                Ok(match fallback {
                    Some((transcriber, synthesizer)) => {
                        session.with_fallback(conversation.fallback(transcriber, synthesizer))
                    }
                    None => session,
                })
            }
        }
    }
}

fn voice(factory: &Factory<'_>) -> anyhow::Result<Voice> {
    Ok(Voice {
        vad: factory.vad()?,
        transcriber: factory.transcriber()?,
        synthesizer: factory.synthesizer()?,
    })
}

/// Who hears for itself needs no recogniser.
async fn warm_any(transcriber: Option<Arc<dyn Transcriber>>) -> anyhow::Result<()> {
    match transcriber {
        Some(transcriber) => warm(transcriber.as_ref()).await,
        None => Ok(()),
    }
}

pub(in crate::cli) async fn warm(transcriber: &dyn Transcriber) -> anyhow::Result<()> {
    let clock = SessionClock::live();
    let warm = clock.timeout(WARM_UP, stt::warm(transcriber)).await;
    Ok(warm.context("the recogniser does not start")??)
}

/// Loading a model takes a third of a second; on a slow disk, some more.
const WARM_UP: Duration = Duration::from_secs(30);
