//! `banter models`.

mod pull;

use std::io::{Write, stdout};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::Ending;
use crate::models::{Build, Folder, Manifest, Model, Presence};

/// List, fetch and check models that do not come with the program.
#[derive(Debug, Args)]
pub(super) struct Models {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    List(List),
    Pull(pull::Pull),
    Verify(Verify),
}

/// List the models: what they are for, and whether they are there.
#[derive(Debug, Args)]
struct List {
    /// Write each as a JSON object on a line.
    #[arg(long)]
    json: bool,
}

/// Check the models that are there, byte by byte.
#[derive(Debug, Args)]
struct Verify {
    /// These models, which must be there; all that are there by default.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Models {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        let manifest = Manifest::built_in()?;
        let folder = Folder::usual().context(
            "neither BANTER_MODELS nor XDG_DATA_HOME nor HOME is set; set BANTER_MODELS",
        )?;
        match self.action {
            Action::List(list) => list.run(&manifest, &folder),
            Action::Pull(pull) => pull.run(&manifest, folder),
            Action::Verify(verify) => verify.run(&manifest, &folder),
        }
    }
}

impl List {
    fn run(&self, manifest: &Manifest, folder: &Folder) -> anyhow::Result<Ending> {
        let mut output = stdout().lock();
        for model in &manifest.models {
            let build = model.build();
            let presence = build.as_ref().ok().map(|build| folder.presence(build));
            let state = presence.as_ref().map_or("not for this platform", state);
            if self.json {
                let build = build.ok();
                let line = json!({
                    "name": model.name,
                    "version": model.version,
                    "licence": model.licence,
                    "purpose": model.purpose,
                    "source": model.source,
                    "state": state,
                    "size": build.map(|it| it.size),
                    "download": build.map(|it| it.archive.size),
                    "path": build.map(|it| folder.file(it)),
                });
                writeln!(output, "{line}")?;
                continue;
            }
            let size = build.map_or_else(|_| "-".to_owned(), |it| megabytes(it.size));
            let Model { name, version, licence, purpose, .. } = model;
            writeln!(output, "{name:<12} {version:<7} {size:>8}  {licence}  {state:<9} {purpose}")?;
        }
        if !self.json {
            writeln!(output, "\nin {}", folder.path().display())?;
        }
        Ok(Ending::Done)
    }
}

impl Verify {
    fn run(&self, manifest: &Manifest, folder: &Folder) -> anyhow::Result<Ending> {
        let mut ending = Ending::Done;
        for (model, build) in chosen(manifest, &self.names)? {
            let presence = folder.presence(build);
            let named = !self.names.is_empty();
            let told = match &presence {
                Presence::Broken(why) => {
                    format!("broken: {why}; fetch it with `banter models pull {}`", model.name)
                }
                Presence::Whole => format!("there: {}", folder.file(build).display()),
                missing => state(missing).to_owned(),
            };
            writeln!(stdout(), "{} {}  {told}", model.name, model.version)?;
            if matches!(presence, Presence::Broken(_)) || named && presence != Presence::Whole {
                ending = Ending::Failed;
            }
        }
        Ok(ending)
    }
}

/// The models of these names, else all for this platform.
fn chosen<'a>(
    manifest: &'a Manifest,
    names: &[String],
) -> anyhow::Result<Vec<(&'a Model, &'a Build)>> {
    if names.is_empty() {
        let all = manifest.models.iter().filter_map(|model| Some((model, model.build().ok()?)));
        return Ok(all.collect());
    }
    let named = |name: &String| {
        let model = manifest.model(name)?;
        Ok((model, model.build()?))
    };
    names.iter().map(named).collect()
}

fn state(presence: &Presence) -> &'static str {
    match presence {
        Presence::Whole => "there",
        Presence::Missing => "missing",
        Presence::Begun(_) => "begun",
        Presence::Broken(_) => "broken",
    }
}

/// As in `11.3 MB`.
fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}
