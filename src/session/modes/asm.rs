//! ASM mode: a model that hears and speaks for itself, over one connection.

use std::sync::Arc;

use super::vad;
use super::voice::{Scene, Wiring, build, detector};
use crate::duplex::{Detecting, DuplexProvider, DuplexSettings, Opening, Past, Speaks, Turns};
use crate::pipeline::Node;
use crate::providers::Provider;
use crate::session::actor::{Brief, Members, OwnVoice, Rules, Services, Successor};
use crate::session::dialogue::Dialogue;
use crate::session::{SessionConfig, SessionError};
use crate::stages::{Duplex, DuplexModel, Playout, ProviderStage, Resample};
use crate::stt::Transcriber;
use crate::tools::ToolRegistry;
use crate::tts::Synthesizer;
use crate::turn::{Detection, TurnConfig, TurnMachine};
use crate::types::Message;
use crate::vad::Vad;

/// The engines of a session whose model hears and speaks for itself. All but the voice detector may
/// be shared with other sessions.
#[derive(Debug)]
pub struct DuplexEngines {
    /// Detects voice.
    pub vad: Box<dyn Vad>,
    /// Hears, answers and speaks.
    pub provider: Arc<dyn DuplexProvider>,
    /// The tools that the model may call.
    pub tools: Arc<ToolRegistry>,
}

/// Who goes on with a call when a model that hears and speaks for itself is lost for good. They may be
/// shared with other sessions.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// Recognises words.
    pub transcriber: Arc<dyn Transcriber>,
    /// Answers.
    pub provider: Arc<dyn Provider>,
    /// Speaks.
    pub synthesizer: Arc<dyn Synthesizer>,
}

/// What a session with a model that speaks for itself is like, beside what holds of all sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct DuplexConfig {
    /// Who says when the user's turns begin and end: the session's own rules by default.
    pub detecting: Detecting,
    /// Where the other side detects turns: the session's own rules do so as well, and silence the agent
    /// as soon as they hear the user; who answers when is still the other side's to say. Not so by
    /// default, unless the other side does not tell when the user speaks.
    pub own_rules: bool,
    /// Whether the words of the user are wanted. By default they are: without them the history
    /// knows only that something was said.
    pub transcribes: bool,
    /// Its voice, by the provider's name for it; the provider's choice by default.
    pub voice: Option<Arc<str>>,
}

impl Default for DuplexConfig {
    fn default() -> Self {
        Self { detecting: Detecting::Here, own_rules: false, transcribes: true, voice: None }
    }
}

/// The two halves, and who is between them.
pub(super) fn scene(
    engines: DuplexEngines,
    fallback: Option<Fallback>,
    mut wiring: Wiring<'_>,
) -> Result<Scene, SessionError> {
    let Wiring { config, .. } = wiring;
    let DuplexEngines { vad, provider, tools } = engines;
    let DuplexConfig { detecting, transcribes, .. } = config.duplex;
    let dialogue = wiring.tooling.calls.dialogue.clone();
    let system = dialogue.instructions().map_err(|error| SessionError::Left(error.to_string()))?;
    let settings = settings(config, &wiring, Arc::clone(&system));
    let opening = Opening {
        settings: Arc::new(settings),
        past: Arc::new(dialogue.clone()),
        clock: wiring.clock.clone(),
    };
    let streams = matches!(detecting, Detecting::There(_));
    let told = streams && is_told(config, &*provider);
    // Where others may have to find the turns, they do until the model is there.
    let detection = (told && fallback.is_none()).then_some(Detection::Told);
    let machine = machine(config, detection, &*vad);
    let hears = provider.capabilities().hears;
    let (duplex, model, commands) = Duplex::open(provider, opening, wiring.facts.clone());
    let followers = fallback.map(|fallback| Followers::new(fallback, told, &wiring));
    let (followers, successor) = followers.unzip();
    let Followers { hearing, planning, provider: next, speaking } = followers.unwrap_or_default();
    let resample = Resample::new(vad.rate());
    let audio_turn = wiring.audio_turn(vad);
    let audio_turn = if streams { audio_turn.streaming() } else { audio_turn };
    let duplex = if successor.is_some() { duplex.followed() } else { duplex };
    let listen = [
        Node::transform(resample),
        Node::stage(audio_turn),
        Node::transform(Resample::named("resample_duplex", hears)),
        Node::stage(duplex),
    ];
    let listen = build(config, listen.into_iter().chain(hearing).collect())?;
    let provider = answering(model, next, tools, &wiring);
    let validate = wiring.validate_own_voice();
    let (playback, playout_commands) = wiring.playout;
    let playout = Playout::new(playback, wiring.facts, playout_commands);
    let speak = planning.into_iter().chain([Node::stage(provider)]).chain(validate);
    let speak = speak.chain(speaking).chain([Node::stage(playout)]);
    let speak = build(config, speak.collect())?;
    let rules = Rules {
        pre_roll: config.turn.pre_roll,
        transcript_limit: config.transcript_limit,
        asks_at_lulls: false,
        ahead: None,
        wake: None,
        still_there: config.still_there.clone(),
        language: config.turn.language.clone(),
    };
    let own = OwnVoice::new(commands, detecting, transcribes, system).followed_by(successor);
    let brief = Brief { tools: wiring.offered, apology: config.apology.clone() };
    let (report, own) = (wiring.report.without_words(), Some(own));
    let members = Members { machine, report, brief, dialogue, services: None, rules, own };
    Ok(Scene { listen, speak, members })
}

/// Whether the other side tells of turns.
fn is_told(config: &SessionConfig, provider: &dyn DuplexProvider) -> bool {
    provider.capabilities().turns == Turns::Told && !config.duplex.own_rules
}

/// Who decides about turns, which begin so, or as the settings say.
fn machine(config: &SessionConfig, detection: Option<Detection>, vad: &dyn Vad) -> TurnMachine {
    let detection = detection.unwrap_or(config.turn.detection);
    let turn = TurnConfig { detection, ..config.turn.clone() };
    let machine = TurnMachine::new(turn, detector(vad, config));
    if config.end_model.is_some() { machine.asking_a_model() } else { machine }
}

/// The stage of the model, and of the one after it.
fn answering(
    model: DuplexModel,
    next: Option<Arc<dyn Provider>>,
    tools: Arc<ToolRegistry>,
    wiring: &Wiring<'_>,
) -> ProviderStage {
    let Wiring { config, tooling, facts, .. } = wiring;
    let stage = ProviderStage::new(Arc::new(model), tools, facts.clone())
        .with_missing_tools(tooling.missing)
        .with_hooks(tooling.calls.hooks.clone())
        .with_prices(tooling.prices)
        .with_late_results(Arc::new(tooling.calls.clone()));
    match next {
        Some(next) => stage
            .spoken(config.filler.clone())
            .with_slow_filler(config.slow_filler.clone())
            .followed_by(next),
        None => stage,
    }
    .speaking_for_itself()
}

/// The steps that have nothing to do until the model that speaks for itself is gone.
#[derive(Debug, Default)]
struct Followers {
    hearing: Vec<Node>,
    planning: Option<Node>,
    provider: Option<Arc<dyn Provider>>,
    speaking: Option<Node>,
}

impl Followers {
    fn new(fallback: Fallback, told: bool, wiring: &Wiring<'_>) -> (Self, Successor) {
        let Fallback { transcriber, provider, synthesizer } = fallback;
        let services = Services { provider: Arc::clone(&provider), synthesizer };
        let successor = Successor {
            rules: vad::rules(&*transcriber, &services, wiring.config),
            detection: wiring.config.turn.detection,
            told,
            prompt_words: transcriber.is_prompt(),
            stt: transcriber.name().to_owned(),
            services,
        };
        let services = &successor.services;
        let followers = Self {
            planning: vad::planning(services, wiring),
            provider: Some(provider),
            speaking: Some(vad::speaking(services, wiring)),
            hearing: vad::recognising(transcriber, wiring).into(),
        };
        (followers, successor)
    }
}

fn settings(config: &SessionConfig, wiring: &Wiring<'_>, system: Arc<str>) -> DuplexSettings {
    let terms = wiring.tooling.calls.dialogue.terms();
    let DuplexConfig { detecting, transcribes, voice, .. } = config.duplex.clone();
    DuplexSettings {
        system,
        tools: Arc::clone(&wiring.offered),
        tool_choice: terms.tool_policy.choice.clone(),
        parameters: (*terms.parameters).clone(),
        voice,
        speed: Some(config.speed).filter(|speed| (speed - 1.0).abs() > f32::EPSILON),
        language: Some(config.turn.language.as_str()).filter(|tag| !tag.is_empty()).map(Arc::from),
        speaks: Speaks::Sound,
        detecting,
        transcribes,
    }
}

impl Past for Dialogue {
    fn messages(&self) -> Vec<Message> {
        Self::messages(self)
    }
}
