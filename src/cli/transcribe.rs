//! `banter transcribe`.

use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::Ending;
use super::settings::{SettingFlags, hidden};
use super::turns::{Scored, for_each_file};
use crate::audio::{AudioChunk, Resampler};
use crate::bench::scenario::Stretch;
use crate::config::Factory;
use crate::net::HttpClient;
use crate::stt::{self, SttEvent, SttInput, Transcriber};
use crate::time::{SessionTime, Work};
use crate::types::Secret;

/// Write down what is said in WAV files.
///
/// Speech is cut into turns first; each line has the start and the end of a turn in seconds,
/// and its words.
#[derive(Debug, Args)]
pub(super) struct Transcribe {
    /// WAV files of any rate and width.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write JSON, one object a line, with times in milliseconds.
    #[arg(long)]
    json: bool,
    /// The speech recogniser: pocketsphinx.
    #[arg(long, value_name = "NAME", default_value = "pocketsphinx")]
    stt: String,
    /// The voice detector: earshot (default), silero, webrtc, webrtc:0 to webrtc:3, energy; or two
    /// that must agree, as earshot+webrtc.
    #[arg(long, value_name = "NAME")]
    vad: Option<String>,
    /// The file with settings: ./banter.toml by default, else ~/.config/banter/banter.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any setting, as `banter config` names it; may be given again.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = hidden)]
    set: Vec<Secret>,
}

impl Transcribe {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let transcriber = stt::by_name(&self.stt)?;
        let settings = SettingFlags::bare(self.config.clone(), self.set.clone());
        let settings = settings.load(&[("--vad", "vad.engine", self.vad.as_deref())])?;
        let factory = Factory::new(&settings, || Ok(Arc::new(HttpClient::new()?)));
        for_each_file(&self.files, |file| {
            let scored = Scored::read(file, factory.vad()?)?;
            runtime.block_on(self.transcribe(file, &scored, &transcriber))
        })
    }

    async fn transcribe(
        &self,
        file: &Path,
        scored: &Scored,
        transcriber: &Arc<dyn Transcriber>,
    ) -> anyhow::Result<()> {
        let name = file.display().to_string();
        for turn in scored.turns() {
            let text = words(scored, turn, transcriber.as_ref())
                .await
                .with_context(|| format!("cannot transcribe {name}"))?;
            let (start, end) = (turn.start.as_millis(), turn.end.as_millis());
            let mut output = stdout().lock();
            if self.json {
                let line = json!({ "file": name, "start_ms": start, "end_ms": end, "text": text });
                writeln!(output, "{line}")?;
            } else {
                writeln!(output, "{name}  {:.2}  {:.2}  {text}", start / 1e3, end / 1e3)?;
            }
        }
        Ok(())
    }
}

async fn words(
    scored: &Scored,
    turn: Stretch,
    transcriber: &dyn Transcriber,
) -> anyhow::Result<String> {
    let index = |at: SessionTime| scored.rate.samples(at.since(SessionTime::ZERO)) as usize;
    let start = index(turn.start - MARGIN);
    let end = index(turn.end + MARGIN).min(scored.samples.len());
    let mut resampler = Resampler::new(scored.rate, transcriber.rate())?;
    let mut samples = Vec::new();
    resampler.process(&scored.samples[start.min(end)..end], &mut samples);
    resampler.flush(&mut samples);

    let mut utterance = transcriber.open()?;
    let chunk = transcriber.rate().samples(CHUNK).max(1) as usize;
    let feed = samples.chunks(chunk).map(|chunk| AudioChunk::new(chunk, transcriber.rate()));
    for input in feed.map(SttInput::Audio).chain([SttInput::End]) {
        utterance.send(input, Work::default()).await;
    }
    while let Some(event) = utterance.next().await {
        if let SttEvent::Final(text) = event? {
            return Ok(text);
        }
    }
    anyhow::bail!("the recogniser {} ended without a result", transcriber.name())
}

/// Sound before and after a turn that the recogniser also gets.
const MARGIN: Duration = Duration::from_millis(300);

/// Sound is handed over in pieces of this length.
const CHUNK: Duration = Duration::from_millis(100);
