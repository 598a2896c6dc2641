//! What a session is told about itself when it opens, and what of that can change.

use std::borrow::Cow;
use std::time::Duration;

use super::options::{Compression, GeminiOptions, Resumption, Sensitivity};
use super::wire::{
    ActivityDetection, AudioTranscription, Content, ContextUpdate, ContextWindowCompression,
    FunctionDeclaration, GenerationConfig, HistoryConfig, Part, PrebuiltVoice, Proactivity,
    RealtimeInputConfig, SessionResumption, Setup, SlidingWindow, SpeechConfig, Tool, UpdatedTools,
    VoiceConfig,
};
use crate::duplex::{Detecting, DuplexSettings, Eagerness, ServerTurns, Speaks};
use crate::types::ToolChoice;

/// All of a session, which goes on where `handle` says, or is told its past if `has_past`.
pub(super) fn whole<'a>(
    options: &'a GeminiOptions,
    settings: &'a DuplexSettings,
    handle: Option<&'a str>,
    has_past: bool,
) -> Setup<'a> {
    let resumption = match options.session_resumption {
        Resumption::On => Some(SessionResumption { handle, transparent: false }),
        Resumption::Transparent => Some(SessionResumption { handle, transparent: true }),
        Resumption::Off => None,
    };
    let (audio, video) = (options.proactive_audio, options.proactive_video);
    let proactivity = Proactivity { proactive_audio: audio, proactive_video: video };
    let told = has_past && handle.is_none() && options.initial_history;
    Setup {
        model: model(&options.model),
        generation_config: generation(options, settings),
        system_instruction: system(&settings.system),
        tools: tools(settings),
        realtime_input_config: input(options, settings.detecting),
        session_resumption: resumption,
        context_window_compression: options.context_window_compression.map(compression),
        input_audio_transcription: settings.transcribes.then(|| heard(options, settings)),
        output_audio_transcription: (settings.speaks == Speaks::Sound)
            .then(AudioTranscription::default),
        proactivity: (audio.is_some() || video.is_some()).then_some(proactivity),
        explicit_vad_signal: options.explicit_vad_signal.then_some(true),
        history_config: told.then_some(HistoryConfig { initial_history_in_client_content: true }),
        safety_settings: &options.safety_settings,
    }
}

/// What of a session changes that can change while it goes on: its instructions and tools.
pub(super) fn changes<'a>(
    before: &'a DuplexSettings,
    settings: &'a DuplexSettings,
) -> Option<ContextUpdate<'a>> {
    let text = Cow::Borrowed(&*settings.system);
    let instructed = || Content { role: None, parts: vec![Part::Text(text)] };
    let system_instruction = (before.system != settings.system).then(instructed);
    let (old, new) = (tools(before), tools(settings));
    let tools = (old != new).then_some(UpdatedTools { tools: new });
    let changed = system_instruction.is_some() || tools.is_some();
    changed.then_some(ContextUpdate { system_instruction, tools })
}

fn model(name: &str) -> String {
    // Tuned models and those of projects have paths of their own.
    if name.contains('/') { name.to_owned() } else { format!("models/{name}") }
}

fn generation<'a>(options: &GeminiOptions, settings: &'a DuplexSettings) -> GenerationConfig<'a> {
    let parameters = &settings.parameters;
    GenerationConfig {
        response_modalities: [match settings.speaks {
            Speaks::Sound => "AUDIO",
            Speaks::Text => "TEXT",
        }],
        speech_config: speech(settings),
        temperature: parameters.temperature,
        top_p: parameters.top_p,
        top_k: parameters.top_k,
        max_output_tokens: parameters.max_tokens,
        presence_penalty: parameters.presence_penalty,
        frequency_penalty: parameters.frequency_penalty,
        // It has 31 bits there.
        seed: parameters.seed.map(|seed| seed & 0x7fff_ffff),
        thinking_config: options.thinking,
        media_resolution: options.media_resolution,
        enable_affective_dialog: options.affective_dialog,
    }
}

fn speech(settings: &DuplexSettings) -> Option<SpeechConfig<'_>> {
    let voice = settings.voice.as_deref().filter(|_| settings.speaks == Speaks::Sound);
    let language_code = settings.language.as_deref();
    let voice_config =
        voice.map(|voice_name| VoiceConfig { prebuilt_voice_config: PrebuiltVoice { voice_name } });
    let said = voice_config.is_some() || language_code.is_some();
    said.then_some(SpeechConfig { voice_config, language_code })
}

fn system(text: &str) -> Option<Content<'_>> {
    let parts = || vec![Part::Text(Cow::Borrowed(text))];
    (!text.is_empty()).then(|| Content { role: None, parts: parts() })
}

/// That a tool must be called cannot be said; that none may, by telling of none.
fn tools(settings: &DuplexSettings) -> Vec<Tool<'_>> {
    if settings.tools.is_empty() || settings.tool_choice == ToolChoice::None {
        return Vec::new();
    }
    let declared = settings.tools.iter().map(|tool| FunctionDeclaration {
        name: &tool.name,
        description: &tool.description,
        parameters_json_schema: &tool.parameters,
    });
    vec![Tool { function_declarations: declared.collect() }]
}

fn input(options: &GeminiOptions, detecting: Detecting) -> RealtimeInputConfig {
    let (detection, goes_on) = match detecting {
        Detecting::Here => (ActivityDetection { disabled: true, ..Default::default() }, false),
        Detecting::There(turns) => (detection(options, turns), turns.goes_on),
    };
    RealtimeInputConfig {
        automatic_activity_detection: detection,
        activity_handling: match goes_on {
            true => "NO_INTERRUPTION",
            false => "START_OF_ACTIVITY_INTERRUPTS",
        },
        turn_coverage: options.turn_coverage,
    }
}

fn detection(options: &GeminiOptions, turns: ServerTurns) -> ActivityDetection {
    let believed = |threshold| if threshold > 0.5 { Sensitivity::Low } else { Sensitivity::High };
    let start = options.start_sensitivity.or(turns.threshold.map(believed));
    let end = options.end_sensitivity.or(match turns.semantic {
        Some(Eagerness::High) => Some(Sensitivity::High),
        Some(Eagerness::Low) => Some(Sensitivity::Low),
        Some(Eagerness::Medium | Eagerness::Auto) | None => None,
    });
    ActivityDetection {
        disabled: false,
        start_of_speech_sensitivity: start.map(|start| match start {
            Sensitivity::High => "START_SENSITIVITY_HIGH",
            Sensitivity::Low => "START_SENSITIVITY_LOW",
        }),
        end_of_speech_sensitivity: end.map(|end| match end {
            Sensitivity::High => "END_SENSITIVITY_HIGH",
            Sensitivity::Low => "END_SENSITIVITY_LOW",
        }),
        prefix_padding_ms: turns.prefix.map(ms),
        silence_duration_ms: turns.silence.map(ms),
    }
}

fn compression(compression: Compression) -> ContextWindowCompression {
    let Compression { trigger_tokens, target_tokens } = compression;
    ContextWindowCompression { trigger_tokens, sliding_window: SlidingWindow { target_tokens } }
}

fn heard<'a>(options: &'a GeminiOptions, settings: &'a DuplexSettings) -> AudioTranscription<'a> {
    let hints = &options.transcription;
    let mut language_codes: Vec<_> = hints.language_codes.iter().map(String::as_str).collect();
    if language_codes.is_empty() {
        language_codes.extend(settings.language.as_deref());
    }
    AudioTranscription { language_codes, custom_vocabulary: &hints.custom_vocabulary }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
