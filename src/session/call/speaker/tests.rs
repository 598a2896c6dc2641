use std::collections::VecDeque;

use futures_util::FutureExt;

use super::*;
use crate::device::{Playback, render_port};
use crate::events::EventBus;
use crate::ids::ResponseId;
use crate::time::{SessionTime, Stepper};

/// A speaker that is moved every 5 ms.
struct Bench {
    rendering: Box<dyn Rendering>,
    playback: Playback,
    responses: Responses,
    telling: Option<Telling>,
    bus: EventBus,
    stepper: Stepper,
    now: u64,
    /// What is still to be said.
    rest: VecDeque<i16>,
}

const RATE: SampleRate = SampleRate::new(24_000).unwrap();

impl Bench {
    fn new() -> Self {
        let (clock, stepper) = SessionClock::stepped();
        let bus = EventBus::default();
        let (speaker, telling, responses) = speaker(RATE, bus.weak(), clock.clone());
        let (port, playback, _tap) = render_port(RATE);
        let rendering = Box::new(speaker).start(port, &clock).unwrap();
        let (telling, rest) = (Some(telling), VecDeque::new());
        Self { rendering, playback, responses, telling, bus, stepper, now: 0, rest }
    }

    fn say(&mut self, samples: impl IntoIterator<Item = i16>) {
        self.rest.extend(samples);
    }

    async fn pass(&mut self, ms: u64) {
        let until = self.now + ms;
        while self.now < until {
            self.playback.push(&mut self.rest);
            let time = SessionTime::from_millis(self.now);
            self.stepper.advance_to(time).await;
            self.rendering.advance(time + Duration::from_millis(5)).unwrap();
            self.now += 5;
        }
    }

    /// The next thing that has come.
    fn next(&mut self) -> Option<CallChunk> {
        self.responses.next().now_or_never().flatten()
    }

    fn all(&mut self) -> Vec<CallChunk> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

fn sound(chunks: &[CallChunk]) -> Vec<i16> {
    let sound = chunks.iter().filter_map(|chunk| match chunk {
        CallChunk::Sound(sound) => Some(sound.samples()),
        _ => None,
    });
    sound.flatten().copied().collect()
}

fn ramp(to: i16) -> impl Iterator<Item = i16> {
    (0..to).map(|at| at % 20_000 + 1)
}

#[tokio::test]
async fn an_answer_comes_at_the_pace_of_speech_and_to_its_last_sample() {
    let mut bench = Bench::new();
    bench.say(ramp(10_000));
    bench.pass(100).await;
    let first = bench.all();
    let lasts = RATE.duration(sound(&first).len() as u64);
    assert!((140..=165).contains(&lasts.as_millis()), "{lasts:?}");
    bench.pass(900).await;
    let rest = bench.all();
    assert_eq!([sound(&first), sound(&rest)].concat(), ramp(10_000).collect::<Vec<_>>());
    assert!(rest.iter().all(|chunk| matches!(chunk, CallChunk::Sound(_))));
}

#[tokio::test]
async fn for_a_slow_reader_the_voice_is_held_back_and_none_of_it_is_lost() {
    let mut bench = Bench::new();
    let mut warnings = bench.bus.subscribe();
    bench.say(ramp(30_000).chain(ramp(30_000)));
    bench.pass(2_000).await;
    let played = bench.playback.gate().played();
    assert_eq!(RATE.duration(played).as_millis(), 1_000, "a second waits, and no more was heard");
    assert!(bench.playback.gate().unheard_since().is_some(), "so nobody takes it for a failure");
    let mut chunks = bench.all();
    while chunks.iter().filter(|chunk| matches!(chunk, CallChunk::Sound(_))).count() < 200 {
        bench.pass(20).await;
        chunks.extend(bench.all());
        assert!(bench.now < 10_000, "the rest does not come");
        if bench.rest.is_empty() && sound(&chunks).len() >= 60_000 {
            break;
        }
    }
    let whole = sound(&chunks);
    assert_eq!(whole.len(), 60_000, "no sample more or less");
    let said: Vec<_> = ramp(30_000).chain(ramp(30_000)).collect();
    assert_eq!(whole[..24_000], said[..24_000]);
    // Where it goes on it gets louder within 5 ms.
    assert_eq!(whole[24_000 + 120..], said[24_000 + 120..]);
    let behind: Vec<_> = chunks
        .iter()
        .enumerate()
        .filter_map(|(at, chunk)| match chunk {
            CallChunk::Behind { held } => Some((at, held.as_millis())),
            _ => None,
        })
        .collect();
    let [(at, held)] = behind[..] else { panic!("{behind:?}") };
    assert_eq!(sound(&chunks[..at]).len(), 24_000, "it is told where it was");
    assert!((1_000..=1_100).contains(&held), "{held}");
    assert!(bench.playback.gate().unheard_since().is_none());
    let Some(Some(Ok(Event { kind: EventKind::Warning { message }, .. }))) =
        warnings.next().now_or_never()
    else {
        panic!("nobody was warned")
    };
    assert!(message.contains("takes too little"), "{message}");
    assert!(warnings.next().now_or_never().is_none(), "once");
}

#[tokio::test]
async fn a_hold_takes_back_what_nobody_has_taken_and_it_comes_again_if_the_agent_goes_on() {
    let mut bench = Bench::new();
    bench.say(ramp(20_000));
    bench.pass(200).await;
    let taken = bench.next();
    assert!(matches!(&taken, Some(CallChunk::Sound(sound)) if sound.samples().len() == 480));
    bench.playback.gate().hold_at(SessionTime::from_millis(bench.now));
    bench.pass(100).await;
    assert_eq!(bench.all(), [CallChunk::Clear], "the rest is not worth hearing");
    assert_eq!(bench.playback.gate().played(), 0, "40 ms of what was taken may not be played yet");
    bench.playback.gate().play();
    bench.pass(1_500).await;
    let again = sound(&bench.all());
    assert_eq!(again.len(), 20_000);
    assert_eq!(again[120..], ramp(20_000).collect::<Vec<_>>()[120..]);
}

#[tokio::test]
async fn nobody_waits_for_a_reader_who_is_gone() {
    let mut bench = Bench::new();
    bench.responses.close();
    bench.say(ramp(30_000));
    bench.pass(3_000).await;
    assert_eq!(bench.playback.gate().played(), 30_000);
}

#[tokio::test]
async fn events_come_in_order_with_sound_and_the_lost_ones_are_counted() {
    let mut bench = Bench::new();
    let events = bench.bus.subscribe();
    let event =
        |kind| Event { at: SessionTime::ZERO, turn: None, response: Some(ResponseId::FIRST), kind };
    let following = tokio::spawn(bench.telling.take().unwrap().follow(events));
    bench.say(ramp(480));
    bench.pass(100).await;
    bench.bus.publish(event(EventKind::ResponseEnded { outcome: "completed" }));
    tokio::task::yield_now().await;
    let chunks = bench.all();
    assert_eq!(sound(&chunks[..1]).len(), 480);
    let ended = CallChunk::Ended { response: ResponseId::FIRST, outcome: "completed" };
    assert_eq!(chunks[1..], [ended]);

    for _ in 0..2_000 {
        let text = "word".to_owned();
        bench.bus.publish(event(EventKind::ResponseText { text }));
    }
    let (mut texts, mut missed) = (0, 0);
    while texts + missed < 2_000 {
        tokio::task::yield_now().await;
        for chunk in bench.all() {
            match chunk {
                CallChunk::Text { .. } => texts += 1,
                CallChunk::Missed { events } => missed += events,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(missed > 0 && texts >= 1_024, "{texts}, {missed}");
    following.abort();
}
