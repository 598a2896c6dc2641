mod files;
mod given;
#[cfg(feature = "minijinja")]
mod jinja;
mod rendering;
mod values;

use std::path::{Path, PathBuf};

use super::*;

/// A file of `tests/packs/`.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packs").join(name)
}

fn load(name: &str) -> Result<Loaded, PackError> {
    Pack::load(&std::fs::read(file(name)).unwrap(), SchemaCheck::Full)
}

/// A pack with one prompt, `guide`, that has these fields beside what it must have.
fn with_prompt(fields: &str) -> Pack {
    let text = format!(r#"{{"prompts": {{"guide": {{"system_template": "x", {fields}}}}}}}"#);
    Pack::load(text.as_bytes(), SchemaCheck::Skipped).unwrap().pack
}

fn values<const N: usize>(pairs: [(&str, serde_json::Value); N]) -> Values {
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}
