//! One frame of 20 ms through the turn machine, in turns of a second with a second between.

mod support;

use std::time::Duration;

use banter::audio::Tone;
use banter::time::SessionTime;
use banter::turn::{Action, Detector, Input, TurnConfig, TurnMachine};

const FRAME: Duration = Duration::from_millis(20);

fn main() {
    let mut criterion = support::criterion();
    let detector = Detector { threshold: 0.5, delay: Duration::ZERO };
    let mut machine = TurnMachine::new(TurnConfig::default(), detector);
    let (mut frames, mut ends) = (0_u64, 0_u64);
    criterion.bench_function("turn machine, frame of 20 ms", |bencher| {
        bencher.iter(|| {
            frames += 1;
            let end = SessionTime::from_millis(20 * frames);
            let probability = if frames / 50 % 2 == 0 { 0.9 } else { 0.1 };
            machine.handle(Input::Voice { end, length: FRAME, probability, tone: Tone::default() });
            while let Some(action) = machine.poll_action() {
                ends += u64::from(matches!(action, Action::End { .. }));
            }
        });
    });
    assert!(ends.abs_diff(frames / 100) <= 1, "{ends} turns in {frames} frames");
    criterion.final_summary();
}
