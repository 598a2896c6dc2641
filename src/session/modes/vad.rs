//! VAD mode: voice detector, recogniser, language model and synthesizer, one after the other.

use std::sync::Arc;

use super::voice::{Scene, Wiring, build, detector};
use crate::pipeline::Node;
use crate::session::actor::{Brief, Members, Rules, Services};
use crate::session::{Engines, SessionConfig, SessionError};
use crate::stages::{ContextStage, Playout, ProviderStage, Resample, Stt, Tts};
use crate::turn::TurnMachine;
use crate::turn::speculation::Budget;

/// The two halves, and who is between them.
pub(super) fn scene(engines: Engines, mut wiring: Wiring<'_>) -> Result<Scene, SessionError> {
    let Wiring { config, .. } = wiring;
    let (machine, rules) = (machine(&engines, config), rules(&engines, config));
    let Engines { vad, transcriber, provider, synthesizer, tools } = engines;
    let services =
        Services { provider: Arc::clone(&provider), synthesizer: Arc::clone(&synthesizer) };
    let resample = Resample::new(vad.rate());
    let phrases = config.wake.as_ref().map(|wake| wake.phrases.clone());
    let to_stt = Resample::named("resample_stt", transcriber.rate());
    let listen = build(
        config,
        vec![
            Node::transform(resample),
            Node::stage(wiring.audio_turn(vad)),
            Node::transform(to_stt),
            Node::stage(Stt::new(transcriber, wiring.facts.clone()).listening_for(phrases)),
        ],
    )?;
    let facts = &wiring.facts;
    let context = config
        .context
        .clone()
        .map(|config| Node::stage(ContextStage::new(config, Arc::clone(&provider), facts.clone())));
    let validate = wiring.validate();
    let tooling = &wiring.tooling;
    let dialogue = tooling.calls.dialogue.clone();
    let provider = ProviderStage::new(provider, tools, facts.clone())
        .with_missing_tools(tooling.missing)
        .with_hooks(tooling.calls.hooks.clone())
        .with_prices(tooling.prices)
        .with_late_results(Arc::new(tooling.calls.clone()))
        .spoken(config.filler.clone())
        .with_slow_filler(config.slow_filler.clone());
    let tts = Tts::new(synthesizer, facts.clone())
        .with_voice(config.voice.clone(), config.speed)
        .with_language(Arc::clone(&config.language));
    let (playback, commands) = wiring.playout;
    let playout = Playout::new(playback, facts.clone(), commands);
    let voice = [Node::stage(tts), Node::stage(playout)];
    let speak = context.into_iter().chain([Node::stage(provider)]).chain(validate).chain(voice);
    let speak = build(config, speak.collect())?;
    let brief = Brief { tools: wiring.offered, apology: config.apology.clone() };
    let (report, services) = (wiring.report, Some(services));
    let members = Members { machine, report, brief, dialogue, services, rules, own: None };
    Ok(Scene { listen, speak, members })
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

fn rules(engines: &Engines, config: &SessionConfig) -> Rules {
    let Engines { transcriber, provider, synthesizer, .. } = engines;
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
