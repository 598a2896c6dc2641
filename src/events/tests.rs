//! `docs/events.md` says what is true: every type, every field, and nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Event, EventKind, Latency, SpeechEnd, StageName};
use crate::ids::{ResponseId, SessionId, TurnId};
use crate::time::SessionTime;
use crate::turn::EndReason;
use crate::types::{Direction, ValidationAction, WaitsFor};

const DOC: &str = include_str!("../../docs/events.md");

#[test]
fn every_type_has_a_section_with_its_fields_and_a_line_that_has_them() {
    for kind in samples() {
        let fields = json!(&kind);
        let name = fields["type"].as_str().unwrap();
        let section = section(name).unwrap_or_else(|| panic!("no section for `{name}`"));
        let own = keys(&fields);
        for field in own.iter().filter(|field| *field != "type") {
            assert!(section.contains(&format!("| `{field}` |")), "`{name}` lacks `{field}`");
        }
        let example = section.lines().find(|line| line.starts_with('{')).expect(name);
        let example = keys(&serde_json::from_str(example).expect(name));
        assert_eq!(example.difference(&common()).cloned().collect::<BTreeSet<_>>(), own, "{name}");
    }
}

#[test]
fn no_section_is_about_a_type_that_is_no_more() {
    let known: Vec<_> = samples().map(|kind| json!(kind)["type"].clone()).collect();
    for heading in DOC.lines().filter_map(|line| line.strip_prefix("### `")) {
        let name = heading.trim_end_matches('`');
        assert!(known.contains(&json!(name)), "there is no event `{name}`");
    }
}

#[test]
fn every_value_of_a_choice_is_explained() {
    let told = |name: &str, values: &[Value]| {
        for value in values {
            let value = value.as_str().unwrap();
            assert!(section(name).unwrap().contains(&format!("`{value}`")), "{name}: {value}");
        }
    };
    use EndReason::{MaxTurn, Released, Silence, StreamEnd, Told, TooShort};
    told(
        "turn_ended",
        &[Silence, MaxTurn, Released, Told, StreamEnd, TooShort].map(|why| json!(why)),
    );
    use StageName::{Context, Provider, Stt, Tts, Validate};
    told("turn_failed", &[Stt, Provider, Tts, Context, Validate].map(|at| json!(at)));
    use Direction::{Input, Output};
    use ValidationAction::{Failed, Replaced, Truncated, Warned};
    told("validation_failed", &[json!(Input), json!(Output)]);
    told("validation_failed", &[Replaced, Truncated, Warned, Failed].map(|action| json!(action)));
    told("latency", &[json!(SpeechEnd::Label), json!(SpeechEnd::Estimate)]);
}

#[test]
fn the_common_fields_are_those_of_every_event() {
    let event = Event {
        at: SessionTime::ZERO,
        turn: Some(TurnId::new(1)),
        response: Some(ResponseId::FIRST),
        kind: EventKind::Held,
    };
    let mut fields = common();
    fields.insert("type".to_owned());
    assert_eq!(keys(&json!(event)), fields);
    for field in fields {
        assert!(DOC.contains(&format!("| `{field}` |")), "no common field `{field}`");
    }
}

fn section(name: &str) -> Option<&'static str> {
    let (_, rest) = DOC.split_once(&format!("\n### `{name}`\n"))?;
    Some(rest.split("\n##").next().unwrap_or(rest))
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

fn common() -> BTreeSet<String> {
    ["t_ms", "turn", "response"].map(str::to_owned).into()
}

/// One of each kind.
fn samples() -> impl Iterator<Item = EventKind> {
    std::iter::successors(Some(first()), after)
}

fn first() -> EventKind {
    let [vad, stt, llm, tts] = ["earshot", "pocketsphinx", "scripted", "flite"].map(str::to_owned);
    EventKind::SessionStarted { version: 1, session: SessionId::new("call"), vad, stt, llm, tts }
}

/// The next kind. A new variant does not compile before it has its place here; then the tests
/// ask for its section.
fn after(kind: &EventKind) -> Option<EventKind> {
    use EventKind::*;
    let text = || "words".to_owned();
    Some(match kind {
        SessionStarted { .. } => SpeechStarted { start_ms: 0.0 },
        SpeechStarted { .. } => TurnStarted { start_ms: 0.0 },
        TurnStarted { .. } => {
            TurnEnded { speech_end_ms: 0.0, silence_ms: 0.0, reason: EndReason::Silence }
        }
        TurnEnded { .. } => Woken { phrase: Some(text()) },
        Woken { .. } => Asleep,
        Asleep => Transcript { text: text(), is_final: true },
        Transcript { .. } => Typed { text: text() },
        Typed { .. } => ResponseStarted,
        ResponseStarted => SpeculationCommitted { ahead_ms: 0.0 },
        SpeculationCommitted { .. } => {
            SpeculationDiscarded { input_tokens: 1, output_tokens: 1, estimated: true }
        }
        SpeculationDiscarded { .. } => ResponseText { text: text() },
        ResponseText { .. } => SynthesisStarted { characters: 1 },
        SynthesisStarted { .. } => AgentSpeechStarted { start_ms: 0.0 },
        AgentSpeechStarted { .. } => {
            AgentSpeechEnded { end_ms: 0.0, heard_ms: 0.0, complete: true }
        }
        AgentSpeechEnded { .. } => Held,
        Held => Silenced { callback_ms: 0.0, device_ms: 0.0 },
        Silenced { .. } => Released,
        Released => Interrupted { heard_ms: 0.0, heard_text: text() },
        Interrupted { .. } => ResponseEnded { outcome: "completed" },
        ResponseEnded { .. } => ToolCalled { call: text(), name: text(), arguments: json!({}) },
        ToolCalled { .. } => ToolFinished { call: text(), name: text(), ok: true, took_ms: 0.0 },
        ToolFinished { .. } => {
            ToolPending { call: text(), name: text(), waits_for: WaitsFor::Result }
        }
        ToolPending { .. } => ToolResolved { call: text(), name: text(), ok: true },
        ToolResolved { .. } => Retried { stage: StageName::Stt, error: text() },
        Retried { .. } => TurnFailed { stage: StageName::Stt, error: text() },
        TurnFailed { .. } => ValidationFailed {
            validator: text(),
            kind: text(),
            direction: Direction::Output,
            action: ValidationAction::Replaced,
            message: text(),
        },
        ValidationFailed { .. } => ContextCut { left_out: 1, summarised: 0, tokens: 1 },
        ContextCut { .. } => EventKind::Latency(no_latency()),
        EventKind::Latency(_) => Warning { message: text() },
        Warning { .. } => ConnectionReady { resumed: true },
        ConnectionReady { .. } => ConnectionLost { error: text(), again_in_ms: 0.0 },
        ConnectionLost { .. } => ConnectionEnding { left_ms: 0.0 },
        ConnectionEnding { .. } => SoundForgotten { sound_ms: 0.0 },
        SoundForgotten { .. } => {
            ModeChanged { mode: "vad", reason: text(), stt: text(), llm: text(), tts: text() }
        }
        ModeChanged { .. } => DeviceChanged { device: "speaker", name: text() },
        DeviceChanged { .. } => SessionEnded { turns: 0, under_runs: 0, lost_ms: 0.0 },
        SessionEnded { .. } => return None,
    })
}

fn no_latency() -> Latency {
    Latency {
        speech_end: SpeechEnd::Label,
        total_ms: 0.0,
        silence_ms: 0.0,
        vad_ms: 0.0,
        capture_ms: 0.0,
        stt_ms: 0.0,
        provider_ms: 0.0,
        clause_ms: 0.0,
        tts_ms: 0.0,
        lead_ms: 0.0,
        playout_ms: 0.0,
        device_ms: 0.0,
        residual_ms: 0.0,
    }
}
