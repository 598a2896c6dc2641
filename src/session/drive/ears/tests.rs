//! When the next frame of the voice detector is whole.

use super::*;
use crate::device::capture_port;

/// How long a microphone is waited for in ten seconds: at most this, in milliseconds, and how
/// often.
fn waits(microphone: u32, detector: u32, length: Duration) -> (f64, usize) {
    let rate = SampleRate::new(microphone).unwrap();
    let (_port, capture) = capture_port(rate);
    let frame = Frame { rate: SampleRate::new(detector).unwrap(), length };
    let mut ears = Ears {
        capture,
        input: None,
        way: Way::Open,
        rate,
        given: 0,
        sent: 0,
        frame,
        taken: Vec::new(),
        placed: Vec::new(),
        rendered: Vec::new(),
        lost: 0,
        surplus: 0,
        meters: Arc::default(),
        mute: Mute::default(),
    };
    let (mut now, mut longest, mut count) = (Duration::ZERO, Duration::ZERO, 0);
    while now < Duration::from_secs(10) {
        let wait = ears.until_frame();
        (now, longest, count) = (now + wait, longest.max(wait), count + 1);
        ears.sent = rate.samples(now);
    }
    (longest.as_secs_f64() * 1e3, count)
}

#[test]
fn the_microphone_is_listened_to_once_a_frame() {
    for (microphone, detector, frame) in
        [(16_000, 16_000, 16), (48_000, 16_000, 16), (8_000, 16_000, 20)]
    {
        let (longest, count) = waits(microphone, detector, Duration::from_millis(frame));
        let expected = 10_000 / frame as usize;
        assert!((expected - 1..=expected + 1).contains(&count), "{count} at {microphone} Hz");
        assert!(longest < frame as f64 + 2.0, "{longest} at {microphone} Hz");
    }
}
