//! Enforces the layers of ARCHITECTURE.md: imports point down only, and the cores stay pure.

use std::path::Path;
use std::{fs, io};

/// Layers from the ground up. A module may import from its own row and from lower ones.
const LAYERS: &[&[&str]] = &[
    &["time", "ids", "error", "types", "audio"],
    &["turn", "vad", "dsp", "text", "pack", "context", "media", "validators"],
    &["providers", "stt", "tts", "duplex", "tools", "state", "events", "hooks", "models", "net"],
    &["pipeline", "device"],
    &["stages"],
    &["session", "config"],
    &["bench", "sim", "evals"],
    &["cli", "server"],
];

/// Rows up to this one are told what happened and what time it is. They reach for nothing.
const LAST_PURE_ROW: usize = 1;
/// What a core must not name: the root of a path, and what follows it (anything, if empty).
const IMPURE: &[(&str, &[&str])] = &[
    ("tokio", &[]),
    ("reqwest", &[]),
    ("cpal", &[]),
    ("tungstenite", &[]),
    ("tokio_tungstenite", &[]),
    ("std", &["net", "process", "fs", "thread"]),
    ("Instant", &["now"]),
    ("SystemTime", &["now"]),
];
/// The vocabulary that meets the world: it alone reads a clock, it alone opens a sound file.
const EXCUSED: &[(&str, &[&str])] =
    &[("time/", &["tokio", "Instant", "SystemTime"]), ("audio/wav", &["std"])];
/// In these modules the files `wire.rs` and `codec.rs` are cores.
const WITH_CODECS: &[&str] = &["providers", "stt", "tts", "duplex"];
/// In lines, without tests.
const LONGEST_FILE: usize = 600;

#[test]
fn imports_point_down_and_cores_are_pure() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut files).unwrap();
    assert!(files.len() > 10, "too few files to be the whole crate: {}", files.len());

    let wrong: Vec<_> = files.iter().flat_map(|(file, text)| violations(file, text)).collect();

    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Adds every Rust file below `folder` with its text, named by its path from `src/`.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, name) = (entry.path(), format!("{prefix}{}", entry.file_name().display()));
        if path.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else if name.ends_with(".rs") {
            files.push((name, fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

/// What is wrong with the file. The crate's roots, and tests, may import what they like.
fn violations(file: &str, text: &str) -> Vec<String> {
    let mut path: Vec<_> = file.trim_end_matches(".rs").split('/').collect();
    if ["lib.rs", "main.rs"].contains(&file) || path.contains(&"tests") {
        return Vec::new();
    }
    let (module, leaf) = (path[0], path[path.len() - 1]);
    let Some(mut row) = row_of(module) else {
        return vec![format!(
            "src/{file}: `{module}` stands in no layer: give it a row in {}",
            file!()
        )];
    };
    if WITH_CODECS.contains(&module) && ["wire", "codec"].contains(&leaf) {
        row = LAST_PURE_ROW;
    }
    if leaf == "mod" {
        path.pop();
    }
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    // From a file this deep, so many `super` lead to the crate as well.
    let code = without_comments(text).replace(&"super::".repeat(path.len()), "crate::");

    let above = |other: &&str| *other != module && row_of(other).is_some_and(|theirs| theirs > row);
    let mut wrong: Vec<_> = names(&code, "crate")
        .into_iter()
        .filter(above)
        .map(|other| format!("crate::{other}"))
        .collect();
    let excused =
        |root| EXCUSED.iter().any(|(at, roots)| file.starts_with(at) && roots.contains(root));
    for (root, leaves) in IMPURE.iter().filter(|(root, _)| row <= LAST_PURE_ROW && !excused(root)) {
        let impure = |name: &&str| leaves.is_empty() || leaves.contains(name);
        let found = names(&code, root).into_iter().filter(impure);
        wrong.extend(found.map(|name| format!("{root}::{name}")));
    }
    let too_long = text.lines().count() > LONGEST_FILE;
    let too_long =
        too_long.then(|| format!("src/{file}: over {LONGEST_FILE} lines: look for a seam"));
    let must_not = |name| format!("src/{file}: in row {row}, so it must not know `{name}`");
    wrong.into_iter().map(must_not).chain(too_long).collect()
}

fn row_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or(line).to_owned() + "\n").collect()
}

/// The names that follow `root::` in `code`: one, or those of a group's items.
fn names<'a>(code: &'a str, root: &str) -> Vec<&'a str> {
    let in_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, path) in code.match_indices(&format!("{root}::")) {
        if code[..at].ends_with(in_name) {
            continue; // the end of a longer name
        }
        let rest = &code[at + path.len()..];
        let (items, mut depth) = (i32::from(rest.starts_with('{')), 0);
        for piece in rest.split_inclusive(['{', '}', ',']) {
            if depth == items {
                names.extend(piece.trim_start().split(|c| !in_name(c)).next());
            }
            depth += i32::from(piece.ends_with('{')) - i32::from(piece.ends_with('}'));
            if items == 0 || depth == 0 {
                break;
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

#[test]
fn names_are_found_in_paths_and_groups() {
    assert_eq!(names("fn f(x: crate::turn::Id) -> crate::vad::P {", "crate"), ["turn", "vad"]);
    assert_eq!(names("use std::{\n io::{self, fs},\n thread,\n}; net", "std"), ["io", "thread"]);
    assert_eq!(names("use my_crate::turn;", "crate"), [""; 0]);
}

#[test]
fn the_check_can_fail() {
    let reaches_out =
        "use std::{fs, io};\nlet now = std::time::Instant::now();\ntokio::spawn(f);\n";
    let long = "\n".repeat(LONGEST_FILE + 1);
    for (file, text, wrong) in [
        ("stages/stt.rs", "use crate::pipeline::Edge;", 0),
        ("providers/openai/client.rs", "use crate::pipeline::Edge;", 1),
        ("turn/machine.rs", "use crate::{time, session::Handle};", 1),
        ("tts/mod.rs", "use super::pipeline::Edge;", 1),
        ("tts/flite.rs", "use super::pipeline; use super::super::stages;", 1),
        ("stt/codec.rs", "use crate::stt::Partial; use crate::tts::Voice;", 1),
        ("turn/machine.rs", reaches_out, 3),
        ("stt/codec.rs", reaches_out, 3),
        ("stt/client.rs", reaches_out, 0),
        ("time/clock.rs", reaches_out, 1),
        ("audio/wav.rs", reaches_out, 2),
        (
            "turn/machine.rs",
            "//! See crate::session.\n#[cfg(test)]\nmod tests {\ntokio::spawn(f)",
            0,
        ),
        ("turn/tests.rs", reaches_out, 0),
        ("turn/machine.rs", &long, 1),
        ("odds/ends.rs", "", 1),
    ] {
        let found = violations(file, text);
        assert_eq!(found.len(), wrong, "{file}, {text:?}: {found:?}");
    }
}
