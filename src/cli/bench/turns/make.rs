//! `banter bench turns --make`.

use std::io::{Write, stderr};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::tell::Count;
use crate::bench::turns::make::{Kind, Noise, Recipe, UnknownKind, make};

/// How scenarios are made.
#[derive(Debug, Args)]
#[command(next_help_heading = "Make scenarios")]
pub(super) struct Make {
    /// Make scenarios into this folder from clips of speech, and measure by them.
    #[arg(long, value_name = "DIR")]
    make: Option<PathBuf>,
    /// A folder of speech: WAV files, and a manifest.json that lists them. By default the folder
    /// that BANTER_SPEECH_DATA names.
    #[arg(long, value_name = "FOLDER", requires = "make")]
    speech: Option<PathBuf>,
    /// Noise that lies under all of it: any WAV file.
    #[arg(long, value_name = "FILE", requires = "make")]
    noise: Option<PathBuf>,
    /// How far speech is above the noise, in dB: 15 by default.
    #[arg(long, value_name = "DB", requires = "noise", allow_negative_numbers = true, value_parser = decibels)]
    snr: Option<f64>,
    /// Chance begins with it: 1 by default. The same seed and speech give the same bytes.
    #[arg(long, value_name = "N", requires = "make")]
    seed: Option<u64>,
    /// Only this kind of scenario, as in simple, hesitate600, barge-20; may be given again.
    #[arg(long, value_name = "KIND", requires = "make", value_parser = kind)]
    kind: Vec<Kind>,
    /// At most so many scenarios of each kind.
    #[arg(long, value_name = "N", requires = "make")]
    each: Option<NonZeroUsize>,
}

/// The variable that names a folder of speech.
const SPEECH: &str = "BANTER_SPEECH_DATA";
/// In dB.
const SNR: f64 = 15.0;

impl Make {
    /// Where to, if scenarios are to be made.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.make.as_deref()
    }

    pub(super) fn make(&self, folder: &Path, jobs: NonZeroUsize) -> anyhow::Result<()> {
        let variable = || std::env::var_os(SPEECH).filter(|path| !path.is_empty());
        let Some(speech) = self.speech.clone().or_else(|| variable().map(PathBuf::from)) else {
            bail!(
                "scenarios are made from clips of speech: name their folder with --speech or {SPEECH}"
            );
        };
        let mut recipe = Recipe { each: self.each, jobs, ..Recipe::of(speech) };
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        if !self.kind.is_empty() {
            recipe.kinds.clone_from(&self.kind);
        }
        let snr_db = self.snr.unwrap_or(SNR);
        recipe.noise = self.noise.clone().map(|file| Noise { file, snr_db });
        let count = Count::of("scenarios", "made");
        let made = make(&recipe, folder, &|done, all| count.tell(done, all));
        count.done();
        for note in made?.notes {
            writeln!(stderr(), "{note}")?;
        }
        Ok(())
    }
}

fn kind(name: &str) -> Result<Kind, UnknownKind> {
    name.parse()
}

fn decibels(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(db) if (-40.0..=80.0).contains(&db) => Ok(db),
        _ => Err("it is a number of dB, from -40 to 80".to_owned()),
    }
}
