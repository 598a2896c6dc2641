//! What the client's first message asks for.

use std::time::Duration;

use serde_json::Value;

use super::super::ear::Hearing;
use super::super::persona::Manner;
use super::fields::{get, has, number, unknown};
use crate::turn::Endpoint;

/// What a session is like.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) model: String,
    pub(super) manner: Manner,
    /// How turns are detected; by the client with `None`.
    pub(super) hearing: Option<Hearing>,
    pub(super) interrupts: bool,
    /// Whose words are written down.
    pub(super) transcribes: Transcribes,
    pub(super) tells_voice: bool,
    pub(super) resumption: Option<Resumption>,
    pub(super) compression: Option<Compression>,
    /// The functions whose results the model does not wait for.
    pub(super) unawaited: Vec<String>,
    /// The first contents are what was said before, which is not answered.
    pub(super) has_past: bool,
    /// What is said to the model in every turn: the instruction and the tools.
    pub(super) preamble: String,
}

/// Whose words are written down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transcribes {
    pub(super) input: bool,
    pub(super) output: bool,
}

/// Going on after a loss.
#[derive(Debug)]
pub(super) struct Resumption {
    pub(super) handle: Option<String>,
    pub(super) transparent: bool,
}

/// Forgetting what is old.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compression {
    pub(super) trigger: u64,
    pub(super) target: u64,
}

impl Setup {
    /// Reads a setup, or says why it cannot be.
    pub(super) fn of(asked: &Value) -> Result<Self, String> {
        if let Some(name) = unknown(asked, &KNOWN) {
            return Err(cannot_find(name, "setup"));
        }
        let model = get(asked, "model").as_str().unwrap_or_default().to_owned();
        if model.is_empty() {
            return Err("setup.model must be specified".to_owned());
        }
        let config = get(asked, "generationConfig");
        let modalities = get(config, "responseModalities").as_array().map(Vec::as_slice);
        let audible = match modalities.unwrap_or_default() {
            [] => true,
            [one] if one == "AUDIO" => true,
            [one] if one == "TEXT" => false,
            _ => return Err("response_modalities must be one of AUDIO and TEXT".to_owned()),
        };
        let most = number(config, "maxOutputTokens").map_or(usize::MAX, |most| most as usize);
        let input = get(asked, "realtimeInputConfig");
        let resumption = get(asked, "sessionResumption");
        let resumption = resumption.is_object().then(|| Resumption {
            handle: get(resumption, "handle").as_str().map(str::to_owned),
            transparent: get(resumption, "transparent").as_bool().unwrap_or_default(),
        });
        let (instruction, tools) = (get(asked, "systemInstruction"), get(asked, "tools"));
        Ok(Self {
            model,
            manner: Manner { audible, speed: 1.0, most },
            hearing: hearing(get(input, "automaticActivityDetection")),
            interrupts: get(input, "activityHandling") != "NO_INTERRUPTION",
            transcribes: Transcribes {
                input: has(asked, "inputAudioTranscription"),
                output: has(asked, "outputAudioTranscription"),
            },
            tells_voice: get(asked, "explicitVadSignal") == true,
            resumption,
            compression: compression(get(asked, "contextWindowCompression")),
            unawaited: unawaited(tools),
            has_past: get(get(asked, "historyConfig"), "initialHistoryInClientContent") == true,
            preamble: format!("{instruction} {tools}"),
        })
    }
}

/// As the service words it.
pub(super) fn cannot_find(name: &str, place: &str) -> String {
    format!(
        "Invalid JSON payload received. Unknown name \"{name}\" at '{place}': Cannot find field."
    )
}

fn hearing(detection: &Value) -> Option<Hearing> {
    if get(detection, "disabled") == true {
        return None;
    }
    let is =
        |name: &str, what: &str| get(detection, name).as_str().is_some_and(|it| it.ends_with(what));
    let threshold = if is("startOfSpeechSensitivity", "_LOW") { 0.7 } else { 0.5 };
    let silence = match () {
        () if is("endOfSpeechSensitivity", "_HIGH") => 500,
        () if is("endOfSpeechSensitivity", "_LOW") => 1_000,
        () => 800,
    };
    let silence = number(detection, "silenceDurationMs").unwrap_or(silence).min(LONGEST_MS);
    let silence = Duration::from_millis(silence);
    Some(Hearing { threshold, endpoint: Endpoint::Fixed, silence })
}

fn compression(asked: &Value) -> Option<Compression> {
    let trigger = number(asked, "triggerTokens")?;
    let window = get(asked, "slidingWindow");
    let target = number(window, "targetTokens").unwrap_or(trigger / 2);
    window.is_object().then_some(Compression { trigger, target: target.min(trigger) })
}

fn unawaited(tools: &Value) -> Vec<String> {
    let tools = tools.as_array().into_iter().flatten();
    let functions = tools.filter_map(|tool| get(tool, "functionDeclarations").as_array()).flatten();
    let unawaited = functions.filter(|function| get(function, "behavior") == "NON_BLOCKING");
    unawaited.filter_map(|function| get(function, "name").as_str().map(str::to_owned)).collect()
}

const KNOWN: [&str; 15] = [
    "model",
    "generationConfig",
    "systemInstruction",
    "tools",
    "realtimeInputConfig",
    "sessionResumption",
    "contextWindowCompression",
    "inputAudioTranscription",
    "outputAudioTranscription",
    "proactivity",
    "explicitVadSignal",
    "historyConfig",
    "avatarConfig",
    "safetySettings",
    "labels",
];
const LONGEST_MS: u64 = 60_000;
