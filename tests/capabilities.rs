//! Holds `docs/providers.md` to its word: each cell of the tables that say what a provider can names
//! a test that shows it, and each test that is named is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const DOC: &str = include_str!("../docs/providers.md");
/// Where it stands what each can, and which test shows it.
const CLAIMS: &str = "## What each can\n";
const PROOFS: &str = "## Which test shows it\n";
/// Of these nothing is to be shown.
const ABSENT: [&str; 2] = ["not offered by the vendor", "not done"];

#[test]
fn each_cell_names_a_test_that_is_there() {
    let count = cells(section(DOC, CLAIMS)).len();
    assert!(count > 100, "too few cells to be the whole tables: {count}");

    let wrong = wrong(DOC, &source);

    assert!(wrong.is_empty(), "docs/providers.md:\n{}", wrong.join("\n"));
}

/// A cell: the row's name, and the provider.
type Cell = (String, String);

/// What is not as the tables say. `source` has the text of a file.
fn wrong(doc: &str, source: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let cells = cells(section(doc, CLAIMS));
    let (mut shown, mut wrong) = (BTreeSet::new(), Vec::new());
    for proof in proofs(section(doc, PROOFS)) {
        for cell in proof.of {
            if !cells.contains_key(&cell) {
                wrong.push(format!("no table says what `{}` can as to: {}", cell.1, cell.0));
            }
            if !proof.tests.is_empty() {
                shown.insert(cell);
            }
        }
        for (file, test) in proof.tests {
            match source(&file) {
                None => wrong.push(format!("there is no file {file}")),
                Some(text) if !has_test(&text, &test) => {
                    wrong.push(format!("{file} has no test {test}"));
                }
                Some(_) => {}
            }
        }
    }
    let claims = cells.iter().filter(|(_, said)| !ABSENT.iter().any(|one| said.starts_with(one)));
    let bare = claims.filter(|(cell, _)| !shown.contains(*cell));
    wrong.extend(bare.map(|((what, of), _)| format!("no test is named of `{of}` for: {what}")));
    wrong
}

/// What follows the heading, up to the next one.
fn section<'a>(doc: &'a str, heading: &str) -> &'a str {
    let rest = doc.split_once(heading).map_or("", |(_, rest)| rest);
    rest.split("\n## ").next().unwrap_or(rest)
}

/// What the tables say. Their heads have an empty cell, and the providers.
fn cells(text: &str) -> BTreeMap<Cell, String> {
    let (mut providers, mut cells) = (Vec::new(), BTreeMap::new());
    for row in rows(text) {
        match row.split_first() {
            Some((&"", rest)) => {
                providers = rest.iter().flat_map(|head| codes(head)).collect();
            }
            Some((what, rest)) => {
                let said = providers.iter().zip(rest);
                let cell = |of: &String| ((*what).to_owned(), of.clone());
                cells.extend(said.map(|(of, said)| (cell(of), (*said).to_owned())));
            }
            None => {}
        }
    }
    cells
}

/// A line of the table of tests.
struct Proof {
    of: Vec<Cell>,
    /// The file, and the test's name.
    tests: Vec<(String, String)>,
}

/// An empty first cell says the same as the one above it. A file stands before the tests in it.
fn proofs(text: &str) -> Vec<Proof> {
    let (mut above, mut proofs) = ("", Vec::new());
    for row in rows(text) {
        let [what, of, tests] = row[..] else { continue };
        if of == "of" {
            continue;
        }
        above = if what.is_empty() { above } else { what };
        let of = codes(of).into_iter().map(|provider| (above.to_owned(), provider)).collect();
        let (mut file, mut named) = (String::new(), Vec::new());
        for code in codes(tests) {
            match code.ends_with(".rs") {
                true => file = code,
                false => named.push((file.clone(), code)),
            }
        }
        proofs.push(Proof { of, tests: named });
    }
    proofs
}

/// The cells of all tables' rows but those that are a rule.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let lines = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    let rows = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    rows.filter(|row| !row.iter().all(|cell| cell.starts_with("---"))).collect()
}

/// What stands between backticks.
fn codes(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Files are named from `src/providers/` on, unless they are elsewhere.
fn source(file: &str) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let elsewhere = ["src/", "tests/"].iter().any(|folder| file.starts_with(folder));
    let folder = if elsewhere { root.to_owned() } else { root.join("src/providers") };
    fs::read_to_string(folder.join(file)).ok()
}

fn has_test(source: &str, name: &str) -> bool {
    let lines: Vec<_> = source.lines().map(str::trim).collect();
    let is_it = |line: &&str| {
        let rest = line.trim_start_matches("async ").strip_prefix("fn ");
        rest.and_then(|rest| rest.strip_prefix(name)).is_some_and(|rest| rest.starts_with('('))
    };
    let before = lines.iter().position(is_it).map(|at| &lines[..at]);
    let mut marks = before
        .unwrap_or_default()
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#[") || line.starts_with("///"));
    marks.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn the_check_can_fail() {
    let doc = |proof: &str| {
        format!(
            "{CLAIMS}\n| | `one` | `other` |\n|---|---|---|\n| text | yes | not done |\n\
             | images | yes | yes |\n\n{PROOFS}\n| what | of | shown by |\n|---|---|---|\n\
             | text | `one` | `a.rs`: `it_says` |\n{proof}\n## Later\n| images | `one` | |\n"
        )
    };
    let source = |file: &str| {
        let text = "#[test]\nfn it_says() {}\n\n/// All.\n#[tokio::test]\nasync fn it_shows() {}\n\n\
                    fn it_helps() {}\n";
        (file == "a.rs").then(|| text.to_owned())
    };
    let both = "| images | `one`, `other` | `a.rs`: `it_says`, `it_shows` |";
    assert_eq!(wrong(&doc(both), &source), [""; 0]);
    for (proof, found) in [
        ("| images | `one` | `a.rs`: `it_shows` |", "no test is named of `other` for: images"),
        ("| images | `one`, `other` | `a.rs` |", "no test is named of `one` for: images"),
        (&both.replace("it_shows", "it_show"), "a.rs has no test it_show"),
        (&both.replace("it_shows", "it_helps"), "a.rs has no test it_helps"),
        (&both.replace("a.rs", "b.rs"), "there is no file b.rs"),
        (
            &format!("{both}\n| | `third` | `a.rs`: `it_says` |"),
            "no table says what `third` can as to: images",
        ),
        (
            &format!("{both}\n| sound | `one` | `a.rs`: `it_says` |"),
            "no table says what `one` can as to: sound",
        ),
    ] {
        let told = wrong(&doc(proof), &source);
        assert!(told.iter().any(|told| told == found), "{found} is not in {told:?}");
    }
}
