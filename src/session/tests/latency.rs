//! From the true end of speech to the first audible sample, less the silence that the settings
//! ask for: with engines that answer at once, it is all ours.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::audio::{WavReader, WavWriter};
use crate::device::{NullSpeaker, WavMicrophone};
use crate::events::{EventKind, Latency};
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::session::{Engines, Pace, Session, SessionConfig};
use crate::stt::mock::MockTranscriber;
use crate::time::SessionTime;
use crate::tools::ToolRegistry;
use crate::tts::MockSynthesizer;
use crate::turn::{Endpoint, TurnConfig};
use crate::vad::Earshot;

/// The labelled ends of speech in `assets/sentences.json`, in milliseconds, by file.
fn labels() -> Vec<(String, f64)> {
    let text = std::fs::read_to_string("assets/sentences.json").unwrap();
    let json: Value = serde_json::from_str(&text).unwrap();
    let sentences = json["sentences"].as_array().unwrap().iter();
    let label = |sentence: &Value| {
        let file = sentence["file"].as_str().unwrap().to_owned();
        (file, sentence["end_ms"].as_f64().unwrap())
    };
    sentences.map(label).collect()
}

async fn latency(path: &Path, end_ms: f64) -> Latency {
    let engines = Engines {
        vad: Box::new(Earshot::new()),
        transcriber: Arc::new(MockTranscriber::new(["hello"])),
        provider: Arc::new(MockProvider::answering(|_| MockAnswer::text("Hello, you."))),
        synthesizer: Arc::new(MockSynthesizer::default()),
        tools: Arc::new(ToolRegistry::new()),
    };
    let speech_ends = vec![SessionTime::from_nanos((end_ms * 1e6) as u64)];
    // A silence of whole frames, so that none waits for the next one to be whole.
    let turn = TurnConfig { endpoint: Endpoint::Fixed, ..TurnConfig::default() };
    let session = Session::new(engines, SessionConfig { speech_ends, turn, ..Default::default() });
    let mut events = session.subscribe();
    let folder = tempfile::tempdir().unwrap();
    let path = followed_by_silence(path, folder.path());
    let rate = WavReader::open(&path).unwrap().rate();
    let microphone = Box::new(WavMicrophone::open(&path).unwrap());
    session.run(microphone, Box::new(NullSpeaker(rate)), Pace::Max).await.unwrap();
    loop {
        if let EventKind::Latency(latency) = events.next().await.unwrap().unwrap().kind {
            return latency;
        }
    }
}

fn followed_by_silence(path: &Path, folder: &Path) -> PathBuf {
    let audio = WavReader::open(path).unwrap().read_all().unwrap();
    let longer = folder.join("longer.wav");
    let mut writer = WavWriter::create(&longer, audio.rate(), 1).unwrap();
    writer.write(audio.samples()).unwrap();
    writer.write(&vec![0; 2 * audio.rate().hz() as usize]).unwrap();
    writer.finish().unwrap();
    longer
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

#[tokio::test]
async fn what_is_ours_is_small() {
    let mut overhead = Vec::new();
    let (mut capture, mut rest) = (Vec::new(), Vec::new());
    for (file, end_ms) in labels() {
        let latency = latency(&Path::new("assets").join(&file), end_ms).await;
        assert!(latency.residual_ms.abs() <= 1.0);
        overhead.push(latency.total_ms - latency.silence_ms);
        capture.push(latency.capture_ms);
        rest.push(latency.total_ms - latency.silence_ms - latency.vad_ms - latency.capture_ms);
    }
    eprintln!("overhead {overhead:.1?}, of it to be heard {capture:.1?}, the rest {rest:.1?}");
    assert!(quantile(overhead.clone(), 0.5) <= 15.0);
    assert!(quantile(overhead, 0.95) <= 25.0);
    // The sound is moved when a frame of the detector is whole.
    assert!(quantile(capture, 1.0) <= 0.3);
    assert!(quantile(rest, 1.0) <= 1.0);
}
