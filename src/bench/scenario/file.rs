//! A scenario as it is written: TOML in, a [`Scenario`] or what is wrong out.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::sound::{Cut, Piece, Source, noise, recording};
use super::{Agent, Scenario, ScenarioError, Services, Turn, texts};
use crate::bench::person::When;
use crate::bench::services::{Answer, OverrideError, Overrides, Planned, Profile, Script};
use crate::text::nearest;
use crate::time::SessionTime;
use crate::turn::Strategy;

/// Reads the text of a file that lies in `folder`, or is built in.
pub(super) fn read(
    name: &str,
    place: &str,
    text: &str,
    folder: Option<&Path>,
) -> Result<Scenario, ScenarioError> {
    let reading = Reading { place, text, folder };
    let form: Form = toml::from_str(text).map_err(|error| reading.explain(&error))?;
    let turns = form.turn.into_iter().map(|turn| reading.turn(turn)).collect::<Result<Vec<_>, _>>();
    let turns = turns?;
    if turns.is_empty() {
        return Err(ScenarioError::new(place, "nobody says anything: add a [[turn]]"));
    }
    let services = form
        .services
        .services(texts(&turns))
        .map_err(|error| ScenarioError::new(place, format!("[services]: {error}")))?;
    Ok(Scenario {
        name: form.name.unwrap_or_else(|| name.to_owned()),
        about: form.about,
        agent: form.agent.agent(),
        services,
        vad: form.engines.vad,
        turns,
    })
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    name: Option<String>,
    #[serde(default)]
    about: String,
    #[serde(default)]
    agent: AgentForm,
    #[serde(default)]
    services: ServicesForm,
    #[serde(default)]
    engines: EnginesForm,
    #[serde(default)]
    turn: Vec<Spanned<TurnForm>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AgentForm {
    silence_ms: Option<u32>,
    barge_in: Option<BargeInForm>,
    greeting: Option<String>,
    system: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BargeInForm {
    Immediate,
    Deferred,
    Ignore,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnginesForm {
    vad: Option<String>,
}

/// The table `[services]`: what differs from a profile, and a script, in one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ServicesForm {
    profile: Option<Profile>,
    stt_ms: Option<u32>,
    first_token_ms: Option<u32>,
    token_ms: Option<u32>,
    tokens: Option<usize>,
    first_byte_ms: Option<u32>,
    chunk_ms: Option<u32>,
    chunk_every_ms: Option<u32>,
    tool_ms: Option<u32>,
    jitter: Option<f64>,
    heard: Option<Vec<String>>,
    answers: Vec<Answer>,
    faults: Vec<Planned>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TurnForm {
    wav: Option<String>,
    label: Option<usize>,
    start_ms: Option<u32>,
    end_ms: Option<u32>,
    say: Option<Say>,
    noise_ms: Option<u32>,
    text: Option<String>,
    pause_ms: Option<u32>,
    into_reply_ms: Option<u32>,
    at_word: Option<usize>,
    at_ms: Option<u32>,
    #[serde(default)]
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or texts with pauses in milliseconds between them")]
enum Say {
    Text(String),
    Pieces(Vec<PieceForm>),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a text, or a pause in milliseconds")]
enum PieceForm {
    Text(String),
    Pause(u32),
}

/// What must come of a turn. What is not set is not checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// From the true end of speech, the reply is heard within so many milliseconds.
    pub reply_within_ms: Option<u32>,
    /// From the true start of speech, the agent is silent within so many milliseconds.
    pub hold_within_ms: Option<u32>,
    /// These words are recognised; case and punctuation do not count.
    pub heard: Option<String>,
    /// No turn begins, or it is found too short to be one.
    pub no_turn: bool,
    /// Whether it interrupts the agent.
    pub interrupted: Option<bool>,
}

struct Reading<'a> {
    place: &'a str,
    text: &'a str,
    folder: Option<&'a Path>,
}

impl Reading<'_> {
    /// What a reader of TOML found, with its line, and what was likely meant.
    fn explain(&self, error: &toml::de::Error) -> ScenarioError {
        let place = self.place(error.span().map_or(0, |span| span.start));
        let message = error.message();
        let mut words = message.split('`').skip(1).step_by(2);
        let Some(unknown) = words.next().filter(|_| message.starts_with("unknown ")) else {
            return ScenarioError::new(place, message);
        };
        let known: Vec<_> = words.collect();
        let hint = nearest(unknown, known.iter().copied());
        let hint = hint.map(|name| format!("did you mean `{name}`?"));
        let hint = hint.unwrap_or_else(|| format!("choose one of {}", known.join(", ")));
        let what = if message.starts_with("unknown field") { "key" } else { "value" };
        ScenarioError::new(place, format!("there is no {what} `{unknown}` here; {hint}"))
    }

    fn place(&self, at: usize) -> String {
        let line = self.text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1;
        format!("{}:{line}", self.place)
    }

    fn turn(&self, turn: Spanned<TurnForm>) -> Result<Turn, ScenarioError> {
        let place = self.place(turn.span().start);
        let form = turn.into_inner();
        let wrong = |problem: &str| ScenarioError::new(&*place, problem);
        let when = form.when().map_err(&wrong)?;
        let of_wav = form.label.is_some() || form.start_ms.is_some() || form.end_ms.is_some();
        if of_wav && form.wav.is_none() {
            return Err(wrong("`label`, `start_ms` and `end_ms` say what is taken of a `wav`"));
        }
        let TurnForm { wav, say, noise_ms, text, expect, .. } = form;
        let (sound, known) = match (wav, say, noise_ms) {
            (Some(wav), None, None) => {
                let cut = Cut {
                    label: form.label,
                    start_ms: form.start_ms.map(f64::from),
                    end_ms: form.end_ms.map(f64::from),
                };
                let (recorded, text) = recording(self.folder, &wav, &cut)
                    .map_err(|problem| ScenarioError::new(&*place, problem))?;
                (Source::Recorded(recorded), text)
            }
            (None, Some(say), None) => {
                let pieces = pieces(say);
                let words: Vec<_> = pieces.iter().filter_map(Piece::words).collect();
                if words.is_empty() {
                    return Err(wrong("`say` has no words; for a noise write `noise_ms`"));
                }
                let words = words.join(" ");
                (Source::Spoken(pieces), Some(words))
            }
            (None, None, Some(ms)) => (Source::Recorded(noise(ms)), Some(String::new())),
            _ => return Err(wrong("a turn has one of `wav`, `say` and `noise_ms`")),
        };
        let text = text.or(known).unwrap_or_default();
        if text.trim().is_empty() && matches!(&sound, Source::Recorded(it) if !it.is_noise) {
            return Err(wrong("say what is said in the `wav`: text = \"…\""));
        }
        Ok(Turn { sound, text, when, expect })
    }
}

impl TurnForm {
    fn when(&self) -> Result<When, &'static str> {
        let ms = |ms: u32| Duration::from_millis(ms.into());
        match (self.pause_ms, self.into_reply_ms, self.at_word, self.at_ms) {
            (None, None, None, None) => Ok(When::AfterReply(PAUSE)),
            (Some(pause), None, None, None) => Ok(When::AfterReply(ms(pause))),
            (None, Some(into), None, None) => Ok(When::IntoReply(ms(into))),
            (None, None, Some(0), None) => Err("the first word of a reply is at_word = 1"),
            (None, None, Some(word), None) => Ok(When::AtWord(word)),
            (None, None, None, Some(at)) => Ok(When::At(SessionTime::from_millis(at.into()))),
            _ => {
                Err("a turn has at most one of `pause_ms`, `into_reply_ms`, `at_word` and `at_ms`")
            }
        }
    }
}

impl ServicesForm {
    fn services(self, texts: Vec<String>) -> Result<Services, OverrideError> {
        let overrides = Overrides {
            stt_ms: self.stt_ms,
            first_token_ms: self.first_token_ms,
            token_ms: self.token_ms,
            tokens: self.tokens,
            first_byte_ms: self.first_byte_ms,
            chunk_ms: self.chunk_ms,
            chunk_every_ms: self.chunk_every_ms,
            tool_ms: self.tool_ms,
            jitter: self.jitter,
        };
        let _sound = Profile::default().delays().with(&overrides)?;
        let heard = self.heard.unwrap_or(texts);
        let (answers, faults) = (self.answers, self.faults);
        let script = Script { heard, answers, faults, ..Script::default() };
        Ok(Services { profile: self.profile, overrides, script })
    }
}

impl AgentForm {
    fn agent(self) -> Agent {
        let Self { silence_ms, barge_in, greeting, system } = self;
        let strategy = |form| match form {
            BargeInForm::Immediate => Strategy::Immediate,
            BargeInForm::Deferred => Strategy::Deferred,
            BargeInForm::Ignore => Strategy::Ignore,
        };
        Agent {
            silence: silence_ms.map(|ms| Duration::from_millis(ms.into())),
            barge_in: barge_in.map(strategy),
            greeting,
            system,
        }
    }
}

fn pieces(say: Say) -> Vec<Piece> {
    match say {
        Say::Text(text) => vec![Piece::Text(text)],
        Say::Pieces(pieces) => pieces
            .into_iter()
            .map(|piece| match piece {
                PieceForm::Text(text) => Piece::Text(text),
                PieceForm::Pause(ms) => Piece::Pause(Duration::from_millis(ms.into())),
            })
            .collect(),
    }
}

/// A person's pause after the agent fell silent.
pub(super) const PAUSE: Duration = Duration::from_millis(700);
