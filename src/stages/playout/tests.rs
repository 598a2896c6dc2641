//! What is played when, and what is said to have been heard.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::device::{Gate, RenderPort, render_port};
use crate::ids::{ResponseId, TurnId};
use crate::pipeline::{Node, PipelineBuilder, PipelineConfig, Run, TurnContext};
use crate::stages::Tts;
use crate::time::{SessionClock, SessionTime, Stepper};
use crate::tts::{SpeakRequest, SpeechEvent, SpeechStream, Synthesizer, TtsError};
use crate::turn::SpeechMark;

const RATE: SampleRate = SampleRate::SPEECH;

/// The stage alone, and a speaker that is asked for blocks of 10 ms.
struct Bench {
    context: Context,
    stepper: Stepper,
    run: Run,
    input: Outlet,
    facts: mpsc::Receiver<Fact>,
    port: RenderPort,
    gate: Arc<Gate>,
    now: SessionTime,
    heard: Vec<i16>,
    _commands: mpsc::Sender<PlayoutCommand>,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| None)
    }

    /// With a stage before it.
    fn with(before: impl FnOnce(Facts) -> Option<Node>) -> Self {
        let (clock, stepper) = SessionClock::stepped();
        let context = Context::new(clock);
        let (port, playback, _tap) = render_port(RATE);
        let gate = Arc::clone(playback.gate());
        let (facts_in, facts) = mpsc::channel(64);
        let (commands, playout_commands) = mpsc::channel(4);
        let before = before(Facts::to(facts_in.clone()));
        let playout = Playout::new(playback, Facts::to(facts_in), playout_commands);
        let nodes = before.into_iter().chain([Node::stage(playout)]);
        let builder = PipelineBuilder::new(PipelineConfig::default());
        let mut run = builder.chain(nodes).build().unwrap().run(&context);
        let input = run.take_input().unwrap();
        let (now, heard) = (SessionTime::ZERO, Vec::new());
        Self { context, stepper, run, input, facts, port, gate, now, heard, _commands: commands }
    }

    /// Begins a response and says `text` for so many milliseconds.
    async fn say(&mut self, response: ResponseId, text: &str, ms: usize) {
        let context = TurnContext::new(TurnId::new(1), response, []);
        let begin = Element::begin(self.now, context);
        let delta = begin.with(Payload::TextDelta(text.into()));
        let (end, ends_sentence) = (u32::try_from(text.len()).unwrap(), true);
        let mark = Some(SpeechMark { start: 0, end, at: 0, ends_sentence });
        let audio = AudioChunk::new(vec![1000; 16 * ms], RATE);
        let sound = begin.with(Payload::Spoken { audio, mark });
        for element in [begin, delta, sound] {
            self.input.send(element).await.unwrap();
        }
    }

    async fn end(&mut self, response: ResponseId) {
        let end = Payload::TurnEnd(Outcome::Completed);
        let end = Element::new(TurnId::new(1), self.now, end).of(response);
        self.input.send(end).await.unwrap();
    }

    /// Lets time pass, and the speaker play.
    async fn pass(&mut self, ms: u64) {
        let until = self.now + Duration::from_millis(ms);
        while self.now < until {
            self.stepper.settle().await;
            let mut block = [0; 160];
            self.port.fill(&mut block, self.now);
            self.heard.extend(block);
            self.now = self.now + Duration::from_millis(10);
            self.stepper.advance_to(self.now).await;
        }
    }

    fn loud(&self) -> usize {
        self.heard.iter().filter(|sample| sample.abs() > 950).count()
    }

    fn over(&mut self) -> Option<(Outcome, usize, Duration)> {
        while let Ok(fact) = self.facts.try_recv() {
            if let Fact::Over { outcome, heard_bytes, heard, .. } = fact {
                return Some((outcome, heard_bytes, heard));
            }
        }
        None
    }
}

#[tokio::test]
async fn nothing_is_heard_before_it_is_committed_and_then_all_of_it() {
    let mut bench = Bench::new();
    bench.say(ResponseId::FIRST, "Yes, I do.", 500).await;
    bench.end(ResponseId::FIRST).await;
    bench.pass(300).await;
    assert_eq!(bench.loud(), 0);
    bench.context.floor.commit(ResponseId::FIRST);
    bench.pass(600).await;
    assert_eq!(bench.loud(), 8000, "every sample, the last one too");
    assert!(bench.heard[4800..4960].iter().any(|sample| *sample != 0), "at once");
    assert_eq!(bench.over(), Some((Outcome::Completed, 10, Duration::from_millis(500))));
}

#[tokio::test]
async fn what_is_discarded_before_it_is_committed_leaves_no_trace() {
    let mut bench = Bench::new();
    bench.say(ResponseId::FIRST, "Yes, I do.", 500).await;
    bench.pass(100).await;
    bench.context.floor.cancel(ResponseId::FIRST);
    bench.pass(100).await;
    let second = ResponseId::FIRST.next();
    bench.context.floor.commit(second);
    let nothing = Outcome::Interrupted { heard: Duration::ZERO };
    assert_eq!(bench.over(), Some((nothing, 0, Duration::ZERO)));
    bench.say(second, "No.", 200).await;
    bench.end(second).await;
    bench.end(ResponseId::FIRST).await; // late, as it may be
    bench.pass(400).await;
    assert_eq!(bench.over(), Some((Outcome::Completed, 3, Duration::from_millis(200))));
    assert_eq!(bench.over(), None, "each response is over once");
    // The second fades in over 5 ms: the gate was moved for the first.
    assert!((3000..=3200).contains(&bench.loud()), "{}", bench.loud());
}

#[tokio::test]
async fn a_response_that_was_cancelled_before_it_came_is_over_all_the_same() {
    let mut bench = Bench::new();
    bench.context.floor.cancel(ResponseId::FIRST);
    bench.say(ResponseId::FIRST, "Yes.", 500).await;
    bench.end(ResponseId::FIRST).await;
    bench.pass(50).await;
    let nothing = Outcome::Interrupted { heard: Duration::ZERO };
    assert_eq!(bench.over(), Some((nothing, 0, Duration::ZERO)));
    assert_eq!(bench.loud(), 0);
}

#[tokio::test]
async fn the_spill_holds_30_s_and_then_holds_the_synthesizer_back() {
    let mut bench = Bench::new();
    bench.say(ResponseId::FIRST, "A very long story.", 31_000).await;
    bench.stepper.settle().await;
    let more = Element::new(TurnId::new(1), bench.now, Payload::LikelyEnd).of(ResponseId::FIRST);
    let capacity = PipelineConfig::default().capacity;
    for _ in 0..capacity {
        bench.input.send(more.clone()).await.unwrap();
    }
    bench.stepper.settle().await;
    assert!(!bench.input.has_room(), "it takes no more");
    bench.context.floor.commit(ResponseId::FIRST);
    bench.pass(2_000).await;
    assert!(bench.input.has_room(), "until some of it was heard");
}

#[tokio::test]
async fn sound_that_comes_too_late_is_an_under_run_and_not_a_click() {
    let mut bench = Bench::new();
    bench.context.floor.commit(ResponseId::FIRST);
    bench.say(ResponseId::FIRST, "Well,", 100).await;
    bench.pass(200).await;
    let late = AudioChunk::new(vec![1000; 16 * 100], RATE);
    let late = Payload::Spoken { audio: late, mark: None };
    let late = Element::new(TurnId::new(1), bench.now, late).of(ResponseId::FIRST);
    bench.input.send(late).await.unwrap();
    bench.end(ResponseId::FIRST).await;
    bench.pass(300).await;
    assert_eq!(bench.gate.under_runs(), 1);
    let falls = bench.heard.windows(2).map(|pair| i32::from(pair[0]) - i32::from(pair[1]));
    assert!(falls.max().unwrap() <= 101, "it fades");
    assert_eq!(bench.over().map(|(outcome, ..)| outcome), Some(Outcome::Completed));
}

#[tokio::test]
async fn when_nothing_more_comes_it_plays_what_there_is() {
    let mut bench = Bench::new();
    bench.context.floor.commit(ResponseId::FIRST);
    bench.say(ResponseId::FIRST, "Well,", 100).await;
    drop(std::mem::replace(&mut bench.input, crate::pipeline::edge(1, &bench.context).0));
    bench.pass(200).await;
    assert_eq!(bench.loud(), 1600);
    assert_eq!(bench.over().map(|(outcome, ..)| outcome), Some(Outcome::Discarded));
    bench.run.wait().await.unwrap();
}

/// A synthesizer that says it speaks at 24 kHz and does so at 22.05 kHz, a second for each piece.
#[derive(Debug)]
struct OffRate;

impl Synthesizer for OffRate {
    fn name(&self) -> &'static str {
        "off rate"
    }

    fn rate(&self) -> SampleRate {
        SampleRate::new(24_000).unwrap()
    }

    fn speak(&self, _: SpeakRequest) -> SpeechStream {
        let rate = SampleRate::new(22_050).unwrap();
        let tenth = SpeechEvent::Audio(AudioChunk::new([1000; 2_205], rate));
        Box::pin(stream::iter(vec![tenth; 10]).map(Ok))
    }
}

#[tokio::test]
async fn sound_at_another_rate_than_the_engines_is_heard_for_as_long_and_as_far_as_it_is() {
    for cut in [false, true] {
        let mut bench = Bench::with(|facts| Some(Node::stage(Tts::new(Arc::new(OffRate), facts))));
        let text = "One is here. Two is here. ";
        let begin =
            Element::begin(bench.now, TurnContext::new(TurnId::new(1), ResponseId::FIRST, []));
        let delta = begin.with(Payload::TextDelta(text.into()));
        for element in [begin, delta] {
            bench.input.send(element).await.unwrap();
        }
        bench.end(ResponseId::FIRST).await;
        bench.context.floor.commit(ResponseId::FIRST);
        bench.pass(if cut { 1_100 } else { 2_300 }).await;
        if cut {
            bench.context.floor.cancel(ResponseId::FIRST);
            bench.pass(100).await;
        }
        let (outcome, bytes, heard) = bench.over().unwrap();
        let ms = heard.as_millis();
        if cut {
            assert!(matches!(outcome, Outcome::Interrupted { .. }));
            assert!((1_000..1_150).contains(&ms), "{ms}");
            assert!((12..18).contains(&bytes), "the first sentence and a little: {bytes}");
        } else {
            assert_eq!(outcome, Outcome::Completed);
            assert!((1_999..=2_001).contains(&ms), "{ms}");
        }
    }
}

/// A synthesizer that gives half a second of a piece, and then fails or gives nothing more.
#[derive(Debug)]
enum Half {
    BreaksOff,
    Stalls,
}

impl Synthesizer for Half {
    fn name(&self) -> &'static str {
        "half"
    }

    fn rate(&self) -> SampleRate {
        RATE
    }

    fn speak(&self, _: SpeakRequest) -> SpeechStream {
        let tenth = || Ok(SpeechEvent::Audio(AudioChunk::new([1000; 1_600], RATE)));
        let sound = stream::iter((0..5).map(move |_| tenth()));
        let reason = "it broke off".to_owned();
        let error = Err(TtsError::Failed { engine: "half", reason });
        match self {
            Self::BreaksOff => Box::pin(sound.chain(stream::iter([error]))),
            Self::Stalls => Box::pin(sound.chain(stream::pending())),
        }
    }
}

/// What was heard of a text of which there is half a second of sound, and how it ended.
async fn heard_of_half(engine: Half, cut: bool) -> (Outcome, Duration, &'static str) {
    let mut bench = Bench::with(|facts| Some(Node::stage(Tts::new(Arc::new(engine), facts))));
    let text = "One is here and so is number two. ";
    let begin = Element::begin(bench.now, TurnContext::new(TurnId::new(1), ResponseId::FIRST, []));
    let delta = begin.with(Payload::TextDelta(text.into()));
    for element in [begin, delta] {
        bench.input.send(element).await.unwrap();
    }
    bench.end(ResponseId::FIRST).await;
    bench.context.floor.commit(ResponseId::FIRST);
    bench.pass(1_000).await;
    if cut {
        bench.context.floor.cancel(ResponseId::FIRST);
        bench.pass(100).await;
    }
    let (outcome, bytes, heard) = bench.over().unwrap();
    (outcome, heard, &text[..bytes])
}

#[tokio::test]
async fn a_piece_whose_sound_breaks_off_is_heard_as_far_as_it_sounded() {
    let (outcome, heard, text) = heard_of_half(Half::BreaksOff, false).await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!(heard, Duration::from_millis(500));
    assert_eq!(text, "One is", "half a second has seven characters");
}

#[tokio::test]
async fn a_piece_that_is_cut_while_its_sound_is_awaited_is_heard_as_far_as_it_sounded() {
    let (outcome, heard, text) = heard_of_half(Half::Stalls, true).await;
    assert!(matches!(outcome, Outcome::Interrupted { .. }), "{outcome:?}");
    assert_eq!(heard, Duration::from_millis(500));
    assert_eq!(text, "One is", "half a second has seven characters");
}
