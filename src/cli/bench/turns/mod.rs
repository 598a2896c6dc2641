//! `banter bench turns`.

mod make;
mod tell;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use anyhow::Context as _;
use clap::Args;

use self::make::Make;
use self::tell::{Count, Tell};
use crate::bench::figures;
use crate::bench::turns::Set;
use crate::bench::turns::listen::{Taking, listen_to_all};
use crate::bench::turns::score::{Event, score};
use crate::cli::Ending;
use crate::cli::settings::{SettingFlags, hidden};
use crate::config::{Factory, Settings};
use crate::net::HttpClient;
use crate::turn::Detection;
use crate::types::Secret;

/// Measure how well turns are taken: by the front end, the voice detector and the rules of a
/// conversation, on scenarios of known sound.
///
/// Tells how many turns are missed, cut off or never ended, what noises pass for speech, and
/// whether the agent falls silent for who interrupts it and not for its own echo. Nothing is
/// played, and nothing waits: it takes as long as the computing does. docs/turn-taking.md tells
/// what the figures mean.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli::bench) struct Turns {
    /// The scenarios: a manifest beside its WAV files. By default a few of synthesized voices,
    /// which are built in.
    #[arg(long, value_name = "FILE", conflicts_with = "make")]
    manifest: Option<PathBuf>,
    /// The voice detector, as `banter talk` takes it: earshot by default. May be given again, to
    /// compare.
    #[arg(long = "vad", value_name = "NAME")]
    vads: Vec<String>,
    /// Who says how much silence ends a turn: eager, balanced (default), patient or fixed. May be
    /// given again, to compare.
    #[arg(long = "endpoint", value_name = "HOW")]
    endpoints: Vec<String>,
    /// What hears whether a turn is over: off (default), or smart-turn, a model. May be given again,
    /// to compare.
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// The silence that ends a turn by `--endpoint fixed`, in milliseconds: 800 by default. Without
    /// `--endpoint` it asks for fixed.
    #[arg(long, value_name = "MS")]
    silence: Option<String>,
    /// Write what was decided into this file, a JSON object a line: `scenario`, `t_ms` (the sound
    /// heard by then), `type` (turn_start, turn_end, interrupt). Of several detectors or endpoints each gets
    /// a file with its name in it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    tell: Tell,
    /// Do so many scenarios at a time; by default as many as there are cores.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    // Its heading stands over all that follows.
    #[command(flatten)]
    make: Make,
    /// The file with settings.
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Any setting, as `banter config` names it; may be given again.
    #[arg(short, long, value_name = "KEY=VALUE", value_parser = hidden, help_heading = "Settings")]
    set: Vec<Secret>,
}

impl Turns {
    pub(in crate::cli::bench) fn run(&self) -> anyhow::Result<Ending> {
        // A mistake shows before the work, not after it.
        let engines = self.settings()?;
        for settings in &engines {
            vad(settings)?;
            factory(settings).end_model()?;
        }
        self.tell.prepare()?;
        let jobs = self.jobs.or_else(|| thread::available_parallelism().ok());
        let jobs = jobs.unwrap_or(NonZeroUsize::MIN);
        let set = match (&self.manifest, self.make.folder()) {
            (Some(path), _) => Set::open(path)?,
            (None, Some(folder)) => {
                self.make.make(folder, jobs)?;
                Set::open(folder.join("manifest.json"))?
            }
            (None, None) => Set::built_in()?,
        };
        let mut takings = Vec::new();
        for settings in &engines {
            let (engine, endpoint) = (name(settings), endpoint(settings));
            let events = hear(&set, settings, jobs)?;
            if let Some(path) = &self.out {
                let path = match self.tells_apart(engine, &endpoint) {
                    Some(name) => named(path, &name),
                    None => path.clone(),
                };
                write(&path, &events)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            let score = score(&set.manifest, &events);
            let engine = engine.to_owned();
            takings.push(figures::Taking { engine, endpoint, set: set.describe(), score });
        }
        self.tell.tell(takings)
    }

    /// What tells the file of one apart from those of others.
    fn tells_apart(&self, engine: &str, endpoint: &str) -> Option<String> {
        match (self.vads.len() > 1, self.endpoints.len().max(self.models.len()) > 1) {
            (true, true) => Some(format!("{engine}-{endpoint}")),
            (true, false) => Some(engine.to_owned()),
            (false, true) => Some(endpoint.to_owned()),
            (false, false) => None,
        }
    }

    /// Those of each detector with each endpoint.
    fn settings(&self) -> anyhow::Result<Vec<Settings>> {
        let load = |vad: Option<&str>, endpoint: Option<&str>, model: Option<&str>| {
            let flags = SettingFlags::bare(self.config.clone(), self.set.clone());
            flags.load(&[
                ("--vad", "vad.engine", vad),
                ("--endpoint", "turn.endpoint", endpoint),
                ("--model", "turn.model", model),
                ("--silence", "turn.silence_ms", self.silence.as_deref()),
            ])
        };
        let mut all = Vec::new();
        for vad in given(&self.vads) {
            for endpoint in given(&self.endpoints) {
                for model in given(&self.models) {
                    all.push(load(vad, endpoint, model)?);
                }
            }
        }
        Ok(all)
    }
}

/// What was given; once nothing, if nothing was.
fn given(names: &[String]) -> Vec<Option<&str>> {
    match names.is_empty() {
        true => vec![None],
        false => names.iter().map(|name| Some(name.as_str())).collect(),
    }
}

fn name(settings: &Settings) -> &str {
    settings.text("vad.engine").unwrap_or_default()
}

/// Who says how much silence ends a turn, with the model that is asked.
fn endpoint(settings: &Settings) -> String {
    let endpoint = settings.session().turn.endpoint.name();
    match settings.text("turn.model") {
        None | Some("off") => endpoint.to_owned(),
        Some(model) => format!("{endpoint}+{model}"),
    }
}

fn vad(settings: &Settings) -> anyhow::Result<Box<dyn crate::vad::Vad>> {
    Ok(factory(settings).vad()?)
}

fn factory(settings: &Settings) -> Factory<'_> {
    Factory::new(settings, || Ok(Arc::new(HttpClient::new()?)))
}

/// What is decided in all scenarios.
fn hear(set: &Set, settings: &Settings, jobs: NonZeroUsize) -> anyhow::Result<Vec<Event>> {
    let count = Count::of(name(settings), "heard");
    let mut turn = settings.session().turn;
    // There is no key to press.
    turn.detection = Detection::Voice;
    let end_model = factory(settings).end_model()?;
    let taking = Taking { turn, end_model, ..Taking::default() };
    let progress = |done, all| count.tell(done, all);
    let events = listen_to_all(set, || vad(settings), &taking, jobs, &progress);
    count.done();
    events
}

/// `path` with the detector's name before its ending.
fn named(path: &Path, engine: &str) -> PathBuf {
    let engine: String =
        engine.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{engine}"));
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

fn write(path: &Path, events: &[Event]) -> anyhow::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for event in events {
        serde_json::to_writer(&mut file, event)?;
        writeln!(file)?;
    }
    Ok(file.flush()?)
}

const EXAMPLES: &str = "\
Examples:
  banter bench turns --check
  banter bench turns --make scenarios --speech my-speech --seed 7 --report out
  banter bench turns --make noisy --noise office.wav --snr 15
  banter bench turns --manifest scenarios/manifest.json --out events.jsonl --detail
  banter bench turns --manifest scenarios/manifest.json --vad earshot --vad webrtc --vad energy
  banter bench turns --manifest scenarios/manifest.json --endpoint balanced --endpoint fixed
  banter bench turns --manifest scenarios/manifest.json --model off --model smart-turn";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_detectors_file_has_its_name() {
        let named = |path: &str, engine| named(Path::new(path), engine).display().to_string();
        assert_eq!(named("out/events.jsonl", "webrtc:3"), "out/events.webrtc-3.jsonl");
        assert_eq!(named("events", "energy"), "events.energy");
    }
}
