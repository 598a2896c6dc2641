//! What breaks fails a turn, not the call.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::world::*;
use crate::providers::mock::MockAnswer;
use crate::providers::{ProviderError, ProviderErrorKind};
use crate::session::Apology;
use crate::stt::mock::{MockFault as SttFault, MockTranscriber};
use crate::stt::{SttError, Transcriber, Utterance, UtteranceEngine};
use crate::tts::{MockFault as TtsFault, MockSynthesizer};
use crate::turn::Speculate;

fn two_questions() -> String {
    [voice(600), silence(40_000), voice(600), silence(3000)].concat()
}

fn error() -> ProviderError {
    ProviderError::failed("mock", "out of words")
}

/// The first of two turns fails in `stage`; the call goes on.
fn assert_failed(told: &Told, stage: &str, error: &str) {
    assert_eq!(told.count("turn_failed"), 1);
    assert_eq!(field(told, "turn_failed", "stage"), json!(stage));
    let text = field(told, "turn_failed", "error").to_string();
    assert!(text.contains(error), "{text}");
    assert_eq!(told.events.last().map(name).as_deref(), Some("session_ended"));
    assert_eq!(told.count("response_started"), told.count("response_ended"));
}

#[tokio::test]
async fn a_model_that_fails_before_it_speaks_is_asked_once_more() {
    let world = World::new(&two_questions(), &["one", "two"], &[]);
    world.provider.add(MockAnswer::text("x").failing_after(0, error()));
    world.provider.add_response("One.");
    world.provider.add_response("Two.");
    let told = world.run().await;
    assert_eq!((told.count("retried"), told.count("turn_failed")), (1, 0));
    assert_eq!(told.said(), ["user: one", "assistant: One.", "user: two", "assistant: Two."]);
}

#[tokio::test]
async fn a_model_that_fails_twice_is_apologised_for() {
    let world = World::new(&two_questions(), &["one", "two"], &[]);
    world.provider.add(MockAnswer::text("x").failing_after(0, error()));
    world.provider.add(MockAnswer::text("x").failing_after(0, error()));
    world.provider.add_response("Two.");
    let told = world.run().await;
    assert_failed(&told, "provider", "out of words");
    assert_eq!(told.count("retried"), 1);
    assert_eq!(told.said(), ["user: one", SORRY, "user: two", "assistant: Two."]);
    assert_eq!(told.count("latency"), 1, "an apology answers nothing");
}

#[tokio::test]
async fn a_model_that_refuses_is_not_asked_again() {
    let world = World::new(&two_questions(), &["one", "two"], &[]);
    let refusal = || ProviderError::new("mock", ProviderErrorKind::InvalidRequest, "no");
    world.provider.add(MockAnswer::text("x").failing_after(0, refusal()));
    world.provider.add_response("Two.");
    let told = world.run().await;
    assert_failed(&told, "provider", "refused");
    assert_eq!(told.said(), ["user: one", SORRY, "user: two", "assistant: Two."]);
}

#[tokio::test]
async fn a_model_that_says_nothing_is_asked_once_more() {
    let world = World::new(&two_questions(), &["one", "two"], &["", "One.", "Two."]);
    let told = world.run().await;
    assert_eq!((told.count("retried"), told.count("turn_failed")), (1, 0));
    let error = field(&told, "retried", "error").to_string();
    assert!(error.contains("said nothing"), "{error}");
}

#[tokio::test]
async fn without_an_apology_there_is_silence_and_the_call_goes_on() {
    let mut world = World::new(&two_questions(), &["one", "two"], &["", "", "Two."]);
    world.config.apology = Apology { unheard: "".into(), unanswered: "".into() };
    let told = world.run().await;
    assert_eq!(told.said(), ["user: one", "user: two", "assistant: Two."]);
}

#[tokio::test]
async fn a_model_that_breaks_off_is_heard_as_far_as_it_came() {
    let world = World::new(&two_questions(), &["one", "two"], &[]);
    world.provider.add(MockAnswer::text("Well, I think so.").failing_after(2, error()));
    world.provider.add_response("Two.");
    let told = world.run().await;
    assert_failed(&told, "provider", "out of words");
    assert_eq!(told.said()[1..3], ["assistant: Well, I", SORRY]);
}

#[tokio::test(start_paused = true)]
async fn a_model_that_hangs_is_given_up_after_30_s() {
    let world = World::new(&two_questions(), &["one", "two"], &[]);
    world.provider.add(MockAnswer::text("x").hanging_after(0));
    world.provider.add_response("Two.");
    let told = world.run().await;
    assert_failed(&told, "provider", "30s");
    let failed = told.times(&["turn_failed"])[0].0;
    assert!((31_000.0..32_000.0).contains(&failed), "{failed}");
    assert_eq!(told.said().last().unwrap(), "assistant: Two.");
}

#[tokio::test(start_paused = true)]
async fn a_model_that_stalls_in_the_middle_of_its_answer_is_given_up_too() {
    let world = World::new(&two_questions(), &["one", "two"], &[]);
    world.provider.add(MockAnswer::text("Well. I think that").hanging_after(2));
    world.provider.add_response("Two.");
    let told = world.run().await;
    assert_failed(&told, "tts", "30s");
    assert_eq!(
        told.said(),
        ["user: one", "assistant: Well.", SORRY, "user: two", "assistant: Two."]
    );
    assert_eq!(told.count("interrupted"), 0);
}

#[tokio::test]
async fn a_recogniser_that_fails_at_any_point() {
    for fault in [SttFault::Open, SttFault::Middle, SttFault::End] {
        let mut world = World::new(&[voice(600), silence(3000)].concat(), &[], &["Never."]);
        world.transcriber = Arc::new(MockTranscriber::new(["one"]).with_fault(fault));
        let told = world.run().await;
        assert_failed(&told, "stt", "");
        assert_eq!(told.said(), [PARDON]);
    }
}

/// As a dead recogniser does on open speakers: the agent's own voice becomes a turn.
#[tokio::test]
async fn after_three_apologies_in_a_row_the_agent_says_no_more_until_it_understands() {
    let turns = |count| [voice(600), silence(7400)].concat().repeat(count);
    let mut world = World::new(&turns(5), &[], &["Never."]);
    world.transcriber = Arc::new(MockTranscriber::new(["one"]).with_fault(SttFault::End));
    let told = world.run().await;
    assert_eq!((told.count("turn_failed"), told.count("warning")), (5, 1));
    assert_eq!(told.said(), [PARDON; 3]);
    let warning = field(&told, "warning", "message").to_string();
    assert!(warning.contains("apologised 3 times"), "{warning}");

    let mut world = World::new(&turns(7), &[], &["Four it is."]);
    world.transcriber = Arc::new(MockTranscriber::new(["one"]).with_fault(SttFault::End));
    world.at(29_000, |session| session.hear("four"));
    // The one answer is for what is typed.
    world.config.speculation.when = Speculate::Never;
    let told = world.run().await;
    let expected = [&[PARDON; 3][..], &["user: four", "assistant: Four it is."], &[PARDON; 3]];
    assert_eq!(told.said(), expected.concat());
}

/// The agent's own apology may be what it understands.
#[tokio::test]
async fn a_model_that_is_down_is_apologised_for_three_times_and_again_when_it_had_come_back() {
    let words = ["one", "two", "three", "four", "five", "six"];
    let world = World::new(&[voice(600), silence(7400)].concat().repeat(6), &words, &[]);
    let refusal = || ProviderError::new("mock", ProviderErrorKind::InvalidRequest, "no");
    let fails = || MockAnswer::text("x").failing_after(0, refusal());
    for _ in 1..=4 {
        world.provider.add(fails());
    }
    world.provider.add_response("Five.");
    world.provider.add(fails());
    let told = world.run().await;
    assert_eq!((told.count("turn_failed"), told.count("warning")), (5, 1));
    let expected = [
        ["user: one", SORRY].as_slice(),
        &["user: two", SORRY],
        &["user: three", SORRY],
        &["user: four"],
        &["user: five", "assistant: Five."],
        &["user: six", SORRY],
    ];
    assert_eq!(told.said(), expected.concat());
}

/// What is said needs the synthesizer, and so does the apology for that.
#[tokio::test(start_paused = true)]
async fn a_synthesizer_that_is_down_is_not_asked_to_apologise_for_ever() {
    let words = ["one", "two", "three", "four", "five"];
    let script = [voice(600), silence(9400)].concat().repeat(words.len());
    let mut world = World::new(&script, &words, &["Well."; 5]);
    world.synthesizer = Arc::new(MockSynthesizer::default().with_fault(TtsFault::Start));
    let told = world.run().await;
    let tries = words.len() + 3; // three times for the apology as well
    assert_eq!((told.count("turn_failed"), told.count("warning")), (tries, 1));
    assert_eq!(told.said(), words.map(|word| format!("user: {word}")));
}

#[tokio::test]
async fn a_recogniser_that_hangs_is_given_up_after_10_s() {
    let mut world = World::new(&two_questions(), &[], &["Never."]);
    world.transcriber = Arc::new(MockTranscriber::new(["one"]).with_fault(SttFault::Hang));
    let told = world.run().await;
    assert_eq!(told.count("turn_failed"), 2);
    let failed = told.times(&["turn_failed"])[0].0;
    assert!((11_400.0..11_500.0).contains(&failed), "{failed}");
}

/// Its queue is full and stays so: that takes time on the wall, which is paused here.
#[tokio::test(start_paused = true)]
async fn a_recogniser_that_takes_no_sound_does_not_stop_the_microphone() {
    let script = [voice(12_000), silence(2000), voice(600), silence(8000)].concat();
    let mut world = World::new(&script, &[], &["Never."]);
    world.transcriber = Arc::new(Stuck::default());
    let told = world.run().await;
    assert_eq!(told.count("turn_ended"), 2);
    assert_eq!(told.count("turn_failed"), 2, "each in its middle");
    assert_eq!(field(&told, "turn_failed", "stage"), json!("stt"));
    let error = field(&told, "turn_failed", "error").to_string();
    assert!(error.contains("took no sound for 1.5s"), "{error}");
    assert_eq!(field(&told, "session_ended", "lost_ms"), json!(0.0));
}

/// A recogniser that does nothing at all.
#[derive(Debug, Default)]
struct Stuck(Mutex<Vec<UtteranceEngine>>);

impl Transcriber for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, engine) = Utterance::channel();
        self.0.lock().unwrap().push(engine);
        Ok(utterance)
    }
}

/// An engine that works, if only at hanging, takes time on the wall: that is paused here.
#[tokio::test(start_paused = true)]
async fn a_synthesizer_that_fails_or_hangs() {
    // Its apology fails as well, which nothing is said about.
    let half = ["assistant: I would think so"];
    for (fault, heard) in
        [(TtsFault::Start, &[][..]), (TtsFault::Middle, &half), (TtsFault::Hang, &half)]
    {
        let script = [voice(600), silence(40_000)].concat();
        let mut world = World::new(&script, &["one"], &["I would think so and more than that."]);
        world.synthesizer = Arc::new(MockSynthesizer::default().with_fault(fault));
        let told = world.run().await;
        assert_eq!(told.count("turn_failed"), 2, "{fault:?}");
        assert_eq!(field(&told, "turn_failed", "stage"), json!("tts"));
        assert_eq!(told.said()[1..], *heard, "{fault:?}");
        assert_eq!((told.count("response_ended"), told.count("interrupted")), (2, 0));
    }
}

const SORRY: &str = "assistant: Sorry, something went wrong. Please ask me again.";
const PARDON: &str = "assistant: Sorry, I could not hear that. Please say it again.";
