//! 10 ms of sound from one sample rate to another.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use banter::audio::{Resampler, SampleRate};

fn main() {
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("resample");
    for (from, to) in [(48_000, 16_000), (16_000, 48_000)] {
        let [from, to] = [from, to].map(|hz| SampleRate::new(hz).unwrap());
        let mut resampler = Resampler::new(from, to).unwrap();
        let samples: Vec<i16> =
            (0..from.hz() / 100).map(|at| (at * 7_919 % 20_000) as i16 - 10_000).collect();
        let mut out = Vec::with_capacity(1_000);
        group.bench_function(format!("10 ms, {from} to {to}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                resampler.process(&samples, &mut out);
                out.len()
            });
        });
    }
    group.finish();
    criterion.final_summary();
}
