//! The session object: what the client has asked for, over what the service has by default.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::super::ear::Hearing;
use super::sound::Format;
use super::wrong::Wrong;
use crate::turn::Endpoint;

/// The settings of a session, as they are echoed.
#[derive(Debug)]
pub(super) struct Session {
    body: Value,
    /// The voice was heard, and cannot be another any more.
    pub(super) is_heard: bool,
}

impl Session {
    pub(super) fn new(id: &str, model: &str, expires_at: i64) -> Self {
        let pcm = json!({"type": "audio/pcm", "rate": 24_000});
        let body = json!({
            "type": "realtime", "object": "realtime.session", "id": id, "model": model,
            "expires_at": expires_at, "instructions": "", "output_modalities": ["audio"],
            "tools": [], "tool_choice": "auto", "max_output_tokens": "inf", "tracing": null,
            "truncation": "auto", "prompt": null, "include": null,
            "audio": {
                "input": {
                    "format": pcm, "transcription": null, "noise_reduction": null,
                    "turn_detection": detection("server_vad"),
                },
                "output": {"format": pcm, "voice": "alloy", "speed": 1.0},
            },
        });
        Self { body, is_heard: false }
    }

    pub(super) const fn body(&self) -> &Value {
        &self.body
    }

    /// Lays an update over it, or leaves it as it is.
    pub(super) fn update(&mut self, update: &Value) -> Result<(), Wrong> {
        if !update.is_object() {
            return Err(Wrong::missing("session"));
        }
        match update.get("type") {
            None => return Err(Wrong::missing("session.type")),
            Some(kind) if kind == "realtime" || kind == "transcription" => {}
            Some(kind) => {
                let message = format!(
                    "Invalid value: {kind}. Supported values are: 'realtime' and 'transcription'."
                );
                return Err(Wrong::value("session.type", message));
            }
        }
        let mut merged = self.body.clone();
        merge(&mut merged, update);
        // These are the service's.
        for name in ["id", "object", "model", "expires_at"] {
            merged[name] = self.body[name].clone();
        }
        for (way, name) in [("input", "turn_detection"), ("input", "format"), ("output", "format")]
        {
            let asked = &update["audio"][way][name];
            if asked.is_object() {
                let before = &self.body["audio"][way][name];
                merged["audio"][way][name] = replaced(name, before, asked);
            }
        }
        check(&merged)?;
        let voice = |body: &Value| body["audio"]["output"]["voice"].clone();
        if self.is_heard && voice(&merged) != voice(&self.body) {
            let message = "Cannot update a conversation's voice if assistant audio is present.";
            return Err(Wrong::new("cannot_update_voice", message));
        }
        self.body = merged;
        Ok(())
    }

    pub(super) fn only_transcribes(&self) -> bool {
        self.body["type"] == "transcription"
    }

    /// How turns are detected; not at all with `None`.
    pub(super) fn hearing(&self) -> Option<Hearing> {
        let detection = self.detection()?;
        let threshold = detection["threshold"].as_f64().unwrap_or(0.5) as f32;
        let ms = |ms| Duration::from_millis(ms);
        Some(match detection["type"].as_str() {
            Some("semantic_vad") => {
                let (endpoint, silence) = match detection["eagerness"].as_str() {
                    Some("high") => (Endpoint::Eager, ms(500)),
                    Some("low") => (Endpoint::Patient, ms(1_200)),
                    _ => (Endpoint::Balanced, ms(800)),
                };
                Hearing { threshold: 0.5, endpoint, silence }
            }
            _ => {
                let silence = ms(detection["silence_duration_ms"].as_u64().unwrap_or(500));
                Hearing { threshold, endpoint: Endpoint::Fixed, silence }
            }
        })
    }

    pub(super) fn prefix(&self) -> Duration {
        let own = self.detection().and_then(|it| it["prefix_padding_ms"].as_u64());
        Duration::from_millis(own.unwrap_or(300))
    }

    pub(super) fn idle_timeout(&self) -> Option<Duration> {
        self.detection()?["idle_timeout_ms"].as_u64().map(Duration::from_millis)
    }

    pub(super) fn creates_responses(&self) -> bool {
        !self.only_transcribes() && self.detects("create_response")
    }

    pub(super) fn interrupts(&self) -> bool {
        self.detects("interrupt_response")
    }

    pub(super) fn input(&self) -> Format {
        Format::of(&self.body["audio"]["input"]["format"]).unwrap_or_default()
    }

    pub(super) fn transcribes(&self) -> bool {
        self.body["audio"]["input"]["transcription"].is_object()
    }

    fn detection(&self) -> Option<&Value> {
        Some(&self.body["audio"]["input"]["turn_detection"]).filter(|it| it.is_object())
    }

    fn detects(&self, what: &str) -> bool {
        self.detection().is_some_and(|it| it[what].as_bool().unwrap_or(true))
    }
}

/// Lays an update over a value: objects key by key, everything else whole.
fn merge(over: &mut Value, update: &Value) {
    match (over, update) {
        (Value::Object(over), Value::Object(update)) => {
            for (key, value) in update {
                merge(over.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (over, update) => *over = update.clone(),
    }
}

/// What has a type: with another type, nothing of the one before is left.
fn replaced(name: &str, before: &Value, asked: &Value) -> Value {
    let kind = asked["type"].as_str().or(before["type"].as_str()).unwrap_or_default();
    let mut merged = match name {
        _ if before["type"] == kind => before.clone(),
        "turn_detection" => detection(kind),
        _ if kind == "audio/pcm" => json!({"rate": 24_000}),
        _ => Value::Object(Map::new()),
    };
    merge(&mut merged, asked);
    merged
}

fn detection(kind: &str) -> Value {
    match kind {
        "semantic_vad" => json!({
            "type": kind, "eagerness": "auto", "create_response": true, "interrupt_response": true,
        }),
        _ => json!({
            "type": kind, "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
            "idle_timeout_ms": null, "create_response": true, "interrupt_response": true,
        }),
    }
}

/// What is checked of a session. Keys that nobody knows are kept.
fn check(body: &Value) -> Result<(), Wrong> {
    if body.to_string().len() > LARGEST {
        return Err(Wrong::value("session", "Invalid 'session': expected at most 1 MiB."));
    }
    check_modalities("session.output_modalities", &body["output_modalities"])?;
    check_tokens("session.max_output_tokens", &body["max_output_tokens"])?;
    let audio = &body["audio"];
    for way in ["input", "output"] {
        Format::of(&audio[way]["format"])
            .map_err(|why| Wrong::value(&format!("session.audio.{way}.format"), why))?;
    }
    let speed = audio["output"]["speed"].as_f64().unwrap_or(1.0);
    if !(0.25..=1.5).contains(&speed) {
        let message = "Invalid value: expected a number from 0.25 to 1.5.";
        return Err(Wrong::value("session.audio.output.speed", message));
    }
    let tools = body["tools"].as_array().into_iter().flatten().enumerate();
    for (number, tool) in tools {
        if tool["type"] == "function" && tool["name"].as_str().unwrap_or_default().is_empty() {
            return Err(Wrong::missing(&format!("session.tools[{number}].name")));
        }
    }
    check_detection(&audio["input"]["turn_detection"])
}

fn check_detection(detection: &Value) -> Result<(), Wrong> {
    let param = |name: &str| format!("session.audio.input.turn_detection.{name}");
    if detection.is_null() {
        return Ok(());
    }
    if !["server_vad", "semantic_vad"].map(Some).contains(&detection["type"].as_str()) {
        let message = "Invalid value: supported values are 'server_vad' and 'semantic_vad'.";
        return Err(Wrong::value(&param("type"), message));
    }
    if detection["threshold"].as_f64().is_some_and(|it| !(0.0..=1.0).contains(&it)) {
        return Err(Wrong::value(&param("threshold"), "Invalid value: expected 0 to 1."));
    }
    for name in ["prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"] {
        let value = &detection[name];
        if !value.is_null() && value.as_u64().is_none_or(|ms| ms > LONGEST_MS) {
            let message = format!("Invalid value: expected 0 to {LONGEST_MS}.");
            return Err(Wrong::value(&param(name), message));
        }
    }
    let eagerness = &detection["eagerness"];
    if !eagerness.is_null()
        && !["low", "medium", "high", "auto"].map(Some).contains(&eagerness.as_str())
    {
        let message = "Invalid value: supported values are 'low', 'medium', 'high' and 'auto'.";
        return Err(Wrong::value(&param("eagerness"), message));
    }
    Ok(())
}

pub(super) fn check_modalities(param: &str, modalities: &Value) -> Result<(), Wrong> {
    if [json!(null), json!(["text"]), json!(["audio"])].contains(modalities) {
        return Ok(());
    }
    let message = "Invalid modalities: supported combinations are: ['text'] and ['audio'].";
    Err(Wrong::value(param, message))
}

pub(super) fn check_tokens(param: &str, tokens: &Value) -> Result<(), Wrong> {
    let is_count = tokens.as_u64().is_some_and(|count| (1..=4_096).contains(&count));
    if is_count || tokens.is_null() || tokens == "inf" {
        return Ok(());
    }
    Err(Wrong::value(param, "Invalid value: expected 1 to 4096 or 'inf'."))
}

/// In bytes of JSON.
const LARGEST: usize = 1 << 20;
/// Of silence and of sound before the voice.
const LONGEST_MS: u64 = 60_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::new("sess_1", "m", 0)
    }

    #[test]
    fn an_update_is_laid_over_what_there_is() {
        let mut session = session();
        let input = json!({"transcription": {"model": "t"}, "turn_detection": {"silence_duration_ms": 200}});
        let update = json!({"type": "realtime", "audio": {"input": input}, "x_unknown": 1});
        session.update(&update).unwrap();
        session.update(&json!({"type": "realtime", "tracing": "auto", "model": "other"})).unwrap();
        let body = session.body();
        assert_eq!(body["audio"]["input"]["turn_detection"]["silence_duration_ms"], 200);
        assert_eq!(body["audio"]["input"]["turn_detection"]["interrupt_response"], true);
        assert_eq!(body["audio"]["output"]["voice"], "alloy");
        assert_eq!(
            [&body["model"], &body["tracing"], &body["x_unknown"]],
            [&json!("m"), &json!("auto"), &json!(1)]
        );
        assert!(session.transcribes());
    }

    #[test]
    fn another_type_of_turn_detection_takes_the_place_of_the_one_before() {
        let mut session = session();
        let update = |detection: Value| json!({"type": "realtime", "audio": {"input": {"turn_detection": detection}}});
        session.update(&update(json!({"type": "semantic_vad", "eagerness": "low"}))).unwrap();
        let detection = &session.body()["audio"]["input"]["turn_detection"];
        assert_eq!(detection["eagerness"], "low");
        assert!(detection.get("threshold").is_none() && session.interrupts());
        session.update(&update(Value::Null)).unwrap();
        assert_eq!((session.hearing(), session.creates_responses()), (None, false));
        session.update(&update(json!({"type": "server_vad"}))).unwrap();
        assert_eq!(session.hearing().unwrap().silence, Duration::from_millis(500));
    }

    #[test]
    fn what_cannot_be_is_refused_and_changes_nothing() {
        let mut session = session();
        let before = session.body().clone();
        for (update, code, param) in [
            (json!({}), "missing_required_parameter", "session.type"),
            (json!({"type": "other"}), "invalid_value", "session.type"),
            (
                json!({"output_modalities": ["text", "audio"]}),
                "invalid_value",
                "session.output_modalities",
            ),
            (json!({"max_output_tokens": 0}), "invalid_value", "session.max_output_tokens"),
            (
                json!({"audio": {"input": {"format": {"type": "audio/mp3"}}}}),
                "invalid_value",
                "session.audio.input.format",
            ),
            (
                json!({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 16000}}}}),
                "invalid_value",
                "session.audio.output.format",
            ),
            (
                json!({"audio": {"output": {"speed": 2}}}),
                "invalid_value",
                "session.audio.output.speed",
            ),
            (
                json!({"tools": [{"type": "function"}]}),
                "missing_required_parameter",
                "session.tools[0].name",
            ),
            (
                json!({"audio": {"input": {"turn_detection": {"type": "x"}}}}),
                "invalid_value",
                "session.audio.input.turn_detection.type",
            ),
        ] {
            let mut update = update;
            if param != "session.type" {
                update["type"] = "realtime".into();
            }
            let wrong = session.update(&update).unwrap_err();
            assert_eq!((wrong.code.as_str(), wrong.param.as_deref()), (code, Some(param)));
            assert_eq!(*session.body(), before);
        }
        session.is_heard = true;
        let update = json!({"type": "realtime", "audio": {"output": {"voice": "marin"}}});
        assert_eq!(session.update(&update).unwrap_err().code, "cannot_update_voice");
    }
}
