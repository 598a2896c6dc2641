//! The engines: what holds for all of them, and how they do on flite's voices and on labelled human clips.

use crate::lacking::lacking;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

#[test]
fn every_name_makes_its_detector() {
    for name in NAMES {
        let vad = by_name(name).unwrap();
        assert!(vad.name().starts_with(name), "{name} made {}", vad.name());
        assert_eq!(vad.rate(), SampleRate::SPEECH);
    }
}

#[test]
fn an_unknown_name_is_told_the_known_ones() {
    let said = by_name("webrtc:4").unwrap_err().to_string();
    assert!(
        said.starts_with("no voice detector is called `webrtc:4`; choose one of earshot, "),
        "{said}"
    );
    assert_eq!(said.contains("not built in"), cfg!(not(feature = "webrtc-vad")), "{said}");
}

#[test]
fn a_frame_of_another_length_changes_nothing() {
    let sound = noise(32_000, 0.1);
    for (mut vad, mut undisturbed) in engines().into_iter().zip(engines()) {
        let len = vad.frame_len();
        let undisturbed = probabilities(&mut *undisturbed, &sound);
        for (frame, expected) in sound.chunks_exact(len).zip(undisturbed) {
            for wrong in [0, 1, len - 1, len + 1, 2 * len] {
                assert_eq!(
                    vad.process(&sound[..wrong]),
                    0.0,
                    "{} with {wrong} samples",
                    vad.name()
                );
            }
            assert_eq!(vad.process(frame), expected, "{}", vad.name());
        }
    }
}

#[test]
fn the_loudest_sound_has_a_probability() {
    let square: Vec<i16> =
        (0..32_000).map(|at| if at / 40 % 2 == 0 { i16::MIN } else { i16::MAX }).collect();
    for mut vad in engines() {
        for sound in [&square, &vec![i16::MIN; 32_000], &noise(32_000, 1.0)] {
            let all = probabilities(&mut *vad, sound);
            assert!(all.iter().all(|p| (0.0..=1.0).contains(p)), "{}", vad.name());
        }
    }
}

#[test]
fn a_reset_detector_says_the_same_again() {
    let Some(said) = synthesized() else { return };
    for mut vad in engines().into_iter().filter(|vad| vad.name() != "energy") {
        let first = probabilities(&mut *vad, &said[0]);
        vad.reset();
        assert_eq!(probabilities(&mut *vad, &said[0]), first, "{}", vad.name());
    }
}

#[test]
fn the_declared_delay_is_the_median_over_hang() {
    let Some(said) = synthesized() else { return };
    for mut vad in engines() {
        let mut over_hangs: Vec<f64> =
            said.iter().map(|samples| over_hang(&mut *vad, samples)).collect();
        over_hangs.sort_by(f64::total_cmp);
        let median = over_hangs[over_hangs.len() / 2];
        let declared = vad.delay().as_secs_f64();
        let frame = vad.rate().duration(vad.frame_len() as u64).as_secs_f64();
        assert!(
            (median - declared).abs() <= frame,
            "{vad:?}: {median:.3} s measured, {declared} s declared"
        );
    }
}

#[test]
fn human_speech_is_found_and_an_office_is_not_speech() {
    let Some(clips) = human() else { return };
    for (name, recall, false_share, office_share) in
        BOUNDS.into_iter().filter(|bound| bound.0 == "silero" || NAMES.contains(&bound.0))
    {
        let Some(mut vad) = named(name) else { continue };
        let mut share = |set, labelled| share_of_voiced(&mut *vad, &clips, set, labelled);
        let (read, meeting, office) =
            (share("librivox", true), share("ami", false), share("nonspeech", false));
        println!(
            "{name}: recall {read:.2}, false in a meeting {meeting:.2}, in non-speech {office:.2}"
        );
        assert!(read >= recall, "{name} found {read:.2} of read speech");
        assert!(
            meeting <= false_share,
            "{name} took {meeting:.2} of a meeting's pauses for speech"
        );
        assert!(office <= office_share, "{name} took {office:.2} of non-speech for speech");
    }
}

/// A detector, the least recall of read speech, and the most false frames in a meeting and in non-speech.
const BOUNDS: [(&str, f64, f64, f64); 4] = [
    ("earshot", 0.9, 0.1, 0.05),
    ("silero", 0.9, 0.1, 0.01),
    ("webrtc:3", 0.9, 0.25, 0.3),
    ("energy", 0.75, 0.35, 0.2),
];

/// White noise of the level `rms`, 1 being full scale; the same at every call.
pub(super) fn noise(len: usize, rms: f32) -> Vec<i16> {
    let mut state = 7_u64;
    let mut uniform = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    // Three uniform values have a standard deviation of one half.
    (0..len).map(|_| ((uniform() + uniform() + uniform()) * 2.0 * rms * 32_768.0) as i16).collect()
}

/// One of each at 16 kHz, and WebRTC's with every frame size.
fn engines() -> Vec<Box<dyn Vad>> {
    let own: [Box<dyn Vad>; 2] = [Box::new(Earshot::new()), Box::new(Energy::new())];
    #[cfg(feature = "webrtc-vad")]
    let webrtc = webrtc::tests::all().filter(|vad| vad.rate() == SampleRate::SPEECH);
    #[cfg(not(feature = "webrtc-vad"))]
    let webrtc = std::iter::empty::<Earshot>();
    let webrtc = webrtc.map(|vad| Box::new(vad) as Box<dyn Vad>);
    own.into_iter().chain(webrtc).chain(silero()).collect()
}

#[cfg(feature = "onnx")]
fn silero() -> Option<Box<dyn Vad>> {
    Some(Box::new(crate::models::onnx::tests::silero()?.detector().unwrap()))
}

#[cfg(not(feature = "onnx"))]
fn silero() -> Option<Box<dyn Vad>> {
    None
}

/// By its name, with its model; `None` if this build or this machine lacks it.
fn named(name: &str) -> Option<Box<dyn Vad>> {
    let made = by_name_or(name, |name| (name == "silero").then(|| silero().ok_or(None)));
    made.map_err(|error: Option<UnknownVad>| assert_eq!(error, None)).ok()
}

fn probabilities(vad: &mut dyn Vad, samples: &[i16]) -> Vec<f32> {
    samples.chunks_exact(vad.frame_len()).map(|frame| vad.process(frame)).collect()
}

/// Seconds from the last sample above -50 dBFS to the end of the last voiced frame.
fn over_hang(vad: &mut dyn Vad, samples: &[i16]) -> f64 {
    let end = samples.iter().rposition(|sample| sample.unsigned_abs() > 103).unwrap() + 1;
    vad.reset();
    let last = probabilities(vad, samples).iter().rposition(|&p| p >= vad.threshold()).unwrap();
    (((last + 1) * vad.frame_len()) as f64 - end as f64) / 16_000.0
}

/// Twenty utterances at 16 kHz between digital silence. The leads differ, so that ends fall anywhere in a frame.
fn synthesized() -> Option<Vec<Vec<i16>>> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("said.wav");
    let mut all = Vec::new();
    for voice in ["rms", "slt", "kal16", "awb"] {
        for text in TEXTS {
            let flite =
                Command::new("flite").args(["-voice", voice, "-t", text, "-o"]).arg(&file).output();
            if !flite.is_ok_and(|done| done.status.success()) {
                lacking("flite", "flite is not installed");
                return None;
            }
            let lead = vec![0; 8_000 + 97 * all.len()];
            all.push([lead, wav(&file), vec![0; 16_000]].concat());
        }
    }
    Some(all)
}

const TEXTS: [&str; 5] = [
    "Turn on the lights in the kitchen.",
    "What is the weather like tomorrow",
    "Yes please.",
    "I would like to book a table for seven people",
    "No, stop.",
];

/// A clip at 16 kHz and where speech is in it, in seconds.
struct Clip {
    set: String,
    samples: Vec<i16>,
    speech: Vec<(f64, f64)>,
}

fn human() -> Option<Vec<Clip>> {
    let Some(dir) = std::env::var_os("BANTER_SPEECH_DATA").map(PathBuf::from) else {
        lacking("speech", "BANTER_SPEECH_DATA names no folder of human speech");
        return None;
    };
    let manifest = std::fs::read_to_string(dir.join("manifest.json")).unwrap();
    let entries: Vec<serde_json::Value> = serde_json::from_str(&manifest).unwrap();
    let wanted = entries
        .iter()
        .filter(|entry| ["librivox", "ami", "nonspeech"].iter().any(|set| entry["set"] == *set));
    let clip = |entry: &serde_json::Value| Clip {
        set: entry["set"].as_str().unwrap().to_owned(),
        samples: wav(&dir.join(entry["path"].as_str().unwrap())),
        speech: labels(&entry["labels"]),
    };
    Some(wanted.map(clip).collect())
}

/// Words are `[start, end, text]`, with silence as `<sil>`; speakers' segments have names.
fn labels(labels: &serde_json::Value) -> Vec<(f64, f64)> {
    let list = |key: &str| labels[key].as_array().cloned().unwrap_or_default();
    let words = list("words")
        .into_iter()
        .filter(|word| !word[2].as_str().unwrap().starts_with(['<', '[', '(']));
    let words = words.map(|word| (word[0].as_f64().unwrap(), word[1].as_f64().unwrap()));
    let segments = list("speaker_segments").into_iter();
    words
        .chain(segments.map(|s| (s["start"].as_f64().unwrap(), s["end"].as_f64().unwrap())))
        .collect()
}

/// The share of voiced frames among those of `set` whose middle lies in labelled speech, or outside of it.
fn share_of_voiced(vad: &mut dyn Vad, clips: &[Clip], set: &str, labelled: bool) -> f64 {
    let (mut voiced, mut all) = (0, 0);
    for clip in clips.iter().filter(|clip| clip.set == set) {
        vad.reset();
        for (at, probability) in probabilities(vad, &clip.samples).into_iter().enumerate() {
            let middle = (at as f64 + 0.5) * vad.frame_len() as f64 / 16_000.0;
            if clip.speech.iter().any(|&(start, end)| start <= middle && middle < end) == labelled {
                all += 1;
                voiced += usize::from(probability >= vad.threshold());
            }
        }
    }
    f64::from(voiced as u32) / f64::from(all)
}

fn wav(path: &Path) -> Vec<i16> {
    hound::WavReader::open(path).unwrap().samples().map(Result::unwrap).collect()
}
