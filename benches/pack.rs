//! Packs of 1 and 50 MiB: many prompts, and many that share one huge fragment. How long it takes
//! to load one, to make a prompt ready, to render it; and how much memory loading needs at most.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench tells what it finds")]

mod support;

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use banter::pack::{Pack, SchemaCheck, SystemPrompt, Values};
use criterion::Criterion;
use criterion::measurement::{Measurement, WallTime};

const MIB: usize = 1 << 20;

/// How the bytes of a pack are spread.
#[derive(Clone, Copy)]
enum Shape {
    /// Prompts of about 1 KiB, each with variables of its own.
    ManyPrompts,
    /// A fragment of half the pack with many names in it, in every prompt.
    HugeFragment,
    /// A template of half the pack, which many models have with a sentence of their own after it.
    HugeTemplate,
}

const SHAPES: [(&str, Shape); 3] = [
    ("many prompts", Shape::ManyPrompts),
    ("one huge fragment", Shape::HugeFragment),
    ("one huge template", Shape::HugeTemplate),
];

const VARIABLES: &str = r#""variables": [
    { "name": "visitor", "type": "string", "required": true },
    { "name": "language", "type": "string", "required": false, "default": "English" },
    { "name": "floor", "type": "number", "required": false, "default": 1,
      "validation": { "minimum": 0, "maximum": 9 } }
]"#;

const SENTENCE: &str = "Tell {{visitor}} in {{language}} what hangs on floor {{floor}}, and why. ";

/// How packs name their engines.
const ENGINES: &[&str] =
    if cfg!(feature = "minijinja") { &["{{variable}}", "minijinja"] } else { &["{{variable}}"] };

/// A pack of about `bytes`.
fn pack(engine: &str, shape: Shape, bytes: usize) -> String {
    let mut text = format!(
        r#"{{ "id": "big", "name": "Big", "version": "1.0.0",
        "template_engine": {{ "version": "v1", "syntax": "{engine}" }}"#
    );
    let half = SENTENCE.repeat(bytes / 2 / SENTENCE.len());
    let some = SENTENCE.repeat(8);
    let (template, each) = match shape {
        Shape::ManyPrompts => (some.as_str(), some.clone()),
        Shape::HugeFragment => {
            write!(text, r#", "fragments": {{ "rules": "{half}" }}"#).unwrap();
            ("{{rules}}", "You guide {{visitor}}. {{rules}}".to_owned())
        }
        Shape::HugeTemplate => (half.as_str(), "You guide {{visitor}}.".to_owned()),
    };
    text.push_str(r#", "prompts": { "#);
    write!(
        text,
        r#""first": {{ "id": "first", "name": "F", "version": "1.0.0",
        "system_template": "You guide. {template}", {VARIABLES}"#
    )
    .unwrap();
    if matches!(shape, Shape::HugeTemplate) {
        text.push_str(r#", "model_overrides": { "m": {} "#);
        for number in 0.. {
            if text.len() > bytes * 3 / 4 {
                break;
            }
            let own = r#"{ "system_template_suffix": " Be brief, {{visitor}}." }"#;
            write!(text, r#", "m{number}": {own}"#).unwrap();
        }
        text.push('}');
    }
    text.push('}');
    for number in 0.. {
        if text.len() > bytes {
            break;
        }
        write!(
            text,
            r#", "p{number}": {{ "id": "p{number}", "name": "P", "version": "1.0.0",
            "system_template": "{each}", {VARIABLES} }}"#
        )
        .unwrap();
    }
    text.push_str("} }");
    text
}

fn all() -> impl Iterator<Item = (&'static str, (&'static str, Shape))> {
    ENGINES.iter().flat_map(|engine| SHAPES.map(|shape| (*engine, shape)))
}

fn load(text: &str) -> Pack {
    Pack::load(text.as_bytes(), SchemaCheck::Full).unwrap().pack
}

fn ready(pack: &Pack) -> SystemPrompt {
    // The first has the huge template, where there is one.
    pack.prompt("first", Some("m1")).unwrap()
}

fn values() -> Values {
    Values::from([("visitor".to_owned(), "Ann".into())])
}

fn small(criterion: &mut Criterion) {
    let values = values();
    for (engine, (name, shape)) in all() {
        let text = pack(engine, shape, MIB);
        let mut group = criterion.benchmark_group(format!("1 MiB, {name}, {engine}"));
        group.sample_size(10).bench_function("load", |bencher| bencher.iter(|| load(&text)));
        let pack = load(&text);
        group.bench_function("prompt", |bencher| bencher.iter(|| ready(&pack)));
        let prompt = ready(&pack);
        group.bench_function("render", |bencher| bencher.iter(|| prompt.render(&values).unwrap()));
        group.finish();
    }
}

fn timed<T>(of: impl FnOnce() -> T) -> (T, Duration) {
    let began = WallTime.start();
    let made = black_box(of());
    (made, WallTime.end(began))
}

/// One run of each, as they take long.
fn large() {
    let values = values();
    for (engine, (name, shape)) in all() {
        let text = pack(engine, shape, 50 * MIB);
        let mut loaded = None;
        let mut took = Duration::ZERO;
        let memory = allocation_counter::measure(|| {
            let (pack, time) = timed(|| load(&text));
            (loaded, took) = (Some(pack), time);
        });
        let pack = loaded.unwrap();
        let (prompt, made) = timed(|| ready(&pack));
        let (told, rendered) = timed(|| prompt.render(&values).unwrap());
        println!(
            "50 MiB, {name}, {engine}: {} prompts; load {took:.2?}, at most {} MiB; prompt {made:.2?}, \
             render {rendered:.2?} ({} KiB)",
            pack.prompts.len(),
            memory.bytes_max / MIB as u64,
            told.len() / 1024,
        );
    }
}

fn main() {
    let mut criterion = support::criterion();
    small(&mut criterion);
    // `cargo test --benches` runs each thing once; these are for figures alone.
    if std::env::args().any(|argument| argument == "--bench") {
        large();
    }
    criterion.final_summary();
}
