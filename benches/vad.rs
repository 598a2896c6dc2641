//! One frame through each voice detector. Its length is in its name.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

#[cfg(feature = "onnx")]
#[path = "../tests/support/lacking.rs"]
mod lacking;
mod support;

use banter::vad::{Vad, by_name};

const DETECTORS: &[&str] = if cfg!(feature = "webrtc-vad") {
    &["earshot", "energy", "webrtc"]
} else {
    &["earshot", "energy"]
};

fn main() {
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("vad");
    let own = DETECTORS.iter().map(|name| by_name(name).unwrap());
    for mut vad in own.chain(silero()) {
        let name = vad.name();
        let length = vad.frame_len();
        let sound: Vec<i16> =
            (0..length as u32 * 50).map(|at| (at * at % 20_011) as i16 - 10_000).collect();
        let mut frames = sound.chunks_exact(length).cycle();
        let ms = vad.rate().duration(length as u64).as_millis();
        group.bench_function(format!("{name}, frame of {ms} ms"), |bencher| {
            bencher.iter(|| frames.next().map(|frame| vad.process(frame)));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// The network that `scripts/setup.sh --tests` fetches; `None`, and said so, without it.
#[cfg(feature = "onnx")]
fn silero() -> Option<Box<dyn Vad>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx/models");
    if !folder.join("installed").exists() {
        lacking::lacking(
            "onnx",
            "scripts/setup.sh --tests has not fetched ONNX Runtime and Silero",
        );
        return None;
    }
    let library = folder.join("libonnxruntime-1.31.1.so");
    let model = std::fs::read(folder.join("silero-6.2.3.onnx")).unwrap();
    let runtime = banter::models::onnx::Runtime::load(&library).unwrap();
    Some(Box::new(runtime.silero(&model).unwrap().detector().unwrap()))
}

#[cfg(not(feature = "onnx"))]
fn silero() -> Option<Box<dyn Vad>> {
    None
}
