//! One frame through each voice detector. Its length is in its name.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use banter::vad::by_name;

const DETECTORS: &[&str] = if cfg!(feature = "webrtc-vad") {
    &["earshot", "energy", "webrtc"]
} else {
    &["earshot", "energy"]
};

fn main() {
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("vad");
    for name in DETECTORS {
        let mut vad = by_name(name).unwrap();
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
