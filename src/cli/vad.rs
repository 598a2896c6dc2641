//! `banter vad`.

use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::Ending;
use super::settings::{SettingFlags, hidden};
use super::turns::{Scored, for_each_file};
use crate::config::Factory;
use crate::net::HttpClient;
use crate::types::Secret;

/// Show where speech is in WAV files: the turns that a conversation would take.
///
/// Each line has the file, the start and the end of a turn in seconds.
#[derive(Debug, Args)]
pub(super) struct VadCommand {
    /// WAV files of any rate and width.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write JSON, one object a line, with times in milliseconds.
    #[arg(long)]
    json: bool,
    /// Also write the probability of speech of every frame.
    #[arg(long)]
    scores: bool,
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

impl VadCommand {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let settings = SettingFlags::bare(self.config.clone(), self.set.clone());
        let settings = settings.load(&[("--vad", "vad.engine", self.vad.as_deref())])?;
        let factory = Factory::new(&settings, || Ok(Arc::new(HttpClient::new()?)));
        for_each_file(&self.files, |file| {
            let scored = Scored::read(file, factory.vad()?)?;
            let mut output = BufWriter::new(stdout().lock());
            self.write(file, &scored, &mut output)?;
            Ok(output.flush()?)
        })
    }

    fn write(&self, file: &Path, scored: &Scored, output: &mut impl Write) -> anyhow::Result<()> {
        let name = file.display().to_string();
        for turn in scored.turns() {
            let (start, end) = (turn.start.as_millis(), turn.end.as_millis());
            if self.json {
                let line = json!({ "file": name, "start_ms": start, "end_ms": end });
                writeln!(output, "{line}")?;
            } else {
                writeln!(output, "{name}  {:.2}  {:.2}", start / 1e3, end / 1e3)?;
            }
        }
        for frame in scored.frames.iter().filter(|_| self.scores) {
            let end = scored.rate.duration(frame.end).as_secs_f64();
            if self.json {
                let score = frame.probability;
                writeln!(output, "{}", json!({ "file": name, "t_ms": end * 1e3, "score": score }))?;
            } else {
                writeln!(output, "{name}  {end:.3}  {:.3}", frame.probability)?;
            }
        }
        Ok(())
    }
}
