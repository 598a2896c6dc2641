//! Answers that are begun before the user's turn has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::world::*;
use crate::events::EventKind;
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::{
    Provider, ProviderError, ProviderErrorKind, ProviderRequest, ProviderStream,
};
use crate::session::SessionHandle;
use crate::stt::{SttError, SttEvent, SttInput, Transcriber, Utterance};
use crate::time::SessionClock;
use crate::tools::FunctionTool;
use crate::turn::{Endpoint, Speculate};
use crate::types::ToolDescriptor;

/// A recogniser of which what it hears hangs on how long it hears: a word for each 400 ms.
#[derive(Debug)]
struct Counting;

impl Transcriber for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn pre_roll(&self) -> Duration {
        Duration::ZERO
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, mut engine) = Utterance::channel();
        tokio::spawn(async move {
            let (mut heard, mut lulled) = (0, None);
            while let Some((input, _work)) = engine.inputs.recv().await {
                let words = |heard: usize| "word ".repeat(heard / 6_400 + 1).trim().to_owned();
                let event = match input {
                    SttInput::Audio(audio) => {
                        heard += audio.samples().len();
                        continue;
                    }
                    SttInput::GoesOn => {
                        lulled = None;
                        continue;
                    }
                    SttInput::Lull => SttEvent::Provisional(lulled.insert(words(heard)).clone()),
                    SttInput::End => SttEvent::Final(lulled.take().unwrap_or_else(|| words(heard))),
                };
                let _gone = engine.events.send(Ok(event)).await;
            }
        });
        Ok(utterance)
    }
}

/// A model that takes half a second to say what it was asked.
fn echo(clock: &SessionClock) -> MockProvider {
    let answer = |request: &ProviderRequest| {
        let asked = request.messages.last().map_or("", |message| message.text.as_str());
        MockAnswer::text(format!("You said {asked}. And that is all there is to it."))
    };
    MockProvider::answering(answer).paced(clock.clone(), Duration::from_millis(500), Duration::ZERO)
}

fn world(script: &str) -> World {
    let mut world = World::new(script, &[], &[]);
    world.transcriber = Arc::new(Counting);
    // A model waits on the wall, which is paused.
    world.provider = Arc::new(echo(&SessionClock::live()));
    world.config.turn.endpoint = Endpoint::Fixed;
    world
}

async fn run(script: &str, when: Speculate) -> (Told, Arc<MockProvider>) {
    let mut world = world(script);
    world.config.speculation.when = when;
    let provider = Arc::clone(&world.provider);
    (world.run().await, provider)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_begun_at_the_lull_is_there_when_the_turn_ends() {
    let script = [voice(600), silence(8_000)].concat();
    let (without, _) = run(&script, Speculate::Never).await;
    let (with, provider) = run(&script, Speculate::WhereFree).await;
    let total = |told: &Told| field(told, "latency", "total_ms").as_f64().unwrap();
    assert_eq!((total(&without).round(), total(&with).round()), (1_300.0, 800.0));
    assert_eq!(with.said(), without.said());
    assert_eq!(provider.requests().len(), 1);
    assert_eq!(field(&with, "speculation_committed", "ahead_ms"), json!(600.0));
    let kinds: Vec<_> = with.events.iter().map(name).collect();
    let after = kinds.iter().position(|kind| kind == "response_started").unwrap();
    assert_eq!(
        kinds[after - 1..after + 3].join(" "),
        "transcript response_started \
        speculation_committed response_text",
        "nothing was told before: {kinds:?}"
    );
    assert_eq!(field(&with, "latency", "provider_ms"), json!(0.0));
}

#[tokio::test(start_paused = true)]
async fn who_goes_on_hears_no_answer_to_the_half_of_it() {
    let script = [voice(600), silence(500), voice(600), silence(8_000)].concat();
    let (told, provider) = run(&script, Speculate::WhereFree).await;
    assert_eq!(told.said().len(), 2, "{:?}", told.said());
    let asked = told.said()[0].trim_start_matches("user: ").to_owned();
    assert!(told.said()[1].contains(&format!("You said {asked}.")), "{:?}", told.said());
    assert_eq!(provider.requests().len(), 2);
    assert_eq!(told.count("response_started"), 1);
    assert_eq!(told.count("speculation_discarded"), 1);
    assert_eq!(field(&told, "speculation_discarded", "estimated"), json!(true));
    assert!(field(&told, "speculation_discarded", "input_tokens").as_u64().unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_so_many_are_begun_in_a_turn() {
    let pauses = [voice(600), silence(500)].concat().repeat(5);
    let script = [pauses, voice(600), silence(8_000)].concat();
    let (told, provider) = run(&script, Speculate::WhereFree).await;
    assert_eq!((told.count("speculation_discarded"), provider.requests().len()), (3, 4));
    assert_eq!(told.said().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_the_first_clause_is_spoken_ahead() {
    /// Counts what it speaks.
    #[derive(Debug, Default)]
    struct Counted(crate::tts::MockSynthesizer, AtomicUsize);
    impl crate::tts::Synthesizer for Counted {
        fn name(&self) -> &'static str {
            "counted"
        }
        fn rate(&self) -> crate::audio::SampleRate {
            self.0.rate()
        }
        fn speak(&self, request: crate::tts::SpeakRequest) -> crate::tts::SpeechStream {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.speak(request)
        }
    }
    let mut world = world(&[voice(600), silence(700), voice(600), silence(8_000)].concat());
    let engine = Arc::new(Counted::default());
    world.synthesizer = Arc::clone(&engine) as _;
    let told = world.run().await;
    assert_eq!(told.count("speculation_discarded"), 1);
    assert_eq!(engine.1.load(Ordering::Relaxed), 1 + 2, "one in vain, and the two of the answer");
}

#[tokio::test(start_paused = true)]
async fn a_tool_with_side_effects_waits_until_the_turn_has_ended() {
    let called = Arc::new(AtomicUsize::new(0));
    let script = [voice(600), silence(500), voice(600), silence(8_000)].concat();
    let mut world = world(&script);
    let answer = |request: &ProviderRequest| {
        let last = request.messages.last().unwrap();
        if last.tool_result.is_some() {
            return MockAnswer::text("Done.");
        }
        MockAnswer::default().calling("act", json!({ "asked": last.text }))
    };
    world.provider = Arc::new(MockProvider::answering(answer));
    let count = Arc::clone(&called);
    let tool = ToolDescriptor::new("act", "Acts.", json!({}));
    let act = FunctionTool::new(tool, move |arguments: Value| {
        count.fetch_add(1, Ordering::Relaxed);
        async move { Ok(arguments) }
    });
    world.tools.register(act).unwrap();
    let told = world.run().await;
    assert_eq!(called.load(Ordering::Relaxed), 1, "not for what was discarded");
    assert_eq!((told.count("speculation_discarded"), told.count("tool_called")), (1, 1));
    assert_eq!(told.said().last().unwrap(), "assistant: Done.");
    assert_eq!(told.said().len(), 4, "{:?}", told.said());
}

/// Fails the first time.
#[derive(Debug)]
struct FailsFirst(Arc<MockProvider>, AtomicUsize);

impl Provider for FailsFirst {
    fn name(&self) -> &str {
        "fails first"
    }

    fn stream(&self, request: ProviderRequest) -> ProviderStream {
        if self.1.fetch_add(1, Ordering::Relaxed) > 0 {
            return self.0.stream(request);
        }
        let (provider, reason) = (self.name().to_owned(), "it says so".to_owned());
        let error = ProviderError::new(provider, ProviderErrorKind::InvalidRequest, reason);
        Box::pin(futures_util::stream::iter([Err(error)]))
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_ahead_has_failed_when_the_turn_ends() {
    let mut world = world(&[voice(600), silence(8_000)].concat());
    let model = FailsFirst(Arc::clone(&world.provider), AtomicUsize::new(0));
    world.model = Some(Arc::new(model));
    let told = world.run().await;
    assert_eq!((told.count("speculation_committed"), told.count("turn_failed")), (1, 1));
    let times = told.times(&["turn_ended", "turn_failed"]);
    assert_eq!(times[0].1, "turn_ended", "{times:?}");
    assert!(told.said().last().unwrap().contains("Sorry"), "{:?}", told.said());
}

#[tokio::test(start_paused = true)]
async fn who_is_paid_is_not_asked_in_vain_unless_that_is_wished_for() {
    /// Takes money.
    #[derive(Debug)]
    struct Paid(Arc<MockProvider>);
    impl Provider for Paid {
        fn name(&self) -> &str {
            "paid"
        }
        fn is_metered(&self) -> bool {
            true
        }
        fn stream(&self, request: ProviderRequest) -> ProviderStream {
            self.0.stream(request)
        }
    }
    for (when, ahead) in [(Speculate::WhereFree, 0), (Speculate::Always, 1)] {
        let mut world = world(&[voice(600), silence(8_000)].concat());
        world.model = Some(Arc::new(Paid(Arc::clone(&world.provider))));
        world.config.speculation.when = when;
        assert_eq!(world.run().await.count("speculation_committed"), ahead, "{when:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_typed_line_is_answered_and_not_what_was_guessed() {
    let mut world = world(&[voice(600), silence(8_000)].concat());
    world.at(900, |handle| handle.hear("never mind"));
    let told = world.run().await;
    assert_eq!(told.count("speculation_discarded"), 1);
    assert!(told.said().last().unwrap().contains("You said"), "{:?}", told.said());
    assert_eq!(told.count("response_started"), told.count("response_ended"));
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_while_an_answer_runs_ahead_is_not_kept() {
    let mut world = world(&[voice(600), silence(8_000)].concat());
    world.at(900, SessionHandle::hang_up);
    let told = world.run().await;
    assert_eq!((told.count("speculation_discarded"), told.count("response_started")), (1, 0));
    assert!(told.events.last().unwrap().at.as_millis() < 1_500.0);
}

fn script() -> impl Strategy<Value = String> {
    let stretch = (5..40_usize, 5..60_usize)
        .prop_map(|(voiced, silent)| voice(20 * voiced) + &silence(20 * silent));
    prop::collection::vec(stretch, 1..12).prop_map(|all| all.concat() + &silence(4_000))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_was_discarded_leaves_no_trace(script in script()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all().start_paused(true).build().unwrap();
        let acted = Arc::new(AtomicUsize::new(0));
        let told = runtime.block_on(async {
            let mut world = world(&script);
            let count = Arc::clone(&acted);
            let tool = ToolDescriptor::new("act", "Acts.", json!({}));
            let act = FunctionTool::new(tool, move |_: Value| {
                count.fetch_add(1, Ordering::Relaxed);
                async move { Ok(json!("acted")) }
            });
            world.tools.register(act).unwrap();
            let answer = |request: &ProviderRequest| {
                let last = request.messages.last().unwrap();
                match (&last.tool_result, last.text.len() % 2) {
                    (None, 0) => MockAnswer::default().calling("act", json!({})),
                    (None, _) => MockAnswer::text(format!("You said {}.", last.text)),
                    (Some(_), _) => MockAnswer::text("Done."),
                }
            };
            world.provider = Arc::new(MockProvider::answering(answer));
            world.run().await
        });
        // Of each response of which anything is told, there is a beginning, and it was meant.
        let of = |kind: fn(&EventKind) -> bool| {
            let all = told.events.iter().filter(move |event| kind(&event.kind));
            all.filter_map(|event| event.response).collect::<Vec<_>>()
        };
        let discarded = of(|kind| matches!(kind, EventKind::SpeculationDiscarded { .. }));
        let told_of = of(|kind| !matches!(kind, EventKind::SpeculationDiscarded { .. }));
        prop_assert!(discarded.iter().all(|id| !told_of.contains(id)), "{discarded:?}");
        prop_assert_eq!(told.count("response_started"), told.count("response_ended"));
        // What acted is told, and nothing else acted.
        prop_assert_eq!(acted.load(Ordering::Relaxed), told.count("tool_finished"));
        // Each answer is one to all that was said before it, and not to the half of it.
        let said = told.said();
        for two in said.windows(2) {
            if let Some(words) = two[1].strip_prefix("assistant: You said ") {
                let asked = two[0].strip_prefix("user: ").unwrap();
                let whole = format!("{asked}.");
                let heard = words.trim_end_matches('…');
                prop_assert!(whole.starts_with(heard.trim_end_matches('.')), "{said:?}");
                prop_assert!(words.ends_with('…') || *heard == whole, "{said:?}");
            }
        }
        // Outside of what was meant, there is silence.
        let heard: f64 = told.events.iter().filter_map(|event| match &event.kind {
            EventKind::AgentSpeechEnded { heard_ms, .. } => Some(*heard_ms),
            _ => None,
        }).sum();
        let loud = told.heard.iter().filter(|sample| **sample != 0).count() as f64 / 16.0;
        prop_assert!(loud <= heard + 1000.0, "{loud} ms of sound, {heard} ms told");
    }
}
