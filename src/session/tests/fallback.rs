//! A model that speaks for itself is lost for good, and engines one after the other go on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::own::{Inputs, Play, Puppet, Side, kinds};
use super::world::*;
use crate::audio::SampleRate;
use crate::device::{NullMicrophone, NullSpeaker};
use crate::duplex::{Detecting, DuplexError, DuplexEvent, DuplexInput, ReplyEnd, ServerTurns};
use crate::events::EventKind;
use crate::ids::ConversationId;
use crate::providers::ProviderRequest;
use crate::providers::mock::MockProvider;
use crate::session::{Conversation, Pace, SessionConfig};
use crate::state::{MemoryStore, Saved, StateStore};
use crate::stt::{SttError, SttEvent, SttInput, Transcriber, Utterance};
use crate::time::SessionTime;
use crate::tools::FunctionTool;
use crate::tts::MockSynthesizer;
use crate::types::{ToolCall, ToolDescriptor};
use crate::vad::Scripted;

/// A recogniser that keeps what it hears, and says what its script says at the end of each turn.
#[derive(Debug, Default)]
struct Hearing {
    lines: Vec<&'static str>,
    heard: Arc<Mutex<Vec<Vec<i16>>>>,
}

impl Transcriber for Hearing {
    fn name(&self) -> &'static str {
        "hearing"
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, mut engine) = Utterance::channel();
        let heard = Arc::clone(&self.heard);
        let mut all = heard.lock().unwrap();
        let number = all.len();
        all.push(Vec::new());
        drop(all);
        let line = self.lines.get(number).copied().unwrap_or_default();
        tokio::spawn(async move {
            while let Some((input, _work)) = engine.inputs.recv().await {
                match input {
                    SttInput::Audio(audio) => {
                        heard.lock().unwrap()[number].extend(audio.samples());
                    }
                    SttInput::End => {
                        let _gone = engine.events.send(Ok(SttEvent::Final(line.to_owned()))).await;
                        return;
                    }
                    SttInput::Lull | SttInput::GoesOn => {}
                }
            }
        });
        Ok(utterance)
    }
}

/// What each turn sounded like to those who followed.
type Heard = Arc<Mutex<Vec<Vec<i16>>>>;

/// A call whose other side is played so, and what the others understand and answer.
fn world(
    script: &str,
    (said, answers): (&[&'static str], &[&str]),
    play: Play,
) -> (World, Inputs, Heard) {
    let (told, heard) = (Inputs::default(), Heard::default());
    let mut world = World::new(script, &[], answers);
    world.duplex = Some(Arc::new(Puppet { play, told: Arc::clone(&told) }));
    world.transcriber = Arc::new(Hearing { lines: said.to_vec(), heard: Arc::clone(&heard) });
    world.falls_back = true;
    (world, told, heard)
}

/// It is lost for good.
async fn leave(mut side: Side) {
    let last = Box::new(DuplexError::Closed { host: "there".to_owned() });
    let provider = "puppet".to_owned();
    side.tell(DuplexEvent::Closed(DuplexError::GaveUp { provider, attempts: 7, last })).await;
}

fn turn(pause_ms: usize) -> String {
    [voice(600), silence(pause_ms)].concat()
}

/// The samples of the microphone count: in what was heard none is missing, and none comes twice.
fn check_whole(heard: &[i16], at_least_ms: usize) {
    assert!(heard.len() >= at_least_ms * 16, "{} ms", heard.len() / 16);
    let gaps = heard.windows(2).filter(|pair| pair[1] != (pair[0] + 1) % 30_000);
    assert_eq!(gaps.count(), 0);
}

fn asked(request: &ProviderRequest) -> Vec<String> {
    request.messages.iter().map(line).collect()
}

#[tokio::test]
async fn lost_while_the_user_speaks_all_of_the_turn_is_heard_and_answered() {
    let (world, _, heard) =
        world(&turn(6_000), (&["what time is it"], &["It is noon."]), |mut side| {
            Box::pin(async move {
                let began = |input| matches!(input, Some(DuplexInput::TurnBegan { .. }));
                assert!(began(side.input().await));
                side.clock.sleep(Duration::from_millis(200)).await;
                leave(side).await;
            })
        });
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is noon."]);
    assert_eq!((told.count("mode_changed"), told.count("latency")), (1, 1));
    assert_eq!(field(&told, "mode_changed", "mode"), "vad");
    assert_eq!(field(&told, "mode_changed", "stt"), "hearing");
    let reason = field(&told, "mode_changed", "reason");
    assert!(reason.as_str().unwrap().contains("7 connections"), "{reason}");
    assert_eq!(told.count("turn_failed") + told.count("warning"), 0);
    let heard = heard.lock().unwrap();
    check_whole(&heard[0], 1_000);
    assert_eq!((heard.len(), heard[0][0]), (1, 0), "from the first sample on");
}

#[tokio::test]
async fn what_was_asked_and_not_answered_is_heard_again_and_answered_once() {
    let (world, inputs, heard) =
        world(&turn(6_000), (&["what time is it"], &["It is noon."]), |mut side| {
            Box::pin(async move {
                side.asked().await;
                side.clock.sleep(Duration::from_millis(700)).await;
                leave(side).await;
            })
        });
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is noon."]);
    assert_eq!(told.count("response_started"), 2);
    let outcomes = told.events.iter().filter_map(|event| match event.kind {
        EventKind::ResponseEnded { outcome } => Some(outcome),
        _ => None,
    });
    let outcomes: Vec<_> = outcomes.collect();
    assert_eq!(outcomes, ["discarded", "completed"]);
    assert_eq!(told.count("turn_failed"), 0);
    assert_eq!(kinds(&inputs).iter().filter(|input| input.starts_with("Respond")).count(), 1);
    check_whole(&heard.lock().unwrap()[0], 1_000);
    let numbers: Vec<_> = told.events.iter().filter_map(|event| event.response).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
}

#[tokio::test]
async fn words_that_it_has_given_are_not_asked_for_again() {
    let (world, _, heard) = world(&turn(6_000), (&["never"], &["It is noon."]), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.words(1, "what time is it").await;
            side.clock.sleep(Duration::from_millis(300)).await;
            leave(side).await;
        })
    });
    let provider = Arc::clone(&world.provider);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: what time is it", "assistant: It is noon."]);
    assert_eq!(asked(&provider.requests()[0]), ["user: what time is it"]);
    assert!(heard.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_whole_is_heard_to_its_end_and_the_next_turn_is_for_the_others() {
    let script = [turn(4_000), turn(5_000)].concat();
    let (world, _, heard) = world(&script, (&["and now"], &["One o'clock."]), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.words(1, "what time is it").await;
            side.answer(true, "It is high noon here.").await;
            side.clock.sleep(Duration::from_millis(500)).await;
            leave(side).await;
        })
    });
    let provider = Arc::clone(&world.provider);
    let told = world.run().await;
    let said = [
        "user: what time is it",
        "assistant: It is high noon here.",
        "user: and now",
        "assistant: One o'clock.",
    ];
    assert_eq!(told.said(), said);
    assert_eq!(asked(&provider.requests()[0]), said[..3]);
    assert_eq!((told.count("latency"), told.count("interrupted")), (2, 0));
    check_whole(&heard.lock().unwrap()[0], 1_600);
}

#[tokio::test]
async fn an_answer_that_was_cut_is_heard_as_far_as_it_came_and_the_others_apologise() {
    let script = [turn(7_000), turn(5_000)].concat();
    let (world, _, _) = world(&script, (&["again please"], &["It is noon."]), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.words(1, "what time is it").await;
            let reply = side.begin(true).await;
            side.say(reply, "It is high").await;
            side.end(reply, ReplyEnd::Lost).await;
            side.clock.sleep(Duration::from_millis(300)).await;
            leave(side).await;
        })
    });
    let told = world.run().await;
    let said = told.said();
    assert_eq!(said[..2], ["user: what time is it", "assistant: It is high"], "{said:#?}");
    assert_eq!(said[2], "assistant: Sorry, something went wrong. Please ask me again.");
    assert_eq!(said[3..], ["user: again please", "assistant: It is noon."]);
    assert_eq!(told.count("turn_failed"), 1);
}

#[tokio::test]
async fn lost_while_nobody_speaks_or_before_it_was_there_the_others_have_the_call() {
    for ms in [0, 700] {
        let script = [silence(1_500), turn(6_000)].concat();
        let play: Play = match ms {
            0 => |side| Box::pin(leave(side)),
            _ => |side| {
                Box::pin(async move {
                    side.clock.sleep(Duration::from_millis(700)).await;
                    leave(side).await;
                })
            },
        };
        let (mut world, _, heard) = world(&script, (&["hello"], &["Hello."]), play);
        world.at_start = Some(|handle| handle.say("Welcome."));
        let told = world.run().await;
        assert_eq!(
            told.said(),
            ["assistant: Welcome.", "user: hello", "assistant: Hello."],
            "after {ms} ms"
        );
        assert_eq!((told.count("latency"), told.count("turn_failed")), (1, 0));
        check_whole(&heard.lock().unwrap()[0], 1_600);
        assert!(told.peak(ms..ms + 700) > 0, "what was to be said is said");
    }
}

/// The tool runs once, and what it found is answered by the others.
#[tokio::test]
async fn a_tool_that_runs_meanwhile_runs_on_and_its_result_is_answered() {
    for late in [false, true] {
        let play: Play = match late {
            false => |mut side| {
                Box::pin(async move {
                    call_clock(&mut side).await;
                    side.clock.sleep(Duration::from_millis(300)).await;
                    leave(side).await;
                })
            },
            // The result was told, and nothing came of it.
            true => |mut side| {
                Box::pin(async move {
                    call_clock(&mut side).await;
                    side.asked().await;
                    leave(side).await;
                })
            },
        };
        let (mut world, _, _) = world(&turn(12_000), (&[], &["It is noon."]), play);
        let descriptor = ToolDescriptor::new("clock", "Tells the time.", json!({"type": "object"}));
        let calls = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&calls);
        let clock = FunctionTool::with_context(descriptor, move |_, context| {
            *counted.lock().unwrap() += 1;
            async move {
                context.clock.sleep(Duration::from_secs(2)).await;
                Ok(json!("12:00"))
            }
        });
        world.tools.register(clock).unwrap();
        let provider = Arc::clone(&world.provider);
        let told = world.run().await;
        let said = [
            "user: what time is it",
            "assistant: Let me see.",
            "assistant: clock({})",
            "tool: 12:00",
            "assistant: It is noon.",
        ];
        assert_eq!(told.said(), said, "late: {late}");
        assert_eq!(asked(&provider.requests()[0]), said[..4]);
        assert_eq!((*calls.lock().unwrap(), told.count("turn_failed")), (1, 0));
    }
}

async fn call_clock(side: &mut Side) {
    side.asked().await;
    side.words(1, "what time is it").await;
    let reply = side.begin(true).await;
    side.say(reply, "Let me see.").await;
    let (id, name) = ("call_1".to_owned(), "clock".to_owned());
    let call = ToolCall { id, name, arguments: json!({}) };
    side.tell(DuplexEvent::ToolCall { reply, call }).await;
    side.end(reply, ReplyEnd::AwaitsTools).await;
}

#[tokio::test]
async fn who_hangs_up_in_the_switch_has_hung_up() {
    for kind in ["mode_changed", "turn_ended"] {
        let (mut world, _, _) = world(&turn(6_000), (&["hello"], &["Hello."]), |mut side| {
            Box::pin(async move {
                side.asked().await;
                leave(side).await;
            })
        });
        world.stop_at = Some(kind);
        let told = world.run().await;
        assert_eq!(told.count("agent_speech_started"), 0, "{kind}");
        assert_eq!(told.count("session_ended"), 1, "{kind}");
        assert!(told.events.last().unwrap().at.as_millis() < 3_000.0, "{kind}");
    }
}

#[tokio::test]
async fn typed_turns_and_lines_work_before_and_after() {
    let (mut world, _, _) = world(&silence(9_000), (&[], &["One.", "Two."]), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.clock.sleep(Duration::from_millis(300)).await;
            leave(side).await;
        })
    });
    world.at(500, |handle| handle.hear("one"));
    world.at(3_000, |handle| handle.hear("two"));
    world.at(5_000, |handle| handle.say("That is all."));
    let told = world.run().await;
    assert_eq!(
        told.said(),
        ["user: one", "assistant: One.", "user: two", "assistant: Two.", "assistant: That is all."]
    );
}

/// Where the other side finds the turns, all sound goes there: from then on the session's rules do.
#[tokio::test]
async fn turns_that_the_other_side_found_are_found_here_from_then_on() {
    for answered in [false, true] {
        let play: Play = match answered {
            false => |mut side| {
                Box::pin(async move {
                    let at = SessionTime::from_millis;
                    side.tell(DuplexEvent::Ready { resumed: false }).await;
                    side.clock.sleep_until(at(700)).await;
                    side.tell(DuplexEvent::SpeechStarted { at: at(500) }).await;
                    side.clock.sleep_until(at(800)).await;
                    leave(side).await;
                })
            },
            true => |mut side| {
                Box::pin(async move {
                    let at = SessionTime::from_millis;
                    side.tell(DuplexEvent::Ready { resumed: false }).await;
                    side.clock.sleep_until(at(700)).await;
                    side.tell(DuplexEvent::SpeechStarted { at: at(500) }).await;
                    side.clock.sleep_until(at(1_600)).await;
                    side.tell(DuplexEvent::SpeechStopped { at: at(1_100) }).await;
                    side.clock.sleep_until(at(2_000)).await;
                    leave(side).await;
                })
            },
        };
        let script = [silence(500), turn(5_000), turn(5_000)].concat();
        let lines = (&["one", "two"][..], &["One.", "Two."][..]);
        let (mut world, _, heard) = world(&script, lines, play);
        world.config.duplex.detecting = Detecting::There(ServerTurns::default());
        let told = world.run().await;
        let said = ["user: one", "assistant: One.", "user: two", "assistant: Two."];
        assert_eq!(told.said(), said, "over: {answered}");
        let heard = heard.lock().unwrap();
        for turn in heard.iter() {
            check_whole(turn, 1_000);
        }
        assert!(heard[0][0] < 500 * 16, "from before the first voice on: {}", heard[0][0]);
        assert_eq!(told.count("turn_ended"), 2);
    }
}

/// As long as nobody is there to find them, turns are found here.
#[tokio::test]
async fn what_was_said_while_nobody_was_there_to_find_turns_is_answered() {
    let script = [silence(500), turn(5_000), turn(5_000)].concat();
    let lines = (&["one", "two"][..], &["By the others."][..]);
    let (mut world, _, heard) = world(&script, lines, |mut side| {
        Box::pin(async move {
            let clock = side.clock.clone();
            tokio::select! {
                () = clock.sleep(Duration::from_millis(6_400)) => {}
                () = async { while side.input().await.is_some() {} } => {}
            }
            leave(side).await;
        })
    });
    world.config.duplex.detecting = Detecting::There(ServerTurns::default());
    let told = world.run().await;
    let said = ["user: one", "user: two", "assistant: By the others."];
    assert_eq!(told.said(), said, "the second turn was not over yet");
    assert_eq!((told.count("turn_ended"), told.count("turn_failed")), (2, 0));
    heard.lock().unwrap().iter().for_each(|turn| check_whole(turn, 1_000));
}

/// Between two losses the other side was there again: what it heard once more is answered by it and is
/// one turn, wherever in it the connection was lost and found; the next turn it does not end.
async fn found_again(mut side: Side, (lost, found): (u64, u64)) {
    let at = SessionTime::from_millis;
    side.tell(DuplexEvent::Ready { resumed: false }).await;
    if lost > 500 {
        hear_until(&mut side, 700).await;
        side.tell(DuplexEvent::SpeechStarted { at: at(500) }).await;
    }
    hear_until(&mut side, lost).await;
    let (error, again_in) = (DuplexError::Closed { host: "there".to_owned() }, Duration::ZERO);
    side.tell(DuplexEvent::Lost { error, again_in }).await;
    hear_until(&mut side, found).await;
    side.tell(DuplexEvent::Ready { resumed: false }).await;
    // What was said before it hears at once.
    side.tell(DuplexEvent::SpeechStarted { at: at(500) }).await;
    hear_until(&mut side, 1_700).await;
    side.tell(DuplexEvent::SpeechStopped { at: at(1_100) }).await;
    hear_until(&mut side, 2_500).await;
    side.words(1, "one").await;
    side.answer(false, "One.").await;
    hear_until(&mut side, 6_300).await;
    side.tell(DuplexEvent::SpeechStarted { at: at(6_100) }).await;
    hear_until(&mut side, 6_400).await;
    leave(side).await;
}

/// Takes what it is told until then.
async fn hear_until(side: &mut Side, ms: u64) {
    let clock = side.clock.clone();
    tokio::select! {
        () = clock.sleep_until(SessionTime::from_millis(ms)) => {}
        () = async { while side.input().await.is_some() {} } => {}
    }
}

#[tokio::test]
async fn who_was_lost_and_found_before_has_answered_what_it_heard_again() {
    let plays: [(&str, Play); 4] = [
        ("before the turn", |side| Box::pin(found_again(side, (300, 1_000)))),
        ("in the turn", |side| Box::pin(found_again(side, (800, 1_000)))),
        ("in the turn and after it", |side| Box::pin(found_again(side, (800, 2_200)))),
        ("around it", |side| Box::pin(found_again(side, (300, 2_200)))),
    ];
    for (when, play) in plays {
        let script = [silence(500), turn(5_000), turn(5_000)].concat();
        let lines = (&["two"][..], &["By the others."][..]);
        let (mut world, _, heard) = world(&script, lines, play);
        world.config.duplex.detecting = Detecting::There(ServerTurns::default());
        let told = world.run().await;
        let said = ["user: one", "assistant: One.", "user: two", "assistant: By the others."];
        assert_eq!(told.said(), said, "{when}");
        let ends = (told.count("turn_started"), told.count("turn_ended"));
        assert_eq!((ends, told.count("turn_failed")), ((2, 2), 0), "{when}");
        let heard = heard.lock().unwrap();
        assert_eq!(heard.len(), 1, "{when}: the others hear what was not answered");
        check_whole(&heard[0], 1_000);
    }
}

/// One recording, whole, with what the user said and both voices in their places.
#[tokio::test]
async fn the_recording_goes_on() {
    let script = [turn(4_000), turn(5_000)].concat();
    let folder = tempfile::tempdir().unwrap();
    let record = folder.path().join("call.wav");
    let (mut world, _, _) = world(&script, (&["and now"], &["One o'clock."]), |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.words(1, "what time is it").await;
            side.answer(true, "It is noon.").await;
            side.clock.sleep(Duration::from_millis(2_000)).await;
            leave(side).await;
        })
    });
    world.config.record = Some(record.clone());
    let told = world.run().await;
    assert!(told.summary.recording_is_whole);
    let changed = told.times(&["mode_changed"])[0].0;
    let spoken = told.times(&["agent_speech_started"]);
    assert!(spoken[0].0 < changed && changed < spoken[1].0, "{spoken:?}, {changed}");
    let samples: Vec<i16> =
        hound::WavReader::open(&record).unwrap().into_samples().map(Result::unwrap).collect();
    let channel = |channel: usize| samples.iter().skip(channel).step_by(2).copied();
    let user: Vec<_> = channel(0).collect();
    check_whole(&user[..9_000 * 16], 9_000);
    let agent: Vec<_> = channel(1).collect();
    for (at, _) in spoken {
        let at = at as usize * 16;
        assert!(agent[at..at + 8_000].iter().any(|sample| *sample != 0), "{at}");
    }
}

/// What is kept of a conversation has both parts in order, and who answered.
#[tokio::test]
async fn the_history_that_is_kept_has_both_parts_in_order() {
    let model = MockProvider::new();
    for answer in ["Written.", "By the others.", "Written again."] {
        model.add_response(answer);
    }
    let store: Arc<dyn StateStore> = Arc::new(MemoryStore::default());
    let id: ConversationId = "c1".parse().unwrap();
    let opening = Conversation::plain("Be brief.").provider(Arc::new(model)).id(id.clone());
    let conversation = opening.store(Arc::clone(&store)).start().await.unwrap();
    conversation.send("in writing").await.unwrap();

    let play: Play = |mut side| {
        Box::pin(async move {
            side.asked().await;
            side.words(1, "to the one").await;
            side.answer(true, "By the one.").await;
            side.clock.sleep(Duration::from_millis(2_000)).await;
            leave(side).await;
        })
    };
    let puppet = Arc::new(Puppet { play, told: Inputs::default() });
    let vad = Box::new(Scripted::new(&[turn(4_000), turn(9_000)].concat()));
    let session = conversation.open_asm(vad, puppet, SessionConfig::default()).await.unwrap();
    let hearing = Hearing { lines: vec!["to the others"], heard: Heard::default() };
    let others = conversation.fallback(Arc::new(hearing), Arc::new(MockSynthesizer::default()));
    let session = session.with_fallback(others);
    let (mut events, stop) = (session.subscribe(), session.handle());
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let watch = async {
        let mut answers = 0;
        while let Some(Ok(event)) = events.next().await {
            answers += usize::from(matches!(event.kind, EventKind::ResponseEnded { .. }));
            if answers == 2 {
                stop.stop();
            }
        }
    };
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary.unwrap();
    conversation.send("once more").await.unwrap();

    let said: Vec<_> = conversation.messages().iter().map(line).collect();
    let expected = [
        "user: in writing",
        "assistant: Written.",
        "user: to the one",
        "assistant: By the one.",
        "user: to the others",
        "assistant: By the others.",
        "user: once more",
        "assistant: Written again.",
    ];
    assert_eq!(said, expected);
    let saved = Saved::of(store.read(&id).await.unwrap().unwrap());
    let kept: Vec<_> = saved.turns.iter().flat_map(|turn| &turn.messages).map(line).collect();
    assert_eq!(kept, expected);
    assert!(saved.turns[2].latency.unwrap().voice_to_voice_ms.is_some());
    assert_eq!(saved.turns[2].model.as_deref(), Some("mock"));
}
