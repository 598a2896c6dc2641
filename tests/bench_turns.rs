//! `banter bench turns`, the program itself.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no embedded engine is needed here")]
mod program;

use std::fs;
use std::path::Path;

use banter::audio::{SampleRate, WavWriter};
use serde_json::Value;

use self::program::{banter, run};

/// What it says on either output, and whether it succeeded.
fn turns(arguments: &[&str]) -> (String, String, bool) {
    let output = run(banter(["bench", "turns"].iter().chain(arguments).copied()));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

/// A folder of speech: a buzz in syllables, which some detectors take for speech.
fn speech() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut list = Vec::new();
    for number in 0..5_u16 {
        let buzz = |at: u32| {
            let seconds = f64::from(at) / 16_000.0;
            let syllable = (seconds * 25.0).sin().abs().max(0.3);
            let hz = 700.0 + 30.0 * f64::from(number);
            ((seconds * hz).sin() * syllable * 8_000.0) as i16
        };
        let samples: Vec<i16> = (0..16_000).map(buzz).collect();
        let name = format!("{number}.wav");
        let path = folder.path().join(&name);
        let mut wav = WavWriter::create(path, SampleRate::SPEECH, 1).unwrap();
        wav.write(&samples).unwrap();
        wav.finish().unwrap();
        list.push(serde_json::json!({ "path": name, "set": "command", "transcript": "buzz" }));
    }
    fs::write(folder.path().join("manifest.json"), Value::from(list).to_string()).unwrap();
    folder
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_built_in_scenarios_are_as_they_should_be() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("events.jsonl");
    let (told, progress, good) = turns(&["--check", "--out", out.to_str().unwrap()]);
    assert!(good, "{told}\n{progress}");
    for line in ["6 scenarios that are built in, clean", "end after, ms", "; 0 failed"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(progress.contains("earshot: 6 of 6 heard"), "{progress}");
    let events: Vec<Value> =
        read(&out).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    assert!(of("turn_start") >= 10 && of("turn_end") >= 10 && of("interrupt") >= 1, "{events:?}");
    assert!(events.iter().all(|event| event["t_ms"].is_u64() && event["scenario"].is_string()));
}

#[test]
fn scenarios_are_made_and_detectors_compared_by_one_command() {
    let (speech, folder) = (speech(), tempfile::tempdir().unwrap());
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (set, out, report) = (path("set"), path("events.jsonl"), path("report"));
    let made = ["--make", &set, "--speech", speech.path().to_str().unwrap(), "--seed", "3"];
    let few = ["--kind", "simple", "--kind", "barge-20", "--each", "1", "--jobs", "2"];
    let measured = ["--vad", "energy", "--vad", "earshot", "--out", &out, "--report", &report];
    let (told, progress, good) = turns(&[&made[..], &few, &measured, &["--json"]].concat());
    assert!(good, "{told}\n{progress}");
    assert!(progress.contains("scenarios: 2 of 2 made"), "{progress}");

    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [energy, earshot] = &lines[..] else { panic!("{told}") };
    assert_eq!((&energy["engine"], &earshot["engine"]), (&"energy".into(), &"earshot".into()));
    assert_eq!(energy["score"]["turns"], 3);
    assert_eq!(energy["score"]["barge_ins"]["barge-20"]["of"], 1);
    assert_eq!(energy["criteria"].as_array().map(Vec::len), Some(9));

    let page = read(&folder.path().join("report/report.html"));
    let markdown = read(&folder.path().join("report/report.md"));
    for told in ["How turns are taken", "2 scenarios, clean", "energy", "earshot", "barge-20 met"] {
        assert!(page.contains(told) && markdown.contains(told), "{told}");
    }
    // The same scenarios again, by their manifest.
    let manifest = folder.path().join("set/manifest.json");
    let again = path("again.jsonl");
    let (told, _, good) =
        turns(&["--manifest", manifest.to_str().unwrap(), "--vad", "energy", "--out", &again]);
    assert!(good, "{told}");
    assert_eq!(read(Path::new(&again)), read(&folder.path().join("events.energy.jsonl")));
    assert!(folder.path().join("events.earshot.jsonl").is_file());
}

#[test]
fn what_is_not_as_it_should_be_makes_it_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("quiet.wav");
    let mut wav = WavWriter::create(path, SampleRate::SPEECH, 1).unwrap();
    wav.write(&[0; 48_000]).unwrap();
    wav.finish().unwrap();
    let manifest = folder.path().join("manifest.json");
    let scenario = |turns: &str| {
        format!(
            r#"{{"scenarios": [{{"id": "a", "kind": "simple", "mic": "quiet.wav",
                "duration_ms": 3000, "user_turns": {turns}}}]}}"#
        )
    };
    let manifest_path = manifest.to_str().unwrap();
    fs::write(&manifest, scenario(r#"[{"start_ms": 500, "end_ms": 1500}]"#)).unwrap();
    let (told, _, good) = turns(&["--manifest", manifest_path, "--check", "--detail"]);
    assert!(!good && told.contains("missed turns, at most 1 of 100: 1/1 ... FAILED"), "{told}");
    assert!(told.contains("earshot balanced, a at 500 ms: missed"), "{told}");

    fs::write(&manifest, scenario("[]")).unwrap();
    let (_, error, good) = turns(&["--manifest", manifest_path, "--check"]);
    assert!(!good && error.contains("nothing that --check judges"), "{error}");
}

#[test]
fn mistakes_are_told_before_any_work() {
    let told = |arguments: &[&str], what: &str| {
        let (_, error, good) = turns(arguments);
        assert!(!good && error.contains(what), "{what}: {error}");
    };
    told(&["--vad", "ears"], "ears");
    told(&["--manifest", "nothing.json"], "nothing.json");
    told(&["--seed", "3"], "--make");
    told(&["--make", "out", "--snr", "15"], "--noise");
    told(&["--make", "out", "--kind", "shout"], "hesitate600");
    told(&["--make", "out", "--speech", "nowhere"], "manifest.json");
    assert!(!Path::new("out").exists());
}
