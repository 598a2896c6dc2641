//! What a client gets, and when.

use std::collections::VecDeque;

use futures_util::FutureExt;

use super::super::frames;
use super::super::outgoing::{Outgoing, Queue, outgoing};
use super::*;
use crate::device::{Playback, render_port};
use crate::time::{SessionTime, Stepper};

/// A speaker that is moved every 5 ms.
struct Bench {
    rendering: Box<dyn Rendering>,
    playback: Playback,
    queue: Queue,
    stepper: Stepper,
    now: u64,
}

/// What came at a time: samples, or `None` for `clear`.
type Came = (u64, Option<Vec<i16>>);

impl Bench {
    fn new() -> Self {
        let (outlet, queue) = outgoing();
        let (port, playback, _tap) = render_port(RATE);
        let (clock, stepper) = SessionClock::stepped();
        let rendering = Box::new(SocketSpeaker(outlet)).start(port, &clock).unwrap();
        Self { rendering, playback, queue, stepper, now: 0 }
    }

    fn say(&mut self, samples: impl IntoIterator<Item = i16>) {
        let mut samples: VecDeque<_> = samples.into_iter().collect();
        self.playback.push(&mut samples);
        assert!(samples.is_empty(), "the ring is large enough for a test");
    }

    /// All that comes until then.
    async fn until(&mut self, ms: u64) -> Vec<Came> {
        let mut came = Vec::new();
        while self.now < ms {
            let time = SessionTime::from_millis(self.now);
            self.stepper.advance_to(time).await;
            self.rendering.advance(time + Duration::from_millis(5)).unwrap();
            while let Some(Some(outgoing)) = self.queue.next().now_or_never() {
                came.push(match outgoing {
                    Outgoing::Clear => (self.now, None),
                    Outgoing::Sound(sound) => (self.now, Some(frames::samples(&sound).collect())),
                });
            }
            self.now += 5;
        }
        came
    }
}

fn sound(came: &[Came]) -> Vec<i16> {
    came.iter().filter_map(|(_, sound)| sound.clone()).flatten().collect()
}

fn ramp(range: std::ops::Range<i16>) -> Vec<i16> {
    range.collect()
}

#[tokio::test]
async fn a_reply_is_sent_at_once_then_at_the_pace_of_speech_and_to_its_last_sample() {
    let mut bench = Bench::new();
    assert_eq!(bench.until(100).await, [], "nobody speaks");
    bench.say(1..4001);
    bench.playback.expect_more(false);
    let came = bench.until(400).await;
    assert_eq!(sound(&came), ramp(1..4001), "no sample more or less");
    let times: Vec<_> =
        came.iter().map(|(at, sound)| (*at, sound.as_ref().unwrap().len())).collect();
    let frames = [(100, 480), (100, 480), (100, 480), (115, 480), (135, 480), (155, 480)];
    assert_eq!(times[..6], frames);
    assert_eq!(times[6..], [(175, 480), (195, 480), (215, 160)]);
    assert_eq!(bench.playback.gate().under_runs(), 0);
}

#[tokio::test]
async fn sound_that_comes_slowly_waits_for_no_full_frame() {
    let mut bench = Bench::new();
    bench.playback.expect_more(true);
    bench.say(1..121);
    assert_eq!(bench.until(5).await, [(0, Some(ramp(1..121)))]);
    bench.say(121..241);
    assert_eq!(bench.until(10).await, [(5, Some(ramp(121..241)))]);
    assert_eq!(bench.playback.gate().under_runs(), 0);
    assert_eq!(bench.until(100).await, []);
    assert_eq!(bench.playback.gate().under_runs(), 1, "the client had nothing to play");
}

#[tokio::test]
async fn a_hold_clears_at_once_and_a_release_says_again_what_was_cleared() {
    let mut bench = Bench::new();
    bench.say(1..8001);
    let heard = bench.until(100).await;
    // 100 ms have passed; at most 65 ms more were sent.
    let sent = sound(&heard).len();
    assert!((3600..=3960).contains(&sent), "{sent}");
    bench.playback.gate().hold_at(SessionTime::from_millis(98));
    assert_eq!(bench.until(500).await, [(100, None)], "and nothing else while it holds");
    let silenced = bench.playback.gate().silenced().unwrap();
    assert_eq!(silenced.in_air, SessionTime::from_millis(100));
    // What was sent is heard in real time: 100 ms of it, less what the client's device holds.
    assert_eq!(bench.playback.gate().played(), 2400 - 960);
    bench.playback.gate().play();
    let again = sound(&bench.until(1000).await);
    assert_eq!(again.len(), 8000 - 1440);
    assert_eq!(again[120..], ramp(1561..8001), "after 5 ms in which it gets louder");
}

#[tokio::test]
async fn what_is_cancelled_at_once_is_cleared_and_not_heard_again() {
    let mut bench = Bench::new();
    bench.say(vec![1000; 8000]);
    bench.until(100).await;
    bench.playback.gate().hold();
    bench.playback.drop_queued();
    bench.say(vec![5; 480]);
    let came = bench.until(300).await;
    assert_eq!(came[0], (100, None));
    let heard = sound(&came);
    assert_eq!(heard.len(), 480);
    assert!(heard.iter().all(|&sample| sample <= 5), "nothing of what was cancelled");
}

#[tokio::test]
async fn a_hold_long_after_a_reply_says_nothing_of_it_again() {
    let mut bench = Bench::new();
    bench.say(vec![1000; 480]);
    bench.until(200).await;
    bench.playback.gate().hold();
    bench.until(300).await;
    bench.playback.gate().play();
    assert!(sound(&bench.until(500).await).is_empty());
}
