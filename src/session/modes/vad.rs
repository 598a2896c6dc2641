//! VAD mode: voice detector, recogniser, language model and synthesizer, one after the other.

use std::sync::Arc;

use super::voice::{Scene, Wiring, build, detector};
use crate::pipeline::Node;
use crate::session::actor::{Brief, Members, Rules, Services};
use crate::session::{Engines, SessionConfig, SessionError};
use crate::stages::{ContextStage, Playout, ProviderStage, Resample, Stt, Tts};
use crate::stt::Transcriber;
use crate::turn::TurnMachine;
use crate::turn::speculation::Budget;

/// The two halves, and who is between them.
pub(super) fn scene(engines: Engines, mut wiring: Wiring<'_>) -> Result<Scene, SessionError> {
    let Wiring { config, .. } = wiring;
    let machine = machine(&engines, config);
    let Engines { vad, transcriber, provider, synthesizer, tools } = engines;
    let services = Services { provider, synthesizer };
    let rules = rules(&*transcriber, &services, config);
    let resample = Node::transform(Resample::new(vad.rate()));
    let audio_turn = Node::stage(wiring.audio_turn(vad));
    let listen = [resample, audio_turn].into_iter().chain(recognising(transcriber, &wiring));
    let listen = build(config, listen.collect())?;
    let plan = planning(&services, &wiring);
    let (validate, tts) = (wiring.validate(), speaking(&services, &wiring));
    let tooling = &wiring.tooling;
    let dialogue = tooling.calls.dialogue.clone();
    let provider = Arc::clone(&services.provider);
    let provider = ProviderStage::new(provider, tools, wiring.facts.clone())
        .with_missing_tools(tooling.missing)
        .with_hooks(tooling.calls.hooks.clone())
        .with_prices(tooling.prices)
        .with_late_results(Arc::new(tooling.calls.clone()))
        .spoken(config.filler.clone())
        .with_slow_filler(config.slow_filler.clone());
    let (playback, commands) = wiring.playout;
    let playout = Playout::new(playback, wiring.facts, commands);
    let voice = [tts, Node::stage(playout)];
    let speak = plan.into_iter().chain([Node::stage(provider)]).chain(validate).chain(voice);
    let speak = build(config, speak.collect())?;
    let brief = Brief { tools: wiring.offered, apology: config.apology.clone() };
    let (report, services) = (wiring.report, Some(services));
    let members = Members { machine, report, brief, dialogue, services, rules, own: None };
    Ok(Scene { listen, speak, members })
}

/// Makes words of turns.
pub(super) fn recognising(transcriber: Arc<dyn Transcriber>, wiring: &Wiring<'_>) -> [Node; 2] {
    let phrases = wiring.config.wake.as_ref().map(|wake| wake.phrases.clone());
    let resample = Resample::named("resample_stt", transcriber.rate());
    let stt = Stt::new(transcriber, wiring.facts.clone()).listening_for(phrases);
    [Node::transform(resample), Node::stage(stt)]
}

/// Keeps what is sent within a budget, if there is one.
pub(super) fn planning(services: &Services, wiring: &Wiring<'_>) -> Option<Node> {
    let (provider, facts) = (&services.provider, &wiring.facts);
    let config = wiring.config.context.clone()?;
    Some(Node::stage(ContextStage::new(config, Arc::clone(provider), facts.clone())))
}

/// Gives answers a voice.
pub(super) fn speaking(services: &Services, wiring: &Wiring<'_>) -> Node {
    let Wiring { config, facts, .. } = wiring;
    let tts = Tts::new(Arc::clone(&services.synthesizer), facts.clone())
        .with_voice(config.voice.clone(), config.speed)
        .with_language(Arc::clone(&config.language));
    Node::stage(tts)
}

/// Who decides about turns.
fn machine(engines: &Engines, config: &SessionConfig) -> TurnMachine {
    let mut machine = TurnMachine::new(config.turn.clone(), detector(&*engines.vad, config));
    if config.end_model.is_some() {
        machine = machine.asking_a_model();
    }
    if engines.transcriber.is_prompt() {
        machine = machine.with_prompt_words();
    }
    machine
}

/// The settings by which a session with these goes.
pub(super) fn rules(
    transcriber: &dyn Transcriber,
    services: &Services,
    config: &SessionConfig,
) -> Rules {
    let Services { provider, synthesizer } = services;
    let metered = transcriber.is_metered() || provider.is_metered() || synthesizer.is_metered();
    let speculation = config.speculation;
    let ahead = speculation.when.with_engines(metered).then(|| Budget::new(speculation));
    Rules {
        pre_roll: config.turn.pre_roll.min(transcriber.pre_roll()),
        transcript_limit: config.transcript_limit,
        asks_at_lulls: ahead.is_some() || !transcriber.asks_again(),
        ahead,
        wake: config.wake.clone(),
        still_there: config.still_there.clone(),
        language: match transcriber.is_reliable() {
            true => config.turn.language.clone(),
            false => String::new(),
        },
    }
}
