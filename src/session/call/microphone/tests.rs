use futures_util::FutureExt;

use super::*;
use crate::device::{Capture, capture_port};

/// A microphone that is looked at every 5 ms.
struct Bench {
    voice: Voice,
    running: Box<dyn Running>,
    capture: Capture,
    now: u64,
    heard: Vec<i16>,
}

impl Bench {
    fn new() -> Self {
        let (voice, end) = microphone(SampleRate::SPEECH);
        let (port, capture) = capture_port(SampleRate::SPEECH);
        let (clock, _stepper) = SessionClock::stepped();
        let running = Box::new(end).start(port, &clock).unwrap();
        Self { voice, running, capture, now: 0, heard: Vec::new() }
    }

    fn until(&mut self, ms: u64) {
        while self.now < ms {
            self.now += 5;
            self.running.advance(SessionTime::from_millis(self.now)).unwrap();
            while let Some(sample) = self.capture.take(1) {
                self.heard.extend(sample);
            }
        }
    }
}

fn sound(ms: u64, hz: u32, value: i16) -> AudioChunk {
    let rate = SampleRate::new(hz).unwrap();
    AudioChunk::new(vec![value; (ms * u64::from(hz) / 1_000) as usize], rate)
}

#[test]
fn what_is_sent_is_heard_to_the_last_sample_and_then_the_microphone_ends() {
    let mut bench = Bench::new();
    for value in 1..=5 {
        bench.voice.send(&sound(100, 16_000, value)).now_or_never().unwrap().unwrap();
    }
    bench.voice.end().now_or_never().unwrap();
    bench.until(1_000);
    let all: Vec<i16> = (1..=5).flat_map(|value| [value; 1_600]).collect();
    assert_eq!(bench.heard, all);
    assert!(bench.capture.is_over());
    let late = bench.voice.send(&sound(20, 16_000, 9)).now_or_never().unwrap();
    assert!(matches!(late, Err(CallError::Over)), "{late:?}");
    assert!(matches!(bench.voice.try_send(&sound(20, 16_000, 9)), Err(CallError::Over)));
}

#[test]
fn a_second_of_sound_waits_and_whoever_sends_more_waits_with_it() {
    let mut bench = Bench::new();
    let voice = bench.voice.clone();
    let chunk = sound(3_000, 16_000, 7);
    let mut sending = Box::pin(voice.send(&chunk));
    assert!(sending.as_mut().now_or_never().is_none());
    let mut at = 0;
    let sent = loop {
        at += 5;
        bench.until(at);
        if let Some(sent) = sending.as_mut().now_or_never() {
            break sent;
        }
    };
    sent.unwrap();
    // 3 s, of which one may wait and 200 ms be heard ahead.
    assert!((1_700..=1_900).contains(&at), "{at}");
    bench.until(4_000);
    assert_eq!(bench.heard.iter().filter(|&&sample| sample == 7).count(), 48_000);
    assert_eq!(bench.heard[..48_000], [7; 48_000], "without a gap");
}

#[test]
fn what_does_not_fit_is_refused_whole() {
    let mut bench = Bench::new();
    let mut sent = 0;
    while bench.voice.try_send(&sound(100, 16_000, 7)).is_ok() {
        sent += 1;
    }
    assert!((8..=10).contains(&sent), "{sent}");
    assert!(matches!(bench.voice.try_send(&sound(100, 16_000, 7)), Err(CallError::Full)));
    bench.until(2_000);
    assert_eq!(bench.heard.iter().filter(|&&sample| sample == 7).count(), sent * 1_600);
    assert!(bench.voice.try_send(&sound(100, 16_000, 7)).is_ok(), "there is room again");
}

#[test]
fn sound_of_any_rate_lasts_as_long() {
    for hz in [8_000, 24_000, 44_100, 48_000] {
        let mut bench = Bench::new();
        for _ in 0..40 {
            bench.voice.send(&sound(20, hz, 4_000)).now_or_never().unwrap().unwrap();
        }
        bench.voice.end().now_or_never().unwrap();
        bench.until(1_000);
        let lasts = bench.heard.len() as i64;
        // What the resampler still holds is not waited for.
        assert!((12_800 - 320..=12_800).contains(&lasts), "{hz} Hz: {lasts}");
    }
    let voice = Bench::new().voice;
    let refused = voice.send(&sound(20, 1_000, 0)).now_or_never().unwrap();
    assert!(matches!(refused, Err(CallError::Rate(_) | CallError::Over)), "{refused:?}");
}

#[test]
fn a_session_that_is_gone_keeps_nobody_waiting() {
    let bench = Bench::new();
    let voice = bench.voice.clone();
    let chunk = sound(3_000, 16_000, 7);
    let mut sending = Box::pin(voice.send(&chunk));
    assert!(sending.as_mut().now_or_never().is_none());
    drop(bench);
    assert!(matches!(sending.now_or_never(), Some(Err(CallError::Over))));
}
