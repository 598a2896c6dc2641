//! Packs of others, in the folder that `BANTER_PACKS` names.

use std::path::Path;
use std::{env, fs};

use serde_json::Value;

use crate::lacking::lacking;
use crate::pack::{Pack, PackError, SchemaCheck};

#[test]
fn packs_of_others_are_valid_unless_every_schema_refuses_them() {
    let Some(folder) = env::var_os("BANTER_PACKS") else {
        return lacking("packs", "BANTER_PACKS names no folder with packs of others");
    };
    let mut packs = 0;
    judge(Path::new(&folder), &mut packs);
    assert!(packs > 0, "{} has no *.pack.json", Path::new(&folder).display());
}

/// Every `*.pack.json` below `folder`.
fn judge(folder: &Path, packs: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            judge(&path, packs);
        } else if path.to_str().is_some_and(|name| name.ends_with(".pack.json")) {
            *packs += 1;
            let bytes = fs::read(&path).unwrap();
            let faults = faults(&serde_json::from_slice(&bytes).unwrap());
            let (name, loaded) = (path.display(), Pack::load(&bytes, SchemaCheck::Full));
            match (faults.is_empty(), loaded) {
                (true, loaded) => drop(loaded.unwrap_or_else(|error| panic!("{name}: {error}"))),
                (false, Err(PackError::Invalid(problems))) => {
                    for what in &faults {
                        let told = problems.iter().any(|problem| problem.message == *what);
                        assert!(told, "{name}: {what} is not told: {problems:?}");
                    }
                }
                (false, other) => panic!("{name}: {faults:?}, and it is {other:?}"),
            }
        }
    }
}

/// What a pack and its prompts lack of what every schema wants, or have in another form.
fn faults(pack: &Value) -> Vec<String> {
    let must = |object: &Value, keys: &[&str]| {
        let missing = keys.iter().filter(|key| object.get(key).is_none());
        missing.map(|key| format!("lacks `{key}`")).collect::<Vec<_>>()
    };
    let mut faults = must(pack, &["id", "name", "version", "template_engine", "prompts"]);
    for prompt in pack["prompts"].as_object().into_iter().flat_map(|prompts| prompts.values()) {
        faults.extend(must(prompt, &["id", "name", "version", "system_template"]));
        // As a draft of the format had it.
        if prompt["variables"].is_object() {
            faults.push("expected array, found an object".to_owned());
        }
    }
    faults
}
