//! Finds the turns in a file, for the commands that look at files.

use std::io::{Write, stderr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::{Ending, is_broken_pipe};
use crate::audio::{Resampler, SampleRate, WavReader};
use crate::bench::scenario::{Stretch, stretches};
use crate::turn::Detector;
use crate::vad::{Detected, Framer, Vad};

/// A file's sound at a detector's rate, with its verdict on each frame.
pub(super) struct Scored {
    pub(super) samples: Vec<i16>,
    pub(super) rate: SampleRate,
    pub(super) frame: Duration,
    pub(super) frames: Vec<Detected>,
    detector: Detector,
}

impl Scored {
    /// Reads `path` and scores it.
    pub(super) fn read(path: &Path, vad: Box<dyn Vad>) -> anyhow::Result<Self> {
        let rate = vad.rate();
        let samples = read_at(path, rate)?;
        let detector = Detector::of(&*vad);
        let frame = rate.duration(vad.frame_len() as u64);
        let mut frames = Vec::new();
        Framer::new(vad).push(&samples, |detected| frames.push(detected));
        Ok(Self { samples, rate, frame, frames, detector })
    }

    /// The turns in it, as a session would take them.
    pub(super) fn turns(&self) -> Vec<Stretch> {
        stretches(&self.frames, (self.rate, self.frame), self.detector)
    }
}

/// Does `each` for every file. One that fails is reported, and does not keep the others from
/// being done.
pub(super) fn for_each_file(
    files: &[PathBuf],
    mut each: impl FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<Ending> {
    let mut failed = 0;
    for file in files {
        match each(file) {
            Ok(()) => {}
            Err(error) if is_broken_pipe(&error) || files.len() == 1 => return Err(error),
            Err(error) => {
                failed += 1;
                writeln!(stderr(), "banter: {error:#}")?;
            }
        }
    }
    match failed {
        0 => Ok(Ending::Done),
        _ => bail!("{failed} of {} files failed", files.len()),
    }
}

/// The sound of a file at `rate`.
pub(super) fn read_at(path: &Path, rate: SampleRate) -> anyhow::Result<Vec<i16>> {
    let mut reader = WavReader::open(path)?;
    let audio = reader.read_all()?;
    let mut resampler = Resampler::new(audio.rate(), rate)
        .with_context(|| format!("cannot use {}", path.display()))?;
    let mut samples = Vec::with_capacity(audio.samples().len());
    resampler.process(audio.samples(), &mut samples);
    resampler.flush(&mut samples);
    Ok(samples)
}
