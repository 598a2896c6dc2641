//! The true runtime and the true network. `scripts/setup.sh --tests` fetches both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use super::*;
use crate::audio::WavReader;
use crate::lacking::lacking;
use crate::turn::endpoint::{EndModel, SmartTurn};
use crate::vad::{Framer, Silero, Vad};

/// The network that all tests share; `None`, and said so, where the set-up has not fetched it.
pub(crate) fn silero() -> Option<SileroModel> {
    static MODEL: std::sync::OnceLock<SileroModel> = std::sync::OnceLock::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/models");
    if !folder.join("installed").exists() {
        lacking("onnx", "scripts/setup.sh --tests has not fetched the ONNX Runtime and Silero");
        return None;
    }
    let load = || {
        let runtime = Runtime::load(&folder.join("libonnxruntime-1.31.1.so")).unwrap();
        runtime.silero(&std::fs::read(folder.join("silero-6.2.3.onnx")).unwrap()).unwrap()
    };
    Some(MODEL.get_or_init(load).clone())
}

fn detector() -> Option<Silero> {
    Some(silero()?.detector().unwrap())
}

/// Every probability, for sound that comes in chunks.
fn probabilities(vad: Silero, samples: &[i16], chunk: usize) -> Vec<f32> {
    let mut framer = Framer::new(Box::new(vad));
    let mut all = Vec::new();
    for samples in samples.chunks(chunk) {
        framer.push(samples, |frame| all.push(frame.probability));
    }
    all
}

fn wav(path: &Path) -> Vec<i16> {
    WavReader::open(path).unwrap().read_all().unwrap().samples().to_vec()
}

/// A synthesized conversation, which is always there.
fn conversation() -> Vec<i16> {
    wav(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/conversation.wav"))
}

/// The reference is Python's: `scripts/silero_reference.py` made it, with another file of the
/// same network.
#[test]
fn it_says_what_it_says_in_python() {
    let Some(model) = silero() else { return };
    let reference: BTreeMap<String, Vec<f32>> =
        serde_json::from_str(include_str!("reference.json")).unwrap();
    let human = std::env::var_os("BANTER_SPEECH_DATA").map(PathBuf::from);
    for (file, expected) in reference {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let path = match &human {
            _ if own.exists() => own,
            Some(folder) => folder.join(&file),
            None => {
                lacking("speech", "BANTER_SPEECH_DATA names no folder of human speech");
                continue;
            }
        };
        let all = probabilities(model.detector().unwrap(), &wav(&path), 1_000);
        let seen = all.iter().skip(7).step_by(8).take(expected.len());
        let worst = seen.zip(&expected).map(|(one, other)| (one - other).abs()).fold(0.0, f32::max);
        assert!(expected.len() >= all.len().min(20 * 16_000 / 512) / 8, "{file}");
        assert!(worst < 0.002, "{file}: {worst} apart");
    }
}

#[test]
fn the_chunk_size_changes_nothing() {
    let Some(model) = silero() else { return };
    let sound = &conversation()[..64_000];
    let whole = probabilities(model.detector().unwrap(), sound, sound.len());
    assert!(whole.iter().any(|&it| it > 0.9) && whole.iter().any(|&it| it < 0.1));
    for chunk in [1, 160, 512, 777] {
        assert_eq!(probabilities(model.detector().unwrap(), sound, chunk), whole, "by {chunk}");
    }
}

#[test]
fn a_reset_begins_anew() {
    let Some(mut vad) = detector() else { return };
    let sound = conversation();
    let mut frames = sound.chunks_exact(vad.frame_len()).take(100);
    let first: Vec<f32> = frames.clone().map(|frame| vad.process(frame)).collect();
    let after = vad.process(frames.next().unwrap());
    vad.reset();
    let again: Vec<f32> = sound.chunks_exact(512).take(100).map(|f| vad.process(f)).collect();
    assert_eq!(again, first);
    assert_ne!(after, first[0], "what was heard before is forgotten without a reset");
}

#[test]
fn streams_at_once_do_not_disturb_each_other() {
    let Some(model) = silero() else { return };
    let sound = &conversation()[..96_000];
    let alone = probabilities(model.detector().unwrap(), sound, 512);
    thread::scope(|scope| {
        let streams = (0..7).map(|at| {
            let vad = model.detector().unwrap();
            // Silence before it, so that they are never at the same place.
            let lead = vec![0; 512 * at];
            scope.spawn(move || probabilities(vad, &[&lead, sound].concat(), 512).split_off(at))
        });
        for stream in streams.collect::<Vec<_>>() {
            let heard = stream.join().unwrap();
            let voiced = |all: &[f32]| all.iter().filter(|&&it| it >= 0.5).count();
            assert!(voiced(&heard).abs_diff(voiced(&alone)) <= 2);
        }
    });
    let copies = model.copies();
    assert!(copies <= thread::available_parallelism().unwrap().get(), "{copies} copies");
}

#[test]
fn what_is_no_model_of_silero_is_refused() {
    let Some(_) = silero() else { return };
    let runtime = Runtime::load(&library()).unwrap();
    for (bytes, reason) in [(&b""[..], "o"), (b"nonsense", "rotobuf"), (IDENTITY, "state")] {
        let told = runtime.silero(bytes).unwrap_err().to_string();
        assert!(told.contains("`banter models pull silero`") && told.contains(reason), "{told}");
    }
}

/// Smart-turn on the runtime of the other tests.
fn smart_turn() -> Option<SmartTurn<SmartTurnModel>> {
    silero()?;
    let path = library().with_file_name("smart-turn-3.2.onnx");
    let Ok(bytes) = std::fs::read(path) else {
        lacking("onnx", "scripts/setup.sh --tests has not fetched smart-turn");
        return None;
    };
    Some(Runtime::load(&library()).unwrap().smart_turn(&bytes).unwrap())
}

/// The reference is what Python's onnxruntime says, with the features of Pipecat 1.14.0.
#[test]
fn smart_turn_says_what_it_says_in_python() {
    let Some(model) = smart_turn() else { return };
    let own = |file: &str| wav(&Path::new(env!("CARGO_MANIFEST_DIR")).join("assets").join(file));
    for (sound, len, expected) in [
        (own("sentences/02.wav"), 18_080, 0.950),
        (own("sentences/02.wav"), 9_040, 0.817),
        (own("sentences/02.wav"), 8_000, 0.067),
        (conversation(), 576_048, 0.981),
        (conversation(), 288_024, 0.988),
        (conversation(), 8_000, 0.923),
    ] {
        let likely = model.likely_end(&sound[..len]).unwrap();
        assert!((likely - expected).abs() < 0.02, "{likely}, not {expected}, of {len} samples");
    }
}

#[test]
fn there_are_as_many_copies_of_smart_turn_as_cores_whoever_asks() {
    let Some(model) = smart_turn() else { return };
    let sound = conversation();
    let cores = thread::available_parallelism().unwrap().get();
    assert_eq!(model.network().copies(), 1, "the second one is made when it is needed");
    let answers: Vec<_> = thread::scope(|scope| {
        let ask = |_| scope.spawn(|| model.likely_end(&sound[..128_000]));
        let asked: Vec<_> = (0..4 * cores).map(ask).collect();
        asked.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let alone = model.likely_end(&sound[..128_000]);
    assert!(alone.is_some() && answers.iter().all(|answer| *answer == alone));
    assert!(model.network().copies() <= cores);
}

#[test]
fn what_is_no_model_of_smart_turn_is_refused() {
    let Some(_) = silero() else { return };
    let runtime = Runtime::load(&library()).unwrap();
    for bytes in [&b""[..], b"nonsense", IDENTITY] {
        let told = runtime.smart_turn(bytes).unwrap_err().to_string();
        for part in
            ["smart-turn", "`banter models pull smart-turn`", "onnx.smart_turn", "version 3"]
        {
            assert!(told.contains(part), "{told}");
        }
    }
}

/// A model of one node that gives what it takes.
const IDENTITY: &[u8] = b"\x08\x08:S\n\x19\n\x05input\x12\x06output\"\x08Identity\x12\x01gZ\x18\n\
    \x05input\x12\x0f\n\r\x08\x01\x12\t\n\x02\x08\x01\n\x03\x08\xc0\x04b\x19\n\x06output\x12\x0f\n\r\x08\x01\
    \x12\t\n\x02\x08\x01\n\x03\x08\xc0\x04B\x04\n\0\x10\r";

fn library() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/models/libonnxruntime-1.31.1.so")
}

#[test]
fn a_library_is_loaded_once_and_no_other_beside_it() {
    let Some(_) = silero() else { return };
    assert_eq!(Runtime::load(&library()), Ok(Runtime(())));
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link.so");
    std::os::unix::fs::symlink(library(), &link).unwrap();
    assert_eq!(Runtime::load(&link), Ok(Runtime(())), "the same by another name");
    let other = folder.path().join("other.so");
    std::fs::write(&other, "no library").unwrap();
    let told = Runtime::load(&other).unwrap_err().to_string();
    assert!(told.contains("is loaded already") && told.contains("other.so"), "{told}");
    assert_eq!(Runtime::load(&library()), Ok(Runtime(())), "the first one goes on");
}

#[test]
fn what_is_no_file_is_told_before_anything_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Runtime::load(&folder.path().join("none.so")).unwrap_err().to_string();
    for part in ["there is no ONNX Runtime at", "`banter models pull onnxruntime`", "onnx.library"]
    {
        assert!(missing.contains(part), "{missing}");
    }
    let pipe = folder.path().join("pipe.so");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    for path in [folder.path(), &pipe] {
        let told = Runtime::load(path).unwrap_err().to_string();
        assert!(told.contains("it is not a file"), "{told}");
    }
}
