//! Makes scenarios for turn taking from clips of speech.
//!
//! ```no_run
//! use banter::bench::turns::make::{Recipe, make};
//!
//! # fn main() -> Result<(), banter::bench::turns::make::MakeError> {
//! let made = make(&Recipe::of("speech"), "scenarios".as_ref(), &|_, _| {})?;
//! println!("{} scenarios", made.manifest.scenarios.len());
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! folder of speech ─▶ stock (which clip is for what) ─▶ plan (scenes) ─▶ sound ─▶ WAV, manifest
//! ```
//!
//! Speech stands in the noise of a quiet room (-60 dBFS), at -26, -20 and -32 dBFS in turn. The
//! agent's voice comes back through a made-up room: 60 ms later, with 200 ms of reverberation. The
//! same seed and clips give the same bytes. It understands nothing of what is said, and records
//! nothing.

mod echo;
mod folder;
mod kind;
mod levels;
mod noise;
mod plan;
mod probes;
mod scene;
mod stock;
#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::{fs, io};

pub use kind::{Kind, UnknownKind};

use self::folder::Folder;
use self::noise::{Chance, Loop};
use self::plan::Plan;
use self::scene::{Scene, Under};
use self::stock::Stock;
use super::Progress;
use super::manifest::Manifest;
use super::side_by_side::side_by_side;
use crate::audio::{ResampleError, SampleRate, WavError, WavWriter};

/// How loud speech is against which noise is told, in dBFS.
const SPEECH_LEVEL: f64 = -26.0;

/// What scenarios are made from, and which.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// A folder of speech with a `manifest.json`: a list of `path`, `set`, `transcript`, `labels`.
    pub speech: PathBuf,
    /// What lies under all of it.
    pub noise: Option<Noise>,
    /// Chance begins with it: 1 by default.
    pub seed: u64,
    /// Which kinds: all but [`Kind::Slow`] by default, whose ends wait for what is learned of a
    /// speaker, and would be among the others.
    pub kinds: Vec<Kind>,
    /// At most so many of each kind; by default as many as figures need.
    pub each: Option<NonZeroUsize>,
    /// How many are made at a time: 1 by default.
    pub jobs: NonZeroUsize,
}

/// Noise under all scenarios.
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// A WAV file, which is taken from anywhere in it and over and over.
    pub file: PathBuf,
    /// How far speech of -26 dBFS is above it, in dB.
    pub snr_db: f64,
}

impl Recipe {
    /// All usual kinds, from the speech in a folder, without noise.
    #[must_use]
    pub fn of(speech: impl Into<PathBuf>) -> Self {
        Self {
            speech: speech.into(),
            noise: None,
            seed: 1,
            kinds: Kind::ALL.into_iter().filter(|kind| *kind != Kind::Slow).collect(),
            each: None,
            jobs: NonZeroUsize::MIN,
        }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// As it is in the folder.
    pub manifest: Manifest,
    /// What could not be made, and why, in words.
    pub notes: Vec<String>,
}

/// Why scenarios were not made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// There is no list of clips.
    #[error(
        "cannot read `{}`: {source}; give a folder of speech with --speech or \
         BANTER_SPEECH_DATA: WAV files, and a manifest.json that lists them",
        path.display()
    )]
    NoSpeech {
        /// The list.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The list has another form.
    #[error(
        "`{}` is no list of clips: {source}; each needs a `path`, and a `set` and `transcript` \
         to be used as what a user says",
        path.display()
    )]
    List {
        /// The list.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A clip cannot be used.
    #[error("cannot use a clip: {0}")]
    Clip(#[from] WavError),
    /// A clip's sample rate is none.
    #[error("cannot use `{}`: {source}", path.display())]
    Rate {
        /// The clip.
        path: PathBuf,
        /// Why.
        source: ResampleError,
    },
    /// Too little speech.
    #[error(
        "`{}` has {user} clips to speak for a user and {agents} for an agent, and at least one \
         of each is needed: a user's has a transcript, lasts 0.6 to 9 s and pauses for at most \
         0.3 s; the longest clips are the agent's",
        path.display()
    )]
    TooLittle {
        /// The folder of speech.
        path: PathBuf,
        /// Clips for a user.
        user: usize,
        /// Clips for an agent.
        agents: usize,
    },
    /// The scenarios cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Makes scenarios into `folder`, which is made if need be: WAV files at 16 kHz, and
/// `manifest.json` last. `progress` is told how many of how many are there.
///
/// # Errors
/// If the speech or the noise cannot be read, if there is too little of it, or if a file cannot be
/// written. Files before it are there then, but no new manifest.
pub fn make(recipe: &Recipe, folder: &Path, progress: Progress<'_>) -> Result<Made, MakeError> {
    let stock = Stock::read(&Folder::open(&recipe.speech)?, &mut recipe.chance("clips"))?;
    let (user, agents) = (stock.user.len(), stock.agents.len());
    if user == 0 || agents == 0 {
        return Err(MakeError::TooLittle { path: recipe.speech.clone(), user, agents });
    }
    let under = recipe.under()?;
    let (scenes, notes) = recipe.plan(&stock);
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let one = |index: usize| {
        let scene: &Scene = &scenes[index];
        write(scene, &under, &mut recipe.chance(&scene.record.id), folder)
    };
    side_by_side(scenes.len(), recipe.jobs, one, progress)?;
    let manifest = Manifest {
        noise: recipe.noise.as_ref().map(Noise::name),
        snr: recipe.noise.as_ref().map(|noise| noise.snr_db),
        scenarios: scenes.into_iter().map(|scene| scene.record).collect(),
    };
    let path = folder.join("manifest.json");
    let written = serde_json::to_string_pretty(&manifest).map_err(io::Error::from);
    written.and_then(|text| fs::write(&path, text + "\n")).map_err(|error| failed(&path, error))?;
    Ok(Made { manifest, notes })
}

impl Recipe {
    fn chance(&self, name: &str) -> Chance {
        Chance::new(self.seed, name)
    }

    fn under(&self) -> Result<Under, MakeError> {
        let noise = match &self.noise {
            Some(noise) => {
                Some((Loop::of(&folder::sound(&noise.file)?), SPEECH_LEVEL - noise.snr_db))
            }
            None => None,
        };
        Ok(Under { floor: Loop::pink(&mut self.chance("floor")), noise })
    }

    /// The scenes, and why there are not as many as there could be.
    fn plan(&self, stock: &Stock) -> (Vec<Scene>, Vec<String>) {
        let mut plan = Plan::new(stock, self.chance("plan"));
        let (mut scenes, mut notes) = (Vec::new(), Vec::new());
        for kind in Kind::ALL.into_iter().filter(|kind| self.kinds.contains(kind)) {
            let wanted = self.each.map_or(kind.count(), |most| kind.count().min(most.get()));
            let found: Vec<_> = (0..wanted).map_while(|number| plan.scene(kind, number)).collect();
            if found.len() < wanted {
                let found = found.len();
                notes.push(format!("{found} of {wanted} {kind}: the folder has no clips for more"));
            }
            scenes.extend(found);
        }
        let named = scenes.into_iter().enumerate().map(|(index, scene)| scene.named(index));
        (named.collect(), notes)
    }
}

impl Noise {
    fn name(&self) -> String {
        let name = self.file.file_stem().unwrap_or(self.file.as_os_str());
        name.to_string_lossy().into_owned()
    }
}

fn write(
    scene: &Scene,
    under: &Under,
    chance: &mut Chance,
    folder: &Path,
) -> Result<(), MakeError> {
    let sound = scene.sound(under, chance);
    let agent = scene.record.agent.iter().zip(&sound.agent);
    for (name, samples) in [(&scene.record.mic, &sound.mic)].into_iter().chain(agent) {
        let path = folder.join(name);
        let mut wav = WavWriter::create(&path, SampleRate::SPEECH, 1)?;
        wav.write(samples)?;
        wav.finish()?;
    }
    Ok(())
}

fn failed(path: &Path, source: io::Error) -> MakeError {
    MakeError::Write { path: path.to_owned(), source }
}
