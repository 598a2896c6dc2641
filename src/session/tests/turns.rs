//! Who says what when, and what is remembered.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::world::*;
use crate::stt::{SttError, SttInput, Transcriber, Utterance};
use crate::tools::FunctionTool;
use crate::turn::Endpointer;
use crate::turn::endpoint::SoFar;
use crate::types::ToolDescriptor;

/// Half a second is always enough.
#[derive(Debug)]
struct Hasty;

impl Endpointer for Hasty {
    fn silence(&self, _turn: &SoFar) -> Duration {
        Duration::from_millis(500)
    }
}

#[tokio::test]
async fn a_program_says_how_much_silence_ends_a_turn() {
    let script = [voice(600), silence(3000)].concat();
    let mut world = World::new(&script, &["what time is it"], &["It is ten."]);
    world.endpointer = Some(Box::new(Hasty));
    let told = world.run().await;
    assert_eq!(field(&told, "turn_ended", "silence_ms"), json!(500.0));
}

#[tokio::test]
async fn a_question_is_answered_when_the_silence_is_over() {
    let script = [silence(400), voice(600), silence(3000)].concat();
    let told = World::new(&script, &["what time is it"], &["It is ten."]).run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is ten."]);
    // Speech ends at 1,000 ms; the turn 800 ms later, in the frame of that instant.
    assert_eq!(told.times(&["turn_ended", "response_started", "agent_speech_started"]).len(), 3);
    assert_eq!(field(&told, "turn_ended", "speech_end_ms"), json!(1000.0));
    // The tone's first sample is zero, its second is audible.
    assert_eq!(field(&told, "agent_speech_started", "start_ms"), json!(1800.063));
    // Ten characters of 60 ms each.
    assert_eq!(field(&told, "agent_speech_ended", "heard_ms"), json!(600.0));
    assert_eq!(field(&told, "agent_speech_ended", "complete"), json!(true));
    assert_eq!(told.peak(0..1800), 0);
    assert!(told.peak(1800..2400) > 1000);
    assert_eq!(told.peak(2410..3000), 0);
    assert_eq!(told.summary.turns, 1);
}

#[tokio::test]
async fn the_model_gets_the_conversation_so_far() {
    let script = [voice(600), silence(3000), voice(600), silence(3000)].concat();
    let world = World::new(&script, &["my name is ada", "what is my name"], &["Hi.", "Ada."]);
    let provider = Arc::clone(&world.provider);
    world.run().await;
    let requests = provider.requests();
    let lines: Vec<_> = requests[1].messages.iter().map(line).collect();
    assert_eq!(lines, ["user: my name is ada", "assistant: Hi.", "user: what is my name"]);
}

#[tokio::test]
async fn noise_that_has_no_words_is_answered_by_nothing() {
    let script = [voice(600), silence(2000)].concat();
    let told = World::new(&script, &[""], &["Never said."]).run().await;
    assert_eq!((told.count("turn_ended"), told.count("response_started")), (1, 0));
    assert_eq!(told.said(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_said_as_the_stream_ends_is_answered() {
    let told = World::new(&voice(600), &["stop the tape"], &["Done."]).run().await;
    assert_eq!(field(&told, "turn_ended", "reason"), json!("stream_end"));
    assert_eq!(told.said(), ["user: stop the tape", "assistant: Done."]);
    assert_eq!(field(&told, "agent_speech_ended", "complete"), json!(true));
}

#[tokio::test(start_paused = true)]
async fn going_on_before_the_answer_is_heard_withdraws_it() {
    let script = [voice(600), silence(800), voice(1000), silence(3000)].concat();
    let mut world = World::new(&script, &["my name is", "ada"], &[]);
    let provider = crate::providers::mock::MockProvider::new();
    provider.add(crate::providers::mock::MockAnswer::text("Your").hanging_after(0));
    provider.add_response("Hello, Ada.");
    world.provider = Arc::new(provider);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: my name is", "user: ada", "assistant: Hello, Ada."]);
    assert_eq!(told.count("interrupted"), 0, "nothing was heard of it");
    assert_eq!(field(&told, "response_ended", "outcome"), json!("discarded"));
}

#[tokio::test]
async fn tools_run_and_are_remembered_before_the_answer() {
    let script = [voice(600), silence(3000)].concat();
    let mut world = World::new(&script, &["what time is it"], &[]);
    world.provider.add_tool_call("clock", json!({ "what": "time" }));
    world.provider.add_response("Ten.");
    let descriptor = ToolDescriptor {
        name: "clock".to_owned(),
        description: "Tells the time.".to_owned(),
        parameters: json!({ "type": "object" }),
        output: None,
    };
    let clock = FunctionTool::sync(descriptor, |_| Ok(json!("ten")));
    world.tools.register(clock).unwrap();
    let told = world.run().await;
    assert_eq!(
        told.said(),
        [
            "user: what time is it",
            r#"assistant: clock({"what":"time"})"#,
            "tool: ten",
            "assistant: Ten."
        ]
    );
    assert_eq!(field(&told, "tool_called", "name"), json!("clock"));
    assert_eq!(field(&told, "tool_finished", "ok"), json!(true));
}

#[tokio::test]
async fn the_first_words_of_a_turn_are_not_lost() {
    let script = [silence(2000), voice(600), silence(1000)].concat();
    let mut world = World::new(&script, &[], &[]);
    let heard = Arc::new(Mutex::new(Vec::new()));
    world.transcriber = Arc::new(Eavesdropper(Arc::clone(&heard)));
    world.run().await;
    let heard = heard.lock().unwrap();
    // The microphone's samples count: one second before the voice at 2,000 ms is 16,000.
    assert_eq!(heard.first(), Some(&16_000), "the pre-roll of a second");
    let gaps = heard.windows(2).filter(|pair| (pair[0] + 1) % 30_000 != pair[1]).count();
    assert_eq!(gaps, 0, "and nothing is missing");
}

#[tokio::test]
async fn answers_are_cut_by_the_rules_of_their_language() {
    let script = [voice(600), silence(5000)].concat();
    let world = || World::new(&script, &["whom shall I ask"], &["Ask Dr. Who. Now."]);
    assert_eq!(world().run().await.count("response_text"), 2);
    let mut other = world();
    other.config.language = Arc::new(crate::text::Universal);
    assert_eq!(other.run().await.count("response_text"), 3, "it does not know the doctor");
}

#[tokio::test]
async fn priorities_figures_and_spans_change_nothing_that_is_said() {
    let script = [voice(600), silence(3000)].concat();
    let mut world = World::new(&script, &["what time is it"], &["It is ten. Or so."]);
    world.config.pipeline.priority_queue = true;
    world.config.pipeline.metrics = true;
    world.config.pipeline.tracing = true;
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is ten. Or so."]);
    let stages: Vec<_> = told.summary.metrics.iter().map(|report| &*report.stage).collect();
    for stage in ["resample", "audio_turn", "stt", "provider", "tts", "playout"] {
        assert!(stages.contains(&stage), "{stage} of {stages:?}");
    }
}

#[tokio::test]
async fn stopping_ends_it_at_once_and_keeps_what_was_heard() {
    let script = [voice(600), silence(60_000)].concat();
    let answer = "One two three four five six seven eight nine ten eleven twelve. ".repeat(20);
    let mut world = World::new(&script, &["count"], &[&answer]);
    world.stop_at = Some("agent_speech_started");
    let told = world.run().await;
    assert_eq!(told.events.last().map(name).as_deref(), Some("session_ended"));
    let end = told.events.last().unwrap().at.as_millis();
    assert!(end < 2000.0, "stopped soon after 1,400 ms, at {end}");
    assert!(told.messages.last().unwrap().text.len() < answer.len());
}

#[tokio::test]
async fn words_that_come_late_are_not_lost_when_the_next_turn_has_begun() {
    let script = [voice(600), silence(900), voice(600), silence(3000)].concat();
    let mut world = World::new(&script, &[], &["Both."]);
    world.transcriber = Arc::new(Late::default());
    let told = world.run().await;
    assert_eq!(told.said(), ["user: turn 1", "user: turn 2", "assistant: Both."]);
}

/// A recogniser that is not done with an utterance before the next one ends.
#[derive(Debug, Default)]
struct Late(Mutex<(u32, Option<tokio::sync::oneshot::Sender<()>>)>);

impl Transcriber for Late {
    fn name(&self) -> &'static str {
        "late"
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, mut engine) = Utterance::channel();
        let mut state = self.0.lock().unwrap();
        state.0 += 1;
        let number = state.0;
        let (next_ends, ended) = tokio::sync::oneshot::channel();
        let before = state.1.replace(next_ends);
        tokio::spawn(async move {
            while let Some((input, _work)) = engine.inputs.recv().await {
                if matches!(input, SttInput::End) {
                    break;
                }
            }
            match before {
                Some(before) => drop(before.send(())),
                None => drop(ended.await),
            }
            let text = format!("turn {number}");
            let _gone = engine.events.send(Ok(crate::stt::SttEvent::Final(text))).await;
        });
        Ok(utterance)
    }
}

/// A recogniser that keeps the sound it gets.
#[derive(Debug)]
struct Eavesdropper(Arc<Mutex<Vec<i16>>>);

impl Transcriber for Eavesdropper {
    fn name(&self) -> &'static str {
        "eavesdropper"
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, mut engine) = Utterance::channel();
        let heard = Arc::clone(&self.0);
        tokio::spawn(async move {
            while let Some((input, _work)) = engine.inputs.recv().await {
                match input {
                    SttInput::Audio(audio) => heard.lock().unwrap().extend(audio.samples()),
                    SttInput::Lull | SttInput::GoesOn => {}
                    SttInput::End => {
                        let end = crate::stt::SttEvent::Final(String::new());
                        let _gone = engine.events.send(Ok(end)).await;
                        return;
                    }
                }
            }
        });
        Ok(utterance)
    }
}
