//! What an audio callback calls allocates nothing, whatever the session does meanwhile.

use std::collections::VecDeque;

use allocation_counter::measure;
use banter::audio::SampleRate;
use banter::device::{capture_port, render_port};
use banter::time::SessionTime;

#[test]
fn the_speakers_callback_allocates_nothing() {
    let rate = SampleRate::SPEECH;
    let (mut port, mut playback, _tap) = render_port(rate);
    let mut out = [0; 160];
    let mut allocations = 0;
    // Ten seconds of talk: played, ducked, held, released, ducked, held, dropped, run dry.
    for block in 0..1000_u64 {
        let mut sound: VecDeque<i16> = (0..160).collect();
        match block % 100 {
            0..90 => playback.push(&mut sound),
            _ => playback.expect_more(true),
        }
        match block % 100 {
            20 | 60 => playback.gate().duck(),
            30 | 70 => playback.gate().hold(),
            50 => playback.gate().play(),
            80 => drop(playback.drop_queued()),
            _ => {}
        }
        let at = SessionTime::ZERO + rate.duration(160 * block);
        allocations += measure(|| _ = port.fill(&mut out, at)).count_total;
    }
    assert!(playback.gate().played() > 80_000, "it did play");
    assert!(playback.gate().under_runs() > 0, "and ran dry");
    assert_eq!(allocations, 0);
}

#[test]
fn the_microphones_callback_allocates_nothing() {
    let (mut port, capture) = capture_port(SampleRate::SPEECH);
    let sound = [7; 160];
    // Ten seconds, of which nobody takes any: the ring overflows.
    let counted = measure(|| (0..1000).for_each(|_| port.push(&sound)));
    assert_eq!(capture.lost(), 160_000 - 32_000);
    assert_eq!(counted.count_total, 0);
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(Box::new(1))).count_total, 1);
}
