//! The same conversation in writing and by voice.

use super::*;
use crate::audio::SampleRate;
use crate::device::{NullMicrophone, NullSpeaker};
use crate::providers::ProviderRequest;
use crate::providers::mock::MockAnswer;
use crate::session::{Pace, SessionConfig};
use crate::state::{MemoryStore, Mode, StateStore};
use crate::stt::mock::MockTranscriber;
use crate::tts::MockSynthesizer;
use crate::vad::Scripted;

/// Who says these things, one after the other, with pauses between.
fn voice(turns: &[&str]) -> Voice {
    let turn = [".".repeat(25), "s".repeat(30), ".".repeat(200)].concat();
    Voice {
        vad: Box::new(Scripted::new(&turn.repeat(turns.len()))),
        transcriber: Arc::new(MockTranscriber::new(turns.iter().copied())),
        synthesizer: Arc::new(MockSynthesizer::default()),
    }
}

/// Holds a call in which all of `turns` are said and answered.
async fn call(conversation: &Conversation, turns: &[&str]) {
    call_until(conversation, turns, turns.len()).await;
}

/// The same until there were so many answers.
async fn call_until(conversation: &Conversation, turns: &[&str], answers: usize) {
    let session = conversation.open_duplex(voice(turns), SessionConfig::default()).await.unwrap();
    let (mut events, stop) = (session.subscribe(), session.handle());
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    // Who watches a call sees its end, though the conversation goes on.
    let watch = async {
        let mut left = answers;
        while let Some(Ok(event)) = events.next().await {
            left = left
                .saturating_sub(usize::from(matches!(event.kind, EventKind::ResponseEnded { .. })));
            if left == 0 {
                stop.stop();
            }
        }
    };
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.unwrap();
}

/// What a model is asked in a talk of three turns with a tool, in which a variable changes.
async fn requests(spoken: bool) -> (Vec<ProviderRequest>, Vec<String>) {
    let model = model(&["Hello, Ann."]);
    model.add_tool_call("find_room", json!({ "name": "whales" }));
    model.add_response("On the second floor.");
    model.add(MockAnswer::text("Goodbye, Bob."));
    let opening = opening(&model).tools(rooms()).metadata("tenant", "t1").id(id("c1"));
    let conversation = opening.start().await.unwrap();
    let turns = ["good morning", "where are the whales", "goodbye"];
    for (number, turn) in turns.into_iter().enumerate() {
        if number == 2 {
            conversation.set_var("visitor", "Bob");
        }
        if spoken {
            call(&conversation, &[turn]).await;
        } else {
            conversation.send(turn).await.unwrap();
        }
    }
    (model.requests(), said(&conversation))
}

#[tokio::test]
async fn a_model_is_asked_the_same_in_writing_and_by_voice() {
    let (written, history) = requests(false).await;
    let (spoken, heard) = requests(true).await;

    assert_eq!(written.len(), 4);
    assert_eq!(written, spoken, "instructions, history, tools, parameters and metadata");
    assert_eq!(history, heard);
    assert_eq!((written[0].system.as_str(), written[3].system.contains("Bob")), (ANN, true));
}

/// What becomes of a talk in which a call waits for approval, is allowed with other arguments, and
/// another is refused.
async fn decided(spoken: bool) -> (Vec<ProviderRequest>, Vec<String>) {
    let model = model(&[]);
    model.add_tool_call("find_room", json!({ "name": "whales" }));
    model.add_response("On the second floor.");
    model.add_tool_call("find_room", json!({ "name": "gold" }));
    model.add_response("I must not tell.");
    let mut tools = rooms();
    tools.require_approval(["find_*".to_owned()]);
    let opening = opening(&model).tools(tools).id(id("c1"));
    let conversation = opening.start().await.unwrap();
    for (turn, allowed) in [("where are the whales", true), ("where is the gold", false)] {
        if spoken {
            let decide = decide_when_asked(&conversation, allowed);
            let talk = async {
                // The answer that waits for approval, and the one that goes on.
                call_until(&conversation, &[turn], 2).await;
            };
            tokio::join!(talk, decide);
        } else {
            conversation.send(turn).await.unwrap();
            decide(&conversation, allowed).await;
            conversation.continue_().await.unwrap();
        }
    }
    (model.requests(), said(&conversation))
}

async fn decide_when_asked(conversation: &Conversation, allowed: bool) {
    let mut events = conversation.subscribe();
    while let Some(Ok(event)) = events.next().await {
        if matches!(event.kind, EventKind::ResponseEnded { outcome: "awaiting_tools" }) {
            return decide(conversation, allowed).await;
        }
    }
}

async fn decide(conversation: &Conversation, allowed: bool) {
    let call = conversation.pending_tools()[0].call.id.clone();
    if allowed {
        let arguments = Some(json!({ "name": "blue whales" }));
        conversation.approve(&call, arguments).await.unwrap();
    } else {
        conversation.reject(&call, "not today").await.unwrap();
    }
}

#[tokio::test]
async fn what_a_person_decides_gives_the_same_history_in_writing_and_by_voice() {
    let (written, history) = decided(false).await;
    let (spoken, heard) = decided(true).await;
    let expected = [
        "user: where are the whales",
        "assistant: find_room({\"name\":\"whales\"})",
        "tool: (it was allowed with other arguments: {\"name\":\"blue whales\"})\nsecond floor",
        "assistant: On the second floor.",
        "user: where is the gold",
        "assistant: find_room({\"name\":\"gold\"})",
        "tool: refused by a person: not today",
        "assistant: I must not tell.",
    ];
    assert_eq!(history, expected);
    assert_eq!(heard, history);
    assert_eq!(written, spoken, "instructions, history, tools, parameters and metadata");
}

#[tokio::test]
async fn one_call_and_lines_in_writing_are_one_conversation() {
    let model = model(&["One.", "Two.", "Three.", "Four."]);
    let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
    let opening = opening(&model).store(Arc::clone(&store)).id(id("c1"));
    let conversation = opening.start().await.unwrap();
    conversation.send("a").await.unwrap();
    call(&conversation, &["b", "c"]).await;
    conversation.send("d").await.unwrap();

    let all = [
        "user: a",
        "assistant: One.",
        "user: b",
        "assistant: Two.",
        "user: c",
        "assistant: Three.",
        "user: d",
        "assistant: Four.",
    ];
    assert_eq!(said(&conversation), all);
    let saved = Saved::of(store.read(&id("c1")).await.unwrap().unwrap());
    let modes: Vec<_> = saved.turns.iter().map(|turn| turn.mode).collect();
    assert_eq!(modes, [Mode::Text, Mode::Voice, Mode::Voice, Mode::Text]);
    let latency = saved.turns[1].latency.unwrap();
    assert!(latency.voice_to_voice_ms.is_some_and(|ms| ms > 0.0), "{latency:?}");
}

#[tokio::test]
async fn what_was_said_before_a_call_is_history_and_is_not_spoken() {
    let model = model(&["One.", "Two."]);
    let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
    let first = opening(&model).store(Arc::clone(&store)).id(id("c1")).start().await.unwrap();
    first.send("a").await.unwrap();
    let again = opening(&model).store(store).resume(id("c1")).await.unwrap();
    let mut events = again.subscribe();

    call(&again, &["b"]).await;

    let mut spoken = Vec::new();
    while let Some(Ok(event)) = futures_util::FutureExt::now_or_never(events.next()).flatten() {
        if let EventKind::ResponseText { text } = event.kind {
            spoken.push(text);
        }
    }
    assert_eq!(spoken, ["Two."]);
    let lines: Vec<_> = model.requests()[1].messages.iter().map(line).collect();
    assert_eq!(lines, ["user: a", "assistant: One.", "user: b"]);
}

#[tokio::test]
async fn while_a_call_goes_on_nobody_writes_and_clearing_ends_it() {
    let conversation = opening(&model(&["One."])).start().await.unwrap();
    let config = SessionConfig::default();
    let session = conversation.open_duplex(voice(&["b"]), config.clone()).await.unwrap();
    let running = |error| matches!(error, ConversationError::DuplexRunning);
    assert!(running(conversation.send("a").await.unwrap_err()));
    assert!(running(conversation.open_duplex(voice(&[]), config).await.unwrap_err()));

    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let running = session.run(microphone, speaker, Pace::Live);
    let (ended, cleared) = tokio::join!(running, conversation.clear());

    ended.unwrap();
    cleared.unwrap();
    assert!(conversation.messages().is_empty());
    assert_eq!(conversation.send("a").await.unwrap().text(), "One.");
}

#[tokio::test]
async fn a_call_needs_values_for_all_variables() {
    let conversation = opening(&model(&[])).start().await.unwrap();
    conversation.set_var("visitor", Value::Null);
    let error = conversation.open_duplex(voice(&[]), SessionConfig::default()).await.unwrap_err();
    assert!(matches!(error, ConversationError::Instructions(_)));
}

#[tokio::test]
async fn the_events_of_a_call_end_with_it_and_those_of_the_conversation_go_on() {
    let conversation = opening(&model(&["One.", "Two."])).start().await.unwrap();
    let mut all = conversation.subscribe();
    let session = conversation.open_duplex(voice(&["a"]), SessionConfig::default()).await.unwrap();
    let (mut events, stop) = (session.subscribe(), session.handle());
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let watch = async {
        let mut told = Vec::new();
        while let Some(Ok(event)) = events.next().await {
            if matches!(event.kind, EventKind::ResponseEnded { .. }) {
                stop.stop();
            }
            told.push(crate::session::tests::world::name(&event));
        }
        told
    };
    let (summary, told) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.unwrap();
    assert_eq!(told.last().map(String::as_str), Some("session_ended"));
    conversation.send("b").await.unwrap();
    assert!(events.next().await.is_none(), "what is written is not of the call");

    let mut of_all = Vec::new();
    while let Some(Ok(event)) = futures_util::FutureExt::now_or_never(all.next()).flatten() {
        of_all.push(crate::session::tests::world::name(&event));
    }
    assert_eq!(of_all[..told.len()], told);
    assert_eq!(of_all.last().map(String::as_str), Some("response_ended"));
}

#[tokio::test]
async fn the_events_of_a_call_that_fails_or_never_begins_end_as_well() {
    let conversation = opening(&model(&[])).start().await.unwrap();
    let mut config = SessionConfig::default();
    config.turn.max_turn = std::time::Duration::ZERO;
    let session = conversation.open_duplex(voice(&[]), config.clone()).await.unwrap();
    let mut events = session.subscribe();
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    session.run(microphone, speaker, Pace::Max).await.unwrap_err();
    assert!(events.next().await.is_none());

    let session = conversation.open_duplex(voice(&[]), config).await.unwrap();
    let mut events = session.subscribe();
    drop(session);
    assert!(events.next().await.is_none());
}
