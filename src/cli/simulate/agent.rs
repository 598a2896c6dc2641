//! Who answers in a simulated call.

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::bench::services::duplex::Protocol;
use crate::duplex::{Detecting, ServerTurns};
use crate::session::DuplexConfig;
use crate::sim::{Faults, Mode, Play, RandomKind};

/// Who answers in a simulated call.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct AgentFlags {
    /// Who answers: vad, a recogniser, a model and a synthesizer (by default); asm, a model that
    /// hears and speaks for itself (by default in every third random call)
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeFlag>,
    /// With --mode asm: openai (by default) or gemini; in random calls either, by default
    #[arg(long, value_name = "NAME")]
    provider: Option<Protocol>,
    /// With --mode asm: who says when the person has finished: here, the session (by default);
    /// there, the model; or both; in random calls any of them, by default
    #[arg(long, value_name = "WHERE")]
    turns: Option<Turns>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
enum ModeFlag {
    Vad,
    Asm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "lower")]
enum Turns {
    Here,
    There,
    Both,
}

impl AgentFlags {
    /// Fails where flags do not fit together: nothing that is asked for is passed over.
    pub(super) fn check(self, is_random: bool, faults: &Faults) -> Result<()> {
        let is_asm = self.mode == Some(ModeFlag::Asm);
        if !is_asm && (self.provider.is_some() || self.turns.is_some()) {
            bail!("--provider and --turns are of calls with --mode asm; add that");
        }
        let may_be_asm = is_asm || is_random && self.mode.is_none();
        if let Faults::These(these) = faults
            && let Some(fault) = these.iter().find(|fault| fault.is_of_sockets() && !may_be_asm)
        {
            bail!(
                "the fault {fault} strikes sockets, which only calls with --mode asm have; add that"
            );
        }
        Ok(())
    }

    /// The kind of random calls.
    pub(super) const fn kind(self) -> RandomKind {
        match self.mode {
            None => RandomKind::Any,
            Some(ModeFlag::Vad) => RandomKind::Vad,
            Some(ModeFlag::Asm) => RandomKind::Asm,
        }
    }

    /// Casts a play as it is asked for.
    pub(super) fn cast(self, play: &mut Play) {
        match (self.mode, play.mode) {
            (None, _) => return,
            (Some(ModeFlag::Vad), _) => play.mode = Mode::Vad,
            (Some(ModeFlag::Asm), Mode::Vad) => play.mode = Mode::Asm(Protocol::OpenAi),
            (Some(ModeFlag::Asm), Mode::Asm(_)) => {}
        }
        if let Some(protocol) = self.provider {
            play.mode = Mode::Asm(protocol);
        }
        if let Some(turns) = self.turns {
            turns.set(&mut play.config.duplex);
        }
    }

    /// As they are written in a command.
    pub(super) fn written(self) -> String {
        let mut flags = String::new();
        if let Some(mode) = self.mode {
            flags += &format!(" --mode {}", name(&mode));
        }
        if let Some(provider) = self.provider {
            flags += &format!(" --provider {provider}");
        }
        if let Some(turns) = self.turns {
            flags += &format!(" --turns {}", name(&turns));
        }
        flags
    }
}

/// Who answers in a play.
pub(super) fn told(play: &Play) -> String {
    match play.mode {
        Mode::Vad => "vad".to_owned(),
        Mode::Asm(protocol) => {
            format!("asm ({protocol}, turns {})", name(&Turns::of(&play.config.duplex)))
        }
    }
}

impl Turns {
    fn set(self, config: &mut DuplexConfig) {
        config.detecting = match self {
            Self::Here => Detecting::Here,
            Self::There | Self::Both => Detecting::There(ServerTurns::default()),
        };
        config.own_rules = self == Self::Both;
    }

    fn of(config: &DuplexConfig) -> Self {
        match (config.detecting, config.own_rules) {
            (Detecting::Here, _) => Self::Here,
            (Detecting::There(_), false) => Self::There,
            (Detecting::There(_), true) => Self::Both,
        }
    }
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
