//! `banter talk`.

use std::fs::File;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};

use super::Ending;
use super::captions::Captions;
use super::labels::Labels;
use crate::device::{Microphone, NullSpeaker, Speaker, WavMicrophone, WavSpeaker};
use crate::events::{EventLog, Subscription};
use crate::ids::SessionId;
use crate::session::{Engines, Pace, Session, SessionConfig};
use crate::time::SessionClock;
use crate::tools::{ClockTool, ToolRegistry};
use crate::turn::{BargeIn, Strategy, TurnConfig};
use crate::{providers, stt, tts, vad};

/// Hold a conversation: listen to a WAV file, answer aloud, stop when spoken over.
///
/// The engines need no key and no network: a voice detector, a small recogniser, a scripted
/// model and a synthesizer. Captions show who says what, and where the time goes in each turn.
///
/// A file `NAME.json` beside `NAME.wav` with `{"turns": [{"end_ms": …}, …]}` tells when speech
/// truly ends; latency then counts from there instead of from the detector's estimate.
#[derive(Debug, Args)]
pub(super) struct Talk {
    /// The user's side of the conversation: a WAV file of any rate and width.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Where the agent's voice goes: a WAV file. Nowhere by default.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Record the call in stereo: the user left, the agent right, on one timeline.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write what happens as JSON, one event a line; `-` for the standard output.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// How fast the input plays. At `max`, time leaps over all waiting and passes as on the wall
    /// while an engine works, so that the result is the same as at `realtime`.
    #[arg(long, value_enum, default_value_t = Speed::Realtime)]
    speed: Speed,
    /// The voice detector: earshot, webrtc, webrtc:0 to webrtc:3, energy.
    #[arg(long, value_name = "NAME", default_value = "earshot")]
    vad: String,
    /// The speech recogniser: pocketsphinx.
    #[arg(long, value_name = "NAME", default_value = "pocketsphinx")]
    stt: String,
    /// The language model: scripted, or scripted:FILE.toml for your own rules.
    #[arg(long, value_name = "NAME", default_value = "scripted")]
    llm: String,
    /// The synthesizer: flite, flite:VOICE, espeak-ng, espeak-ng:VOICE.
    #[arg(long, value_name = "NAME", default_value = "flite")]
    tts: String,
    /// The silence that ends your turn, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 800, value_parser = clap::value_parser!(u64).range(100..=10_000))]
    silence: u64,
    /// What speaking over the agent does.
    #[arg(long, value_enum, default_value_t = OnBargeIn::Immediate)]
    barge_in: OnBargeIn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Speed {
    /// As spoken.
    Realtime,
    /// As fast as the engines work.
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnBargeIn {
    /// It falls silent at once.
    Immediate,
    /// It falls silent at the end of the sentence.
    Deferred,
    /// It goes on.
    Ignore,
}

impl Talk {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let runtime = match self.speed {
            Speed::Realtime => tokio::runtime::Builder::new_multi_thread(),
            // One thread: what happens at the same instant happens in the same order each time.
            Speed::Max => tokio::runtime::Builder::new_current_thread(),
        }
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
        let ending = runtime.block_on(self.talk());
        // A hung engine must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        ending
    }

    async fn talk(self) -> anyhow::Result<Ending> {
        self.check_files()?;
        let microphone = Box::new(WavMicrophone::open(&self.input)?);
        let rate = microphone.rate();
        let speaker: Box<dyn Speaker> = match &self.output {
            Some(path) => Box::new(WavSpeaker::create(path, rate)?),
            None => Box::new(NullSpeaker(rate)),
        };
        let engines = self.engines()?;
        // The first words must not wait until the recogniser has loaded its model.
        let clock = SessionClock::live();
        let warm = clock.timeout(WARM_UP, stt::warm(engines.transcriber.as_ref())).await;
        warm.context("the recogniser does not start")??;
        let session = Session::new(engines, self.config()?);
        let watcher = Watcher {
            events: session.subscribe(),
            log: self.event_log()?,
            captions: self.captions(),
            whole: true,
        };
        let stop = session.handle();
        let watching = tokio::spawn(watcher.run());
        let pace = match self.speed {
            Speed::Realtime => Pace::Live,
            Speed::Max => Pace::Max,
        };
        let mut talking = std::pin::pin!(session.run(microphone, speaker, pace));
        let mut interrupted = false;
        let summary = loop {
            tokio::select! {
                summary = &mut talking => break summary,
                Ok(()) = tokio::signal::ctrl_c() => {
                    if interrupted {
                        bail!("stopped before everything was written");
                    }
                    interrupted = true;
                    stop.stop();
                }
            }
        };
        let written = watching.await.context("the captions have died")??;
        let summary = summary?;
        Ok(match (interrupted, written && summary.recording_is_whole) {
            (true, _) => Ending::Interrupted,
            (false, true) => Ending::Done,
            (false, false) => Ending::NotWhole,
        })
    }

    /// The same file twice would be overwritten while it is read.
    fn check_files(&self) -> anyhow::Result<()> {
        let stream = |path: &&PathBuf| path.as_path() == Path::new("-");
        let written = [&self.output, &self.record, &self.events].into_iter().flatten();
        let mut seen = vec![self.input.canonicalize().unwrap_or_else(|_| self.input.clone())];
        for path in written.filter(|path| !stream(path)) {
            let full = path.canonicalize().unwrap_or_else(|_| path.clone());
            if full.is_file() && seen.contains(&full) {
                bail!("{} is named twice: give each its own file", path.display());
            }
            seen.push(full);
        }
        Ok(())
    }

    fn engines(&self) -> anyhow::Result<Engines> {
        let mut tools = ToolRegistry::new();
        tools.register(ClockTool::new())?;
        Ok(Engines {
            vad: vad::by_name(&self.vad)?,
            transcriber: stt::by_name(&self.stt)?,
            provider: providers::by_name(&self.llm)?,
            synthesizer: tts::by_name(&self.tts)?,
            tools: Arc::new(tools),
        })
    }

    fn config(&self) -> anyhow::Result<SessionConfig> {
        let strategy = match self.barge_in {
            OnBargeIn::Immediate => Strategy::Immediate,
            OnBargeIn::Deferred => Strategy::Deferred,
            OnBargeIn::Ignore => Strategy::Ignore,
        };
        let turn = TurnConfig {
            silence: Duration::from_millis(self.silence),
            barge_in: BargeIn { strategy, ..BargeIn::default() },
            ..TurnConfig::default()
        };
        let name = self.input.file_stem().unwrap_or_default().to_string_lossy();
        let labels = Labels::beside(&self.input)?;
        Ok(SessionConfig {
            id: SessionId::new(name),
            turn,
            record: self.record.clone(),
            speech_ends: labels.map(|labels| labels.speech_ends()).unwrap_or_default(),
            ..SessionConfig::default()
        })
    }

    fn event_log(&self) -> anyhow::Result<Option<EventLog>> {
        let Some(path) = &self.events else { return Ok(None) };
        if path == Path::new("-") {
            return Ok(Some(EventLog::new("the standard output", Box::new(stdout()))));
        }
        let name = path.display().to_string();
        let file = File::create(path).with_context(|| format!("cannot create {name}"))?;
        Ok(Some(EventLog::new(name, Box::new(file))))
    }

    /// Captions give way to events on the standard output.
    fn captions(&self) -> Captions {
        match self.events.as_deref() == Some(Path::new("-")) {
            true => Captions::new(Box::new(stderr())),
            false => Captions::new(Box::new(stdout())),
        }
    }
}

/// Writes events and captions as they come.
struct Watcher {
    events: Subscription,
    log: Option<EventLog>,
    captions: Captions,
    whole: bool,
}

impl Watcher {
    /// Runs until the session is over. Returns whether all events were written.
    async fn run(mut self) -> anyhow::Result<bool> {
        while let Some(event) = self.events.next().await {
            let event = match event {
                Ok(event) => event,
                Err(lost) => {
                    self.fail(&format!("{lost} events came too fast to be written"));
                    continue;
                }
            };
            let logged = self.log.as_mut().map_or(Ok(()), |log| log.write(&event));
            if let Err(error) = logged {
                self.log = None;
                self.fail(&error.to_string());
            }
            self.captions.show(&event)?;
        }
        Ok(self.whole)
    }

    fn fail(&mut self, message: &str) {
        self.whole = false;
        let _unheard = writeln!(stderr(), "banter: {message}");
    }
}

/// Loading a model takes a third of a second; on a slow disk, some more.
const WARM_UP: Duration = Duration::from_secs(30);
