//! Labels beside a WAV file: where speech truly begins and ends.

use std::path::Path;

use serde::Deserialize;

use super::built_in;

/// The labels of a file, in order.
#[derive(Debug)]
pub(super) struct Labels(Vec<Label>);

/// A turn of it.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Label {
    pub(super) start_ms: Option<f64>,
    pub(super) end_ms: f64,
    pub(super) text: Option<String>,
}

/// `NAME.json` labels the turns of `NAME.wav`; `FOLDER.json` labels the files in `FOLDER`, which
/// have one turn each.
#[derive(Deserialize)]
struct Form {
    #[serde(default)]
    turns: Vec<Label>,
    #[serde(default)]
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Sentence {
    file: String,
    #[serde(flatten)]
    label: Label,
}

impl Labels {
    /// The labels of the file at `path`, if there are some.
    pub(super) fn beside(path: &Path) -> Result<Option<Self>, String> {
        let own = path.with_extension("json");
        if own != path && own.is_file() {
            return read(&own).map(|form| Some(Self(form.turns)));
        }
        let Some(folder) = path.parent().filter(|folder| folder.file_name().is_some()) else {
            return Ok(None);
        };
        let common = folder.with_extension("json");
        if !common.is_file() {
            return Ok(None);
        }
        let names = [folder.file_name(), path.file_name()]
            .map(|name| name.map(|name| name.to_string_lossy()));
        let [Some(folder), Some(file)] = names else { return Ok(None) };
        Ok(of_sentence(read(&common)?, &format!("{folder}/{file}")))
    }

    /// The labels of the built-in file `name`.
    pub(super) fn built_in(name: &str) -> Result<Option<Self>, String> {
        let stem = name.trim_end_matches(".wav");
        if let Some(text) = built_in::asset(&format!("{stem}.json")) {
            return parse(name, text).map(|form| Some(Self(form.turns)));
        }
        let common = name.split_once('/').map(|(folder, _)| format!("{folder}.json"));
        match common.and_then(|common| built_in::asset(&common)) {
            Some(text) => Ok(of_sentence(parse(name, text)?, name)),
            None => Ok(None),
        }
    }

    /// The label of this number, from 1; the only one without a number.
    pub(super) fn get(&self, number: Option<usize>) -> Result<&Label, String> {
        let there = self.0.len();
        let index = match number {
            Some(number) => number.checked_sub(1),
            None if there == 1 => Some(0),
            None => return Err(format!("has {there} labelled turns: choose one, as in label = 1")),
        };
        let label = index.and_then(|index| self.0.get(index));
        label.ok_or_else(|| format!("has labels 1 to {there} only"))
    }

    pub(super) fn all(self) -> Vec<Label> {
        self.0
    }
}

fn of_sentence(form: Form, name: &str) -> Option<Labels> {
    let found = form.sentences.into_iter().find(|sentence| sentence.file == name)?;
    Some(Labels(vec![found.label]))
}

fn read(path: &Path) -> Result<Form, String> {
    let name = path.display().to_string();
    let text = std::fs::read(path).map_err(|error| format!("cannot read {name}: {error}"))?;
    parse(&name, &text)
}

fn parse(name: &str, text: &[u8]) -> Result<Form, String> {
    serde_json::from_slice(text).map_err(|error| {
        format!("{name} has no labels that can be read ({error}); expected {EXPECTED}")
    })
}

const EXPECTED: &str = r#"{"turns": [{"start_ms": …, "end_ms": …, "text": …}]}"#;
