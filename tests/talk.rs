//! `banter talk` as a user runs it: real engines, real files. Everything but Ctrl-C runs at
//! `--speed max`.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/events.rs"]
mod events;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
mod program;
#[path = "support/sound.rs"]
mod sound;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::Duration;

use banter::audio::WavReader;
use banter::text::wer::WordErrors;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::events::{Event, of};
use crate::program::{banter, can_talk, run};

#[test]
fn the_conversation() {
    let Some(folder) = conversation() else { return };
    let events = events_in(folder);

    assert_eq!(of(&events, "turn_ended").len(), 6);
    assert_eq!(of(&events, "turn_failed").len(), 0);
    assert_understood(&events, &said("assets/conversation.json", "turns"));
    let started = of(&events, "response_started");
    assert_eq!(responses(&started), responses(&of(&events, "response_ended")));
    // Every answer was heard, and its latency explained.
    let latencies = of(&events, "latency");
    assert_eq!(responses(&started), responses(&latencies));
    for latency in latencies {
        assert!(latency.number("residual_ms").abs() <= 1.0, "{latency:?}");
        assert_eq!(latency.text("speech_end"), "label");
    }
}

#[test]
fn an_interrupted_answer_is_remembered_as_far_as_it_was_heard() {
    let Some(folder) = conversation() else { return };
    let events = events_in(folder);

    let [interrupted] = of(&events, "interrupted")[..] else {
        panic!("not one interruption: {events:?}")
    };
    let heard = interrupted.text("heard_text");
    let pieces = of(&events, "response_text");
    let its = pieces.iter().filter(|piece| piece.response() == interrupted.response());
    let answer: String = its.map(|piece| piece.text("text")).collect();
    assert!(!heard.is_empty() && heard.len() < answer.len(), "{heard:?} of {answer:?}");
    assert!(answer.starts_with(heard), "{heard:?} of {answer:?}");
}

#[test]
fn the_recording_is_on_one_timeline() {
    let Some(folder) = conversation() else { return };
    let input = sound::samples("assets/conversation.wav");
    let [user, agent] = sound::sides(&folder.path().join("recording.wav"));

    // 5 s each; the noise below the speech tells them apart where nobody speaks.
    let length = user.len().min(input.len());
    for from in [0, length - 80_000] {
        let part = from..from + 80_000;
        let lag = sound::lag(&input[part.clone()], &user[part], 160);
        assert!(lag.abs() <= 16, "{lag} samples of 1/16 ms at {from}");
    }
    let output = sound::samples(folder.path().join("output.wav"));
    let both = output.len().min(agent.len());
    // The call ends with the goodbye, before the file does.
    assert!(both >= length, "{} and {}", output.len(), agent.len());
    assert!(length > input.len() * 9 / 10, "{length} of {}", input.len());
    assert!(output[..both] == agent[..both], "the right side is not what was played");
}

#[test]
fn conversations_composed_of_twelve_sentences_with_one_barge_in() {
    if !can_talk() {
        return;
    }
    let all = said("assets/sentences.json", "sentences");
    for seed in [1, 2] {
        let mut random = Random(seed);
        let mut numbers: Vec<_> = (1..=all.len()).filter(|number| *number != MOON).collect();
        let mut drawn: Vec<_> =
            (1..all.len()).map(|_| numbers.swap_remove(random.below(numbers.len()))).collect();
        // Somebody must come after it, to speak over its answer.
        drawn.insert(random.below(drawn.len()), MOON);
        let folder = TempDir::new().unwrap();
        let input = folder.path().join("input.wav");
        // The silence that ends a turn, the longest answer, and a little more; or 1.2 s of it.
        let mut pause = |number| match number {
            MOON => 2.0,
            _ => 6.0 + random.below(10) as f64 / 10.0,
        };
        let pauses: Vec<_> = drawn.iter().map(|&number| (number, pause(number))).collect();
        sound::compose(&input, pauses);

        let events = talk(&folder, &input, []);

        assert_eq!(of(&events, "turn_ended").len(), drawn.len(), "{drawn:?}");
        assert_eq!(of(&events, "latency").len(), drawn.len(), "{drawn:?}: an answer is missing");
        let [interrupted] = of(&events, "interrupted")[..] else { panic!("{drawn:?}: {events:?}") };
        assert!(
            "It is far. Light needs a little more than one second to get there."
                .starts_with(interrupted.text("heard_text"))
        );
        let texts: Vec<_> = drawn.iter().map(|number| all[number - 1].clone()).collect();
        assert_understood(&events, &texts);
    }
}

/// "How far is the moon" has the longest answer.
const MOON: usize = 11;

#[test]
fn a_disk_that_fills_up_ends_the_recording_but_not_the_conversation() {
    if !can_talk() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let record = folder.path().join("recording.wav");
    // A limit on the size of files stands in for the disk. A recording of this talk has over
    // 200 kB; 100 blocks are 50 or 100 kB, by the shell. The events are far below.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"]);
    command.args([env!("CARGO_BIN_EXE_banter"), "talk", "--speed", "max"]);
    command.args(["--input", &sound::sentence(1)]);
    command.arg("--record").arg(&record).arg("--events").arg(events_file(&folder));

    let output = run(command);

    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let events = events_in(&folder);
    let [warning] = of(&events, "warning")[..] else { panic!("not one warning: {events:?}") };
    assert!(warning.text("message").contains("recording.wav: cannot be written"), "{warning:?}");
    let kept = WavReader::open(&record).unwrap().duration().as_secs_f64() * 1e3;
    assert!((500.0..=warning.at()).contains(&kept), "{kept} ms until {warning:?}");
    let [answered] = of(&events, "agent_speech_ended")[..] else { panic!("{events:?}") };
    assert!(answered.at() > warning.at(), "{answered:?}");
}

#[test]
fn a_synthesizer_that_is_killed_costs_one_answer() {
    if !can_talk() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let input = folder.path().join("input.wav");
    // "how much is ten plus five", "hello"
    sound::compose(&input, [(6, 4.0), (1, 1.0)]);
    let path = std::env::var("PATH").unwrap();
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *fifteen*) kill -9 $$;; esac\nPATH='{path}' exec flite \"$@\"\n"
    );
    let flite = folder.path().join("flite");
    std::fs::write(&flite, script).unwrap();
    std::fs::set_permissions(&flite, PermissionsExt::from_mode(0o755)).unwrap();
    let ours = format!("{}:{path}", folder.path().display());

    let events = talk(&folder, &input, [("PATH", ours)]);

    let [failed] = of(&events, "turn_failed")[..] else { panic!("not one failure: {events:?}") };
    assert_eq!((failed.turn(), failed.text("stage")), (Some(1), "tts"));
    assert!(failed.text("error").contains("SIGKILL"), "{failed:?}");
    let turns = |kind| of(&events, kind).iter().map(|event| event.turn()).collect::<Vec<_>>();
    assert_eq!(turns("turn_ended"), [Some(1), Some(2)]);
    assert_eq!(turns("retried"), [Some(1)]);
    // In its place an apology was heard.
    assert_eq!(turns("agent_speech_ended"), [Some(1), Some(2)]);
    let texts = of(&events, "response_text");
    assert!(texts.iter().any(|event| event.text("text").starts_with("Sorry")), "{texts:?}");
}

#[tokio::test]
async fn ctrl_c_ends_the_call_and_keeps_what_was_said() {
    if !can_talk() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let [input, output, record] =
        ["input.wav", "output.wav", "recording.wav"].map(|name| folder.path().join(name));
    sound::compose(&input, [(2, 60.0)]);
    let mut command = banter(["talk", "--speed", "realtime", "--events", "-", "--input"]);
    command.arg(&input).arg("--output").arg(&output).arg("--record").arg(&record);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();

    let mut text = String::new();
    let speaks = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            text += &(line + "\n");
            let event = Event::parse(text.lines().last().unwrap());
            if event.kind() == "agent_speech_started" {
                return event.number("start_ms");
            }
        }
        panic!("the agent said nothing: {text}")
    };
    let spoke_at = tokio::time::timeout(Duration::from_secs(30), speaks).await.unwrap();
    let kill = format!("kill -INT {}", child.id().unwrap());
    assert!(Command::new("sh").args(["-c", &kill]).status().await.unwrap().success());
    let ends = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            text += &(line + "\n");
        }
        child.wait().await.unwrap()
    };
    let status = tokio::time::timeout(Duration::from_secs(10), ends).await.unwrap();

    assert_eq!(status.code(), Some(130));
    let events = events::parse(&text);
    let [ended] = of(&events, "agent_speech_ended")[..] else { panic!("{text}") };
    assert!(ended.at() < 30_000.0, "{ended:?}");
    for file in [output, record] {
        let kept = WavReader::open(&file).unwrap().duration().as_secs_f64() * 1e3;
        assert!(kept >= spoke_at, "{}: {kept} ms, but {spoke_at} ms", file.display());
    }
}

/// A run over the whole conversation that tests share, with all files written.
fn conversation() -> Option<&'static TempDir> {
    static RUN: OnceLock<TempDir> = OnceLock::new();
    can_talk().then(|| {
        RUN.get_or_init(|| {
            let folder = TempDir::new().unwrap();
            let mut command = talking(&folder, Path::new("assets/conversation.wav"));
            for (option, file) in [("--output", "output.wav"), ("--record", "recording.wav")] {
                command.arg(option).arg(folder.path().join(file));
            }
            let output = run(command);
            assert!(output.status.success(), "{output:?}");
            folder
        })
    })
}

/// Runs a conversation with these variables. It ends well.
fn talk<const N: usize>(
    folder: &TempDir,
    input: &Path,
    variables: [(&str, String); N],
) -> Vec<Event> {
    let mut command = talking(folder, input);
    command.envs(variables);
    let output = run(command);
    assert!(output.status.success(), "{output:?}");
    events_in(folder)
}

fn talking(folder: &TempDir, input: &Path) -> Command {
    let mut command = banter(["talk", "--speed", "max", "--input"]);
    command.arg(input).arg("--events").arg(events_file(folder));
    command
}

fn events_file(folder: &TempDir) -> PathBuf {
    folder.path().join("events.jsonl")
}

fn events_in(folder: &TempDir) -> Vec<Event> {
    events::parse(&std::fs::read_to_string(events_file(folder)).unwrap())
}

/// The texts in a file of labels.
fn said(labels: &str, list: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(labels);
    let labels: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let items = labels[list].as_array().unwrap();
    items.iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
}

/// The transcripts are what was said, with one word of five wrong at most.
fn assert_understood(events: &[Event], said: &[String]) {
    let heard: Vec<_> = of(events, "transcript").into_iter().filter(|e| e.is_final()).collect();
    assert_eq!(heard.len(), said.len(), "{heard:?}");
    let pairs = said.iter().zip(&heard);
    let errors: WordErrors =
        pairs.map(|(said, heard)| WordErrors::between(said, heard.text("text"))).sum();
    assert!(errors.rate() <= 0.2, "{errors:?}: {heard:?}");
}

fn responses(events: &[&Event]) -> Vec<Option<u64>> {
    events.iter().map(|event| event.response()).collect()
}

/// A linear congruential generator, with the factors of Knuth's MMIX.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
