//! ASM mode: a model that hears and speaks for itself, over one connection.

use std::sync::Arc;

use super::voice::{Scene, Wiring, build, detector};
use crate::duplex::{Detecting, DuplexProvider, DuplexSettings, Opening, Past, Speaks, Turns};
use crate::pipeline::Node;
use crate::session::actor::{Brief, Members, OwnVoice, Rules};
use crate::session::dialogue::Dialogue;
use crate::session::{SessionConfig, SessionError};
use crate::stages::{Duplex, Playout, ProviderStage, Resample};
use crate::tools::ToolRegistry;
use crate::turn::{Detection, TurnMachine};
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
pub(super) fn scene(engines: DuplexEngines, mut wiring: Wiring<'_>) -> Result<Scene, SessionError> {
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
    let mut turn = config.turn.clone();
    let streams = matches!(detecting, Detecting::There(_));
    let is_told = provider.capabilities().turns == Turns::Told && !config.duplex.own_rules;
    if streams && is_told {
        turn.detection = Detection::Told;
    }
    let machine = TurnMachine::new(turn, detector(&*vad, config));
    let machine = if config.end_model.is_some() { machine.asking_a_model() } else { machine };

    let hears = provider.capabilities().hears;
    let facts = wiring.facts.clone();
    let (duplex, model, commands) = Duplex::open(provider, opening, facts.clone());
    let resample = Resample::new(vad.rate());
    let audio_turn = wiring.audio_turn(vad);
    let audio_turn = if streams { audio_turn.streaming() } else { audio_turn };
    let listen = build(
        config,
        vec![
            Node::transform(resample),
            Node::stage(audio_turn),
            Node::transform(Resample::named("resample_duplex", hears)),
            Node::stage(duplex),
        ],
    )?;
    let tooling = &wiring.tooling;
    let provider = ProviderStage::new(Arc::new(model), tools, facts.clone())
        .with_missing_tools(tooling.missing)
        .with_hooks(tooling.calls.hooks.clone())
        .with_prices(tooling.prices)
        .with_late_results(Arc::new(tooling.calls.clone()))
        .speaking_for_itself();
    let validate = wiring.validate();
    let (playback, playout_commands) = wiring.playout;
    let playout = Playout::new(playback, facts, playout_commands);
    let speak = [Node::stage(provider)].into_iter().chain(validate).chain([Node::stage(playout)]);
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
    let own = OwnVoice::new(commands, detecting, transcribes, system);
    let brief = Brief { tools: wiring.offered, apology: config.apology.clone() };
    let (report, own) = (wiring.report.without_words(), Some(own));
    let members = Members { machine, report, brief, dialogue, services: None, rules, own };
    Ok(Scene { listen, speak, members })
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
