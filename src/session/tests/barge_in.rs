//! Speaking over the agent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream;
use serde_json::json;

use super::world::*;
use crate::audio::{AudioChunk, SampleRate};
use crate::events::EventKind;
use crate::session::SessionHandle;
use crate::stt::{SttError, SttEvent, SttInput, Transcriber, Utterance};
use crate::time::SessionClock;
use crate::tts::{SpeakRequest, SpeechEvent, SpeechStream, Synthesizer};
use crate::turn::{BargeIn, Strategy};

/// 4.8 s of sound, from 1,400 ms on.
const LONG: &str =
    "The first sentence is this one. The second is that one. A third one follows it.";

/// A question, then voice over the answer from 2,400 ms on, for 1 s.
fn over_the_answer() -> String {
    [voice(600), silence(1800), voice(1000), silence(4000)].concat()
}

fn with(strategy: Strategy) -> BargeIn {
    BargeIn { strategy, ..BargeIn::default() }
}

#[tokio::test]
async fn it_falls_silent_at_the_rule_and_history_ends_at_what_was_heard() {
    let world = World::new(&over_the_answer(), &["go", "no stop"], &[LONG, "Yes?"]);
    let provider = std::sync::Arc::clone(&world.provider);
    let told = world.run().await;
    // 60 % of half a second of voice from 2,400 ms on.
    assert_eq!(told.times(&["held"])[0].0, 2700.0);
    let [(heard_ms, text)] = &interrupted(&told)[..] else { panic!("one interruption") };
    assert_eq!(*heard_ms, 1300.0, "from 1,400 ms to the hold, and the ramp after it");
    assert_eq!(text, "The first sentence is");
    assert_eq!(
        told.said(),
        ["user: go", "assistant: The first sentence is…", "user: no stop", "assistant: Yes?"]
    );
    assert!(provider.requests()[1].messages[1].interrupted, "the model is told");
    assert_eq!(told.peak(2706..4000), 0, "silence 5 ms after the hold, until the next answer");
    assert!(told.peak(2480..2690) < told.peak(1500..2400) / 3, "ducked at the first suspicion");
}

#[tokio::test]
async fn without_words_it_goes_on_and_no_sound_is_lost_or_skipped() {
    let told = World::new(&over_the_answer(), &["go", ""], &[LONG]).run().await;
    assert_eq!((told.count("held"), told.count("released")), (1, 1));
    assert_eq!(told.count("interrupted"), 0);
    assert_eq!(told.said(), ["user: go".to_owned(), format!("assistant: {LONG}")]);
    let heard_ms = field(&told, "agent_speech_ended", "heard_ms").as_f64().unwrap();
    // 60 ms a character; the spaces between the three sentences are not spoken.
    assert!((heard_ms - 60.0 * (LONG.len() - 2) as f64).abs() < 1.0, "{heard_ms}");
    assert_eq!(field(&told, "agent_speech_ended", "complete"), json!(true));
}

#[tokio::test]
async fn a_backchannel_does_not_stop_it() {
    let script = [voice(600), silence(1800), voice(240), silence(6000)].concat();
    let told = World::new(&script, &["go"], &[LONG]).run().await;
    assert_eq!((told.count("held"), told.count("turn_started")), (0, 1));
    assert_eq!(field(&told, "agent_speech_ended", "complete"), json!(true));
}

#[tokio::test]
async fn deferred_ends_it_with_the_sentence() {
    let mut world = World::new(&over_the_answer(), &["go", "no stop"], &[LONG, "Yes?"]);
    world.config.turn.barge_in = with(Strategy::Deferred);
    let told = world.run().await;
    let [(_, text)] = &interrupted(&told)[..] else { panic!("one interruption") };
    assert_eq!(text, "The first sentence is this one.");
    assert_eq!(told.said()[3], "assistant: Yes?");
}

#[tokio::test]
async fn ignored_it_goes_on_and_the_user_is_heard_afterwards() {
    let script = [voice(600), silence(1800), voice(5000), silence(3000)].concat();
    let mut world = World::new(&script, &["go", "still here"], &[LONG, "Yes?"]);
    world.config.turn.barge_in = with(Strategy::Ignore);
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 0);
    let expected = ["user: go".to_owned(), format!("assistant: {LONG}")];
    assert_eq!(told.said()[..2], expected);
    assert_eq!(told.said()[2..], ["user: still here", "assistant: Yes?"]);
}

/// A tool that works takes time on the wall: that is paused here.
#[tokio::test(start_paused = true)]
async fn a_barge_in_cancels_the_tools_of_the_answer() {
    let mut world = World::new(&over_the_answer(), &["go", "no stop"], &[]);
    world.provider.add(crate::providers::mock::MockAnswer::text(LONG).calling("slow", json!({})));
    world.provider.add_response("Yes?");
    let descriptor = crate::types::ToolDescriptor {
        name: "slow".to_owned(),
        description: "Never answers.".to_owned(),
        parameters: json!({ "type": "object" }),
        output: None,
    };
    let slow = crate::tools::FunctionTool::new(descriptor, |_| std::future::pending());
    world.tools.register(slow).unwrap();
    let told = world.run().await;
    assert_eq!((told.count("tool_called"), told.count("tool_finished")), (1, 0));
    assert_eq!(
        told.said(),
        ["user: go", "assistant: The first sentence is…", "user: no stop", "assistant: Yes?"],
        "a call without a result is not remembered"
    );
}

/// Voice over the answer from 2,400 ms on, for so long.
fn over_the_answer_for(ms: usize) -> String {
    [voice(600), silence(1800), voice(ms), silence(9000)].concat()
}

/// When the first event of a type comes, in ms.
fn first(told: &Told, kind: &str) -> f64 {
    told.times(&[kind]).first().unwrap_or_else(|| panic!("no {kind}")).0
}

#[tokio::test]
async fn its_voice_goes_down_at_the_first_suspicion() {
    let told = World::new(&over_the_answer_for(200), &["go"], &[LONG]).run().await;
    // Three frames of voice from 2,400 ms on are more than a click. A period of the voice is 4.5 ms.
    let suspected = 2460;
    let full = told.peak(2000..2400);
    let lowered = (2400..2600).find(|ms| told.peak(*ms..ms + 5) < full / 3).unwrap();
    assert!((suspected..suspected + 30).contains(&lowered), "at {lowered} ms");
    assert!(told.peak(2600..2690) < full / 3 && told.count("held") == 0);
}

#[tokio::test]
async fn too_few_words_let_it_go_on_and_are_not_answered() {
    let world = |said: &'static str| {
        let mut world = World::new(&over_the_answer(), &["go", said], &[LONG, "Yes?"]);
        world.config.turn.barge_in.min_words = 2;
        world
    };
    let told = world("wait").run().await;
    assert_eq!((told.count("held"), told.count("released")), (1, 1));
    assert_eq!(told.said(), ["user: go".to_owned(), format!("assistant: {LONG}")]);
    let heard = told.events.iter().rev().find_map(|event| match &event.kind {
        EventKind::Transcript { text, is_final: true } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(heard.as_deref(), Some("wait"), "it is told all the same");

    let told = world("wait please").run().await;
    assert_eq!((told.count("released"), told.count("interrupted")), (0, 1));
    assert_eq!(told.said()[2..], ["user: wait please", "assistant: Yes?"]);
}

#[tokio::test]
async fn noise_that_does_not_end_silences_it_for_two_seconds() {
    let told = World::new(&over_the_answer_for(4000), &["go", ""], &[LONG]).run().await;
    let (held, released) = (first(&told, "held"), first(&told, "released"));
    assert!((2000.0..=2020.0).contains(&(released - held)), "{held} {released}");
    assert_eq!((told.count("held"), told.count("released")), (1, 1));
    assert_eq!(told.said(), ["user: go".to_owned(), format!("assistant: {LONG}")]);
}

/// A recogniser that works takes time on the wall: that is paused here.
#[tokio::test(start_paused = true)]
async fn words_that_come_after_it_went_on_end_it_all_the_same() {
    let mut world = World::new(&over_the_answer_for(1000), &[], &[LONG, "Yes?"]);
    world.transcriber = Arc::new(Slow::default());
    let told = world.run().await;
    // The voice ends at 3,400 ms; its words come three seconds after its turn.
    let released = first(&told, "released");
    assert!((5400.0..=5420.0).contains(&released), "{released}");
    let [(_, text)] = &interrupted(&told)[..] else { panic!("one interruption") };
    assert!(text.len() > "The first sentence is".len(), "it had gone on: {text}");
    assert_eq!(told.said()[2..], ["user: words", "assistant: Yes?"]);
}

/// A recogniser that works for three seconds after the end, if it is not the first time.
#[derive(Debug, Default)]
struct Slow(AtomicBool);

impl Transcriber for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, mut engine) = Utterance::channel();
        let takes = if self.0.swap(true, Ordering::Relaxed) { 3 } else { 0 };
        tokio::spawn(async move {
            while let Some((input, _work)) = engine.inputs.recv().await {
                if matches!(input, SttInput::End) {
                    SessionClock::live().sleep(Duration::from_secs(takes)).await;
                    let words = SttEvent::Final("words".to_owned());
                    let _gone = engine.events.send(Ok(words)).await;
                    return;
                }
            }
        });
        Ok(utterance)
    }
}

#[tokio::test]
async fn who_shows_that_he_listens_is_not_answered() {
    let mut world = World::new(&over_the_answer_for(400), &["go", "yeah"], &[LONG, "Yes?"]);
    world.config.turn.language = "en".to_owned();
    let told = world.run().await;
    assert_eq!((told.count("held"), told.count("released")), (1, 1));
    // At the lull after 2,800 ms.
    assert!((3100.0..=3120.0).contains(&first(&told, "released")));
    assert_eq!(told.said(), ["user: go".to_owned(), format!("assistant: {LONG}")]);

    let other = World::new(&over_the_answer_for(400), &["go", "yeah"], &[LONG, "Yes?"]).run().await;
    assert_eq!(other.count("interrupted"), 1, "without rules for a language any word counts");
}

#[tokio::test]
async fn who_says_yeah_to_its_last_words_answers_them() {
    // The answer sounds from 1,400 to 6,200 ms.
    let script = [voice(600), silence(4800), voice(400), silence(6000)].concat();
    let mut world = World::new(&script, &["go", "yeah"], &[LONG, "Good."]);
    world.config.turn.language = "en".to_owned();
    let told = world.run().await;
    assert_eq!((told.count("released"), told.count("interrupted")), (1, 0));
    assert_eq!(told.said()[1..], [&format!("assistant: {LONG}"), "user: yeah", "assistant: Good."]);
}

#[tokio::test]
async fn an_announcement_is_heard_to_its_end_whoever_speaks() {
    let script = [silence(1000), voice(900), silence(2000), voice(2000), silence(4000)].concat();
    let mut world = World::new(&script, &["hello"], &["Hi."]);
    world.at_start = Some(|session| session.announce(LONG));
    let told = world.run().await;
    // It sounds for 4.8 s; of what is said meanwhile the rest is a turn.
    let full = told.peak(200..900);
    assert!(told.peak(1200..1800) > full / 2, "it is not lowered");
    assert_eq!((told.count("held"), told.count("interrupted")), (0, 0));
    assert_eq!(told.said(), [&format!("assistant: {LONG}"), "user: hello", "assistant: Hi."]);
    assert!(first(&told, "turn_started") >= first(&told, "agent_speech_ended"));
}

#[tokio::test]
async fn a_key_ends_an_announcement() {
    let mut world = World::new(&silence(9000), &[], &[]);
    world.at_start = Some(|session| session.announce(LONG));
    world.at(1500, SessionHandle::press);
    world.at(2000, SessionHandle::release);
    let told = world.run().await;
    assert_eq!(told.count("interrupted"), 1);
    assert!(first(&told, "agent_speech_ended") < 1550.0);
}

/// A synthesizer whose samples can be told from one another.
#[derive(Debug)]
struct Noise;

impl Synthesizer for Noise {
    fn name(&self) -> &'static str {
        "noise"
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn speak(&self, _request: SpeakRequest) -> SpeechStream {
        let audio = AudioChunk::new(noise(), SampleRate::SPEECH);
        Box::pin(stream::iter([Ok(SpeechEvent::Audio(audio))]))
    }
}

/// Four seconds, of which no sample is near zero.
fn noise() -> Vec<i16> {
    let mut state = 7_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as i16
    };
    (0..64_000).map(|_| next() / 4 + 10_000).collect()
}

#[tokio::test]
async fn a_false_hold_loses_no_sample_and_repeats_none() {
    let mut world = World::new(&over_the_answer(), &["go", ""], &["A sentence"]);
    world.synthesizer = Arc::new(Noise);
    let told = world.run().await;
    assert_eq!((told.count("held"), told.count("released")), (1, 1));
    let source = noise();
    let begins = told.heard.iter().position(|sample| *sample != 0).unwrap();
    let heard = &told.heard[begins..];
    let before = heard.iter().zip(&source).take_while(|(one, two)| one == two).count();
    let held = heard[before..].iter().position(|sample| *sample == 0).unwrap() + before;
    let back = heard[held..].iter().position(|sample| *sample != 0).unwrap() + held;
    // It comes back within 5 ms, at the first sample that was lowered.
    let rest = &heard[back..][..source.len() - before];
    let wrong = rest.iter().zip(&source[before..]).skip(80).position(|(one, two)| one != two);
    assert_eq!((wrong, rest.len()), (None, source.len() - before));
    let fades_in = rest[..80].iter().zip(&source[before..]).enumerate();
    for (index, (low, full)) in fades_in {
        let level = (index + 1) as f32 / 80.0;
        assert!(
            (f32::from(*low) - f32::from(*full) * level).abs() <= 2.0,
            "{index}: {low} of {full}"
        );
    }
    assert!(heard[back + rest.len() + 200..].iter().all(|sample| *sample == 0));
}
