//! The program's other commands, its help, and files of all kinds.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
mod program;

use std::path::Path;
use std::process::Output;

use banter::audio::{AUDIBLE, Resampler, SampleRate, WavReader, first_audible};
use hound::{SampleFormat, WavSpec};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{banter, can_talk, run};

#[test]
fn a_file_that_is_no_sound_is_refused_with_its_name_and_the_reason() {
    let folder = TempDir::new().unwrap();
    let whole = std::fs::read("assets/sentences/04.wav").unwrap();
    for (name, content, reason) in [
        ("empty.wav", &b""[..], "the file is empty"),
        ("text.wav", b"What time is it?", "not a WAV file"),
        ("header.wav", &whole[..30], "the header is cut off"),
        ("cut.wav", &whole[..20_000], "the sound is cut off"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        let path = path.to_str().unwrap();
        for command in [&["talk", "--input"][..], &["vad"], &["transcribe"]] {
            let output = run(banter(command.iter().chain([&path])));
            let complaint = failure(&output);
            assert!(complaint.contains(path) && complaint.contains(reason), "{complaint}");
        }
    }
    let output = run(banter(["transcribe", "no/such.wav"]));
    assert!(failure(&output).contains("no/such.wav: cannot be read"), "{output:?}");
}

#[test]
fn a_file_that_fails_does_not_keep_the_others_from_being_done() {
    let output = run(banter(["vad", "no/such.wav", "assets/sentences/04.wav"]));
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("no/such.wav: cannot be read"), "{complaint}");
    assert!(complaint.contains("1 of 2 files failed"), "{complaint}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("04.wav"), "{output:?}");
}

#[test]
fn sound_of_any_rate_and_width_is_understood() {
    if !can_talk() {
        return;
    }
    let folder = TempDir::new().unwrap();
    // A sentence that is understood even without the treble that 8 kHz cannot hold.
    for (hz, channels, bits, format) in [
        (44_100, 2, 16, SampleFormat::Int),
        (8_000, 1, 16, SampleFormat::Int),
        (48_000, 1, 24, SampleFormat::Int),
        (48_000, 1, 32, SampleFormat::Float),
    ] {
        let path = folder.path().join("sentence.wav");
        let spec =
            WavSpec { channels, sample_rate: hz, bits_per_sample: bits, sample_format: format };
        convert("assets/sentences/07.wav", &path, spec);

        let output = run(banter(["transcribe", "--json", path.to_str().unwrap()]));

        let [line] = &json_lines(&output)[..] else { panic!("{spec:?}: {output:?}") };
        assert_eq!(line["text"], "how much is three plus four", "{spec:?}");
    }
}

#[test]
fn sound_is_written_down() {
    if !can_talk() {
        return;
    }
    let output = run(banter(["transcribe", "assets/sentences/04.wav", "assets/sentences/01.wav"]));

    assert!(output.status.success(), "{output:?}");
    let text = str::from_utf8(&output.stdout).unwrap();
    let words: Vec<_> = text.lines().filter_map(|line| line.rsplit("  ").next()).collect();
    assert_eq!(words, ["what time is it", "hello"]);
}

#[test]
fn speech_is_found_and_scored() {
    let output = run(banter(["vad", "assets/sentences/04.wav", "--json", "--scores"]));

    let lines = json_lines(&output);
    let (turns, scores): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| line["start_ms"].is_number());
    let [turn] = turns[..] else { panic!("{turns:?}") };
    let ms = |field: &str| turn[field].as_f64().unwrap();
    // Labelled in sentences.json: 176 to 1223 ms.
    assert!((100.0..250.0).contains(&ms("start_ms")), "{turn}");
    assert!((1150.0..1300.0).contains(&ms("end_ms")), "{turn}");
    // 1.4 s in frames of 16 ms.
    assert!((80..=90).contains(&scores.len()), "{}", scores.len());
    for line in scores {
        assert!((0.0..=1.0).contains(&line["score"].as_f64().unwrap()), "{line}");
    }
}

#[test]
fn text_is_spoken_into_a_file() {
    if !can_talk() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("said.wav");

    let output = run(banter(["say", "It is fifteen.", "-o", path.to_str().unwrap()]));

    assert!(output.status.success(), "{output:?}");
    let samples = samples(&path);
    assert!(samples.len() > 8_000, "{} samples", samples.len());
    assert!(first_audible(&samples, AUDIBLE).is_some());
}

#[test]
fn help_names_every_option() {
    for (command, names) in [
        (None, &["talk", "vad", "transcribe", "say", "130", "BANTER_LOG"][..]),
        (
            Some("talk"),
            &[
                "--input",
                "--output",
                "--record",
                "--events",
                "--speed",
                "--vad",
                "--stt",
                "--llm",
                "--tts",
                "--silence",
                "--barge-in",
                "--validation",
                "earshot",
                "pocketsphinx",
                "scripted",
                "flite",
            ],
        ),
        (Some("vad"), &["<FILE>", "--json", "--scores", "--vad"]),
        (Some("transcribe"), &["<FILE>", "--json", "--stt", "--vad"]),
        (Some("say"), &["<TEXT>", "--output", "--tts", "--speed"]),
    ] {
        let output = run(banter(command.into_iter().chain(["--help"])));
        assert!(output.status.success(), "{output:?}");
        let help = str::from_utf8(&output.stdout).unwrap();
        for name in names {
            assert!(help.contains(name), "{command:?} lacks {name}: {help}");
        }
    }
}

#[test]
fn wrong_usage_is_told_from_failure() {
    let output = run(banter(["sing"]));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = run(banter(["talk", "--silence", "5"]));
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("--silence") && told.contains("from 100 to 10000"), "{output:?}");
}

#[test]
fn an_unknown_engine_is_answered_with_those_there_are() {
    for (option, names) in [
        ("--vad", &["earshot", "webrtc:3", "energy"][..]),
        ("--stt", &["pocketsphinx"]),
        ("--llm", &["scripted", "scripted:FILE.toml"]),
        ("--tts", &["flite:VOICE", "espeak-ng"]),
    ] {
        let talk = ["talk", "--speed", "max", "--input", "assets/sentences/01.wav"];
        let output = run(banter(talk.into_iter().chain([option, "nonesuch"])));
        let complaint = failure(&output);
        assert!(complaint.contains("nonesuch"), "{complaint}");
        assert!(names.iter().all(|name| complaint.contains(name)), "{complaint}");
    }
}

#[test]
fn a_missing_file_of_rules_is_named_with_its_cause_told_once() {
    let talk = ["talk", "--input", "assets/sentences/01.wav", "--llm", "scripted:no/such.toml"];
    let complaint = failure(&run(banter(talk)));
    assert!(complaint.contains("no/such.toml"), "{complaint}");
    assert_eq!(complaint.matches("No such file").count(), 1, "{complaint}");
}

/// What the program says when it fails: one line, and no panic.
fn failure(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(complaint.starts_with("banter: ") && complaint.lines().count() == 1, "{complaint}");
    complaint
}

fn json_lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn samples(path: impl AsRef<Path>) -> Vec<i16> {
    WavReader::open(path).unwrap().read_all().unwrap().samples().to_vec()
}

/// Writes a file of 16 kHz again, in another format, the same on every channel.
fn convert(from: &str, to: &Path, spec: WavSpec) {
    let sound = samples(from);
    let rate = SampleRate::new(spec.sample_rate).unwrap();
    let mut resampler = Resampler::new(SampleRate::SPEECH, rate).unwrap();
    let mut samples = Vec::new();
    resampler.process(&sound, &mut samples);
    resampler.flush(&mut samples);
    let mut writer = hound::WavWriter::create(to, spec).unwrap();
    for sample in samples.into_iter().flat_map(|s| (0..spec.channels).map(move |_| s)) {
        match spec.sample_format {
            SampleFormat::Float => writer.write_sample(f32::from(sample) / 32_768.0),
            SampleFormat::Int => {
                writer.write_sample(i32::from(sample) << (spec.bits_per_sample - 16))
            }
        }
        .unwrap();
    }
    writer.finalize().unwrap();
}
