//! `banter vad`.

use std::io::{BufWriter, Write, stdout};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Ending;
use super::turns::{Scored, for_each_file};
use crate::vad;

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
    /// The voice detector: earshot, webrtc, webrtc:0 to webrtc:3, energy.
    #[arg(long, value_name = "NAME", default_value = "earshot")]
    vad: String,
}

impl VadCommand {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        for_each_file(&self.files, |file| {
            let scored = Scored::read(file, vad::by_name(&self.vad)?)?;
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
