//! The phrase that wakes, on real parts: voice detector, recogniser, and speech of people and of
//! synthesizers. `docs/wake.md` has the figures that this prints.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use banter::audio::{Resampler, SampleRate, WavReader, WavWriter};
use banter::device::{NullSpeaker, WavMicrophone};
use banter::providers::mock::MockProvider;
use banter::session::Engines;
use banter::text::Phrases;
use banter::tools::ToolRegistry;
use banter::tts::MockSynthesizer;
use banter::turn::Wake;
use banter::{EventKind, Pace, Session, SessionConfig, stt, vad};
use tempfile::TempDir;

/// The one that `docs/wake.md` recommends.
const PHRASE: &str = "hello computer";
const TAILS: [&str; 3] = ["", ", what time is it", ", tell me a story"];
const FLITE: [&str; 4] = ["rms", "slt", "awb", "kal16"];
const ESPEAK: [&str; 2] = ["en-us", "en-gb"];

/// The recogniser with its model, and the synthesizers, unless something is missing.
fn parts(espeak: bool) -> bool {
    if let Err(missing) = stt::by_name("pocketsphinx") {
        lacking::lacking("pocketsphinx", &missing.to_string());
        return false;
    }
    let programs: &[&str] = if espeak { &["flite", "espeak-ng"] } else { &["flite"] };
    for program in programs {
        if Command::new(program).arg("--version").output().is_err() {
            lacking::lacking(program, "the program is not installed");
            return false;
        }
    }
    true
}

/// Speech at 16 kHz, of one voice.
fn speak(folder: &Path, voice: &str, text: &str) -> Vec<i16> {
    let path = folder.join("spoken.wav");
    let spoken = match ESPEAK.contains(&voice) {
        true => Command::new("espeak-ng").args(["-v", voice, "-w"]).arg(&path).arg(text).output(),
        false => {
            Command::new("flite").args(["-voice", voice, "-t", text, "-o"]).arg(&path).output()
        }
    };
    assert!(spoken.unwrap().status.success(), "{voice} does not speak");
    read(&path)
}

fn read(path: &Path) -> Vec<i16> {
    let audio = WavReader::open(path).unwrap().read_all().unwrap();
    let mut resampler = Resampler::new(audio.rate(), SampleRate::SPEECH).unwrap();
    let mut samples = Vec::new();
    resampler.process(audio.samples(), &mut samples);
    resampler.flush(&mut samples);
    samples
}

/// Sound that is added to speech.
#[derive(Clone)]
enum Noise {
    None,
    White,
    Recorded(Arc<[i16]>),
}

impl Noise {
    /// `speech`, with the noise so many decibels below what is spoken of it.
    fn under(&self, speech: &[i16], snr_db: f64, seed: u64) -> Vec<i16> {
        let spoken: Vec<f64> =
            speech.iter().map(|s| f64::from(*s)).filter(|s| s.abs() > 300.0).collect();
        let power = |samples: &[f64]| {
            samples.iter().map(|s| s * s).sum::<f64>() / samples.len().max(1) as f64
        };
        let mut random = fastrand::Rng::with_seed(seed);
        let noise: Vec<f64> = match self {
            Self::None => return speech.to_vec(),
            Self::White => speech.iter().map(|_| random.f64() - 0.5).collect(),
            Self::Recorded(sound) => {
                let from = random.usize(..sound.len());
                let sound = sound.iter().cycle().skip(from);
                sound.take(speech.len()).map(|s| f64::from(*s)).collect()
            }
        };
        let gain = (power(&spoken) / power(&noise)).sqrt() * 10_f64.powf(-snr_db / 20.0);
        let mixed = speech.iter().zip(&noise).map(|(s, n)| f64::from(*s) + n * gain);
        mixed.map(|s| s as i16).collect()
    }
}

/// How often the agent was woken by a phrase in each of these stretches of sound, heard one after
/// the other in one session, with ten seconds of faint noise between two.
async fn wakes(phrase: &str, stretches: &[Vec<i16>]) -> Vec<usize> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("speech.wav");
    let mut writer = WavWriter::create(&path, SampleRate::SPEECH, 1).unwrap();
    let mut random = fastrand::Rng::with_seed(3);
    let mut ends = Vec::new();
    let mut written = 0;
    for stretch in stretches {
        let pause: Vec<i16> = (0..16_000 * 10).map(|_| random.i16(-20..20)).collect();
        for sound in [&pause[..16_000], stretch, &pause[16_000..]] {
            writer.write(sound).unwrap();
            written += sound.len();
        }
        ends.push(written as f64 / 16.0);
    }
    writer.finish().unwrap();

    let provider = MockProvider::new();
    (0..stretches.len() * 10).for_each(|_| provider.add_response("Yes."));
    let engines = Engines {
        vad: vad::by_name("earshot").unwrap(),
        transcriber: stt::by_name("pocketsphinx").unwrap(),
        provider: Arc::new(provider),
        synthesizer: Arc::new(MockSynthesizer::default()),
        tools: Arc::new(ToolRegistry::new()),
    };
    let phrases = Phrases::new([phrase]).unwrap();
    let wake = Wake { awake: Duration::from_secs(1), ..Wake::new(phrases) };
    let config = SessionConfig { wake: Some(wake), ..SessionConfig::default() };
    let session = Session::new(engines, config);
    let mut events = session.subscribe();
    let watch = async {
        let mut wakes = vec![0; ends.len()];
        while let Some(Ok(event)) = events.next().await {
            match event.kind {
                EventKind::Woken { phrase: Some(_) } => {
                    let at = event.at.as_millis();
                    wakes[ends.iter().position(|end| at <= *end).unwrap_or(ends.len() - 1)] += 1;
                }
                // On a machine that is too busy for the recogniser, no figure is worth anything.
                EventKind::TurnFailed { error, .. } => eprintln!("not heard: {error}"),
                _ => {}
            }
        }
        wakes
    };
    let microphone = Box::new(WavMicrophone::open(&path).unwrap());
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let (summary, wakes) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.unwrap();
    wakes
}

/// What each voice says: the phrase alone, and before a question.
fn calls(phrase: &str, voices: &[&str], noise: &Noise, snr_db: f64) -> Vec<Vec<i16>> {
    let folder = TempDir::new().unwrap();
    let mut calls = Vec::new();
    for (voice, tail) in voices.iter().flat_map(|voice| TAILS.map(|tail| (*voice, tail))) {
        let speech = speak(folder.path(), voice, &format!("{phrase}{tail}"));
        // Noise does not begin with the words.
        let speech = [vec![0; 8_000], speech, vec![0; 16_000]].concat();
        calls.push(noise.under(&speech, snr_db, calls.len() as u64));
    }
    calls
}

fn hits(wakes: &[usize]) -> usize {
    wakes.iter().filter(|wakes| **wakes > 0).count()
}

#[tokio::test]
async fn the_recommended_phrase_wakes_and_its_neighbours_do_not() {
    if !parts(false) {
        return;
    }
    let folder = TempDir::new().unwrap();
    let mut said = calls(PHRASE, &FLITE[..2], &Noise::None, 0.0);
    let called = said.len();
    for text in ["I bought a computer yesterday", "hello, my dear neighbour", "tell me a story"] {
        said.push(speak(folder.path(), "rms", text));
    }
    let wakes = wakes(PHRASE, &said).await;
    assert_eq!((hits(&wakes[..called]), hits(&wakes[called..])), (called, 0), "{wakes:?}");
}

#[tokio::test]
#[ignore = "takes many minutes; `make slow` runs it"]
async fn hits_of_ten_and_false_wakes_in_ten_minutes() {
    if !parts(true) {
        return;
    }
    let Some(data) = std::env::var_os("BANTER_SPEECH_DATA").map(PathBuf::from) else {
        return lacking::lacking("speech", "BANTER_SPEECH_DATA names no folder of human speech");
    };
    let (people, office) = recordings(&data);
    let voices = readings();
    let minutes = |speech: &[Vec<i16>]| speech.concat().len() as f64 / 16_000.0 / 60.0;
    println!("people: {:.1} min; synthesized: {:.1} min", minutes(&people), minutes(&voices));
    let conditions = [
        ("clean", &Noise::None, 0.0),
        ("office, 20 dB", &office, 20.0),
        ("white, 20 dB", &Noise::White, 20.0),
        ("office, 15 dB", &office, 15.0),
    ];
    let mut heard = Vec::new();
    for (name, noise, snr_db) in conditions {
        let flite = hits(&wakes(PHRASE, &calls(PHRASE, &FLITE, noise, snr_db)).await);
        let espeak = hits(&wakes(PHRASE, &calls(PHRASE, &ESPEAK, noise, snr_db)).await);
        println!("{name}: flite {flite} of 12, espeak-ng {espeak} of 6");
        heard.push(flite);
    }
    let of_people = wakes(PHRASE, &people).await.iter().sum::<usize>();
    println!("false wakes by people: {of_people}");
    let of_voices = wakes(PHRASE, &voices).await.iter().sum::<usize>();
    println!("false wakes by synthesized speech: {of_voices}");
    let hits: usize = heard[..3].iter().sum();
    assert!(hits * 10 >= 36 * 9, "at least 9 of 10: {hits} of 36");
    let most = (minutes(&people) + minutes(&voices)) / 10.0;
    assert!((of_people + of_voices) as f64 <= most, "at most one in ten minutes");
}

/// All recordings of people, and the noise of an office.
fn recordings(data: &Path) -> (Vec<Vec<i16>>, Noise) {
    let manifest = std::fs::read(data.join("manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let (mut people, mut office) = (Vec::new(), Noise::None);
    for clip in manifest.as_array().unwrap() {
        let (path, set) = (clip["path"].as_str().unwrap(), clip["set"].as_str().unwrap());
        if set == "nonspeech" && path.contains("office") {
            office = Noise::Recorded(read(&data.join(path)).into());
        } else if !["nonspeech", "badwav"].contains(&set) && path.ends_with(".wav") {
            people.push(read(&data.join(path)));
        }
    }
    assert!(matches!(office, Noise::Recorded(_)), "there is the noise of an office");
    (people, office)
}

/// The project's own documents, read aloud by all voices of flite.
fn readings() -> Vec<Vec<i16>> {
    let folder = TempDir::new().unwrap();
    let text = [
        include_str!("../docs/failures.md"),
        include_str!("../docs/simulator.md"),
        include_str!("../docs/conversations.md"),
    ];
    let text = text.concat();
    let sentences: Vec<_> = text.split(['.', '|', ':']).filter(|part| part.len() > 40).collect();
    let spoken = sentences.iter().zip(FLITE.iter().cycle());
    spoken.map(|(text, voice)| speak(folder.path(), voice, text)).collect()
}
