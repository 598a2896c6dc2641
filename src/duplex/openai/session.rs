//! What a session is told about itself: all of it, or what has changed.

use std::borrow::Cow;
use std::time::Duration;

use super::options::{Format, MaxTokens, OpenAiOptions, Transcription};
use super::wire::{
    Audio, AudioFormat, AudioInput, AudioOutput, Choice, Reasoning, Session, Tool, TurnDetection,
};
use crate::duplex::{Detecting, DuplexSettings, ServerTurns, Speaks};
use crate::types::{ToolChoice, ToolDescriptor};

/// All of a session. Its model is named by the connection's address.
pub(super) fn whole<'a>(options: &'a OpenAiOptions, settings: &'a DuplexSettings) -> Session<'a> {
    let max_tokens = settings.parameters.max_tokens.map(MaxTokens::Tokens);
    Session {
        kind: REALTIME,
        instructions: (!settings.system.is_empty()).then_some(&*settings.system),
        output_modalities: Some([modality(settings.speaks)]),
        audio: audio(options, settings),
        tools: Some(settings.tools.iter().map(tool).collect()),
        tool_choice: Some(choice(&settings.tool_choice)),
        parallel_tool_calls: options.parallel_tool_calls,
        max_output_tokens: max_tokens.or(options.max_output_tokens),
        truncation: options.truncation,
        reasoning: options.reasoning_effort.map(|effort| Reasoning { effort }),
        prompt: options.prompt.as_ref(),
        tracing: options.tracing.as_ref(),
        include: (!options.include.is_empty()).then_some(&options.include),
    }
}

/// What of a session changes; nothing if nothing does.
pub(super) fn changes<'a>(
    options: &'a OpenAiOptions,
    before: &'a DuplexSettings,
    settings: &'a DuplexSettings,
) -> Option<Session<'a>> {
    let (old, new) = (whole(options, before), whole(options, settings));
    let (input, output) = (new.audio.input, new.audio.output);
    let changed = Session {
        kind: REALTIME,
        instructions: other(&old.instructions, Some(new.instructions.unwrap_or_default())),
        output_modalities: other(&old.output_modalities, new.output_modalities),
        audio: Audio {
            input: AudioInput {
                format: None,
                noise_reduction: None,
                transcription: other(&old.audio.input.transcription, input.transcription),
                turn_detection: other(&old.audio.input.turn_detection, input.turn_detection),
            },
            output: AudioOutput {
                format: None,
                voice: other(&old.audio.output.voice, output.voice),
                speed: other(&old.audio.output.speed, Some(output.speed.unwrap_or(1.0))),
            },
        },
        tools: other(&old.tools, new.tools),
        tool_choice: other(&old.tool_choice, new.tool_choice),
        max_output_tokens: other(
            &old.max_output_tokens,
            Some(new.max_output_tokens.unwrap_or(MaxTokens::UNBOUNDED)),
        ),
        ..nothing()
    };
    let same = nothing();
    (changed != same).then_some(changed)
}

/// `new` if it is another one than `old`. What was not said before is as it is by default.
fn other<T: PartialEq + Defaults>(old: &Option<T>, new: Option<T>) -> Option<T> {
    new.filter(|new| old.as_ref().map_or(!new.is_default(), |old| old != new))
}

/// Values that a session has when nothing is said.
trait Defaults {
    fn is_default(&self) -> bool {
        false
    }
}

impl Defaults for &str {
    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

impl Defaults for f32 {
    fn is_default(&self) -> bool {
        *self == 1.0
    }
}

impl Defaults for MaxTokens {
    fn is_default(&self) -> bool {
        *self == Self::UNBOUNDED
    }
}

impl Defaults for [&'static str; 1] {}
impl Defaults for Vec<Tool<'_>> {}
impl Defaults for Choice<'_> {}
impl<T> Defaults for Option<T> {}

fn nothing<'a>() -> Session<'a> {
    Session {
        kind: REALTIME,
        instructions: None,
        output_modalities: None,
        audio: Audio::default(),
        tools: None,
        tool_choice: None,
        parallel_tool_calls: None,
        max_output_tokens: None,
        truncation: None,
        reasoning: None,
        prompt: None,
        tracing: None,
        include: None,
    }
}

fn audio<'a>(options: &'a OpenAiOptions, settings: &'a DuplexSettings) -> Audio<'a> {
    let format = Some(match options.format {
        Format::Pcm => AudioFormat::Pcm { rate: Format::Pcm.rate().hz() },
        Format::Pcmu => AudioFormat::Pcmu,
        Format::Pcma => AudioFormat::Pcma,
    });
    Audio {
        input: AudioInput {
            format,
            noise_reduction: options.noise_reduction,
            transcription: Some(transcription(options, settings)),
            turn_detection: Some(turn_detection(settings.detecting)),
        },
        output: AudioOutput { format, voice: settings.voice.as_deref(), speed: settings.speed },
    }
}

/// What writes down what the user says, if that is wanted, in the language that is spoken.
fn transcription<'a>(
    options: &'a OpenAiOptions,
    settings: &'a DuplexSettings,
) -> Option<Cow<'a, Transcription>> {
    let by = options.transcription.as_ref().filter(|_| settings.transcribes)?;
    match &settings.language {
        Some(language) if by.language.is_none() && by.languages.is_empty() => {
            // Of de-CH it knows the first part.
            let language = language.split('-').next().map(str::to_owned);
            Some(Cow::Owned(Transcription { language, ..by.clone() }))
        }
        _ => Some(Cow::Borrowed(by)),
    }
}

fn turn_detection(detecting: Detecting) -> Option<TurnDetection> {
    let Detecting::There(turns) = detecting else {
        return None;
    };
    let ServerTurns { semantic, threshold, prefix, silence, idle, goes_on } = turns;
    let (create_response, interrupt_response) = (true, !goes_on);
    Some(match semantic {
        Some(eagerness) => {
            TurnDetection::SemanticVad { eagerness, create_response, interrupt_response }
        }
        None => TurnDetection::ServerVad {
            threshold,
            prefix_padding_ms: prefix.map(ms),
            silence_duration_ms: silence.map(ms),
            idle_timeout_ms: idle.map(ms),
            create_response,
            interrupt_response,
        },
    })
}

/// How long the user had been silent, at the latest, when the other side takes a turn for over. A
/// model that judges what was said does not tell.
pub(super) fn silence(detecting: Detecting) -> Duration {
    match detecting {
        Detecting::There(ServerTurns { semantic: None, silence, .. }) => silence.unwrap_or(SILENCE),
        _ => Duration::ZERO,
    }
}

fn modality(speaks: Speaks) -> &'static str {
    match speaks {
        Speaks::Sound => "audio",
        Speaks::Text => "text",
    }
}

fn tool(tool: &ToolDescriptor) -> Tool<'_> {
    let ToolDescriptor { name, description, parameters, output: _ } = tool;
    Tool { kind: "function", name, description, parameters }
}

fn choice(choice: &ToolChoice) -> Choice<'_> {
    match choice {
        ToolChoice::Auto => Choice::Mode("auto"),
        ToolChoice::Required => Choice::Mode("required"),
        ToolChoice::None => Choice::Mode("none"),
        ToolChoice::Named(name) => Choice::Function { kind: "function", name },
    }
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The silence that ends a turn there, if nobody says otherwise.
const SILENCE: Duration = Duration::from_millis(500);

/// What the session's kind is called.
const REALTIME: &str = "realtime";
