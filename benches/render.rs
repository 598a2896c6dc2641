//! 10 ms of sound on the speaker's side: queued, through the gate, and noted as heard.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use std::collections::VecDeque;

use banter::audio::SampleRate;
use banter::device::render_port;
use banter::time::SessionTime;

fn main() {
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("render");
    for hz in [16_000, 48_000] {
        let rate = SampleRate::new(hz).unwrap();
        let (mut port, mut playback, _tap) = render_port(rate);
        let mut block = vec![0_i16; hz as usize / 100];
        let sound: Vec<i16> = (0..hz / 100).map(|at| (at * 7_919 % 20_000) as i16).collect();
        let mut queue = VecDeque::new();
        group.bench_function(format!("10 ms of voice at {rate}"), |bencher| {
            bencher.iter(|| {
                queue.extend(&sound);
                playback.push(&mut queue);
                port.fill(&mut block, SessionTime::ZERO);
                playback.next_played()
            });
        });
        group.bench_function(format!("10 ms of nothing at {rate}"), |bencher| {
            bencher.iter(|| port.fill(&mut block, SessionTime::ZERO));
        });
        playback.gate().hold();
        group.bench_function(format!("10 ms on hold at {rate}"), |bencher| {
            bencher.iter(|| port.fill(&mut block, SessionTime::ZERO));
        });
    }
    group.finish();
    criterion.final_summary();
}
