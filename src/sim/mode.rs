//! Who answers in a simulated call.

use std::fmt;

use crate::bench::services::duplex::Protocol;

/// Who answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A recogniser, a model and a synthesizer, one after the other.
    #[default]
    Vad,
    /// A model that hears and speaks for itself, in this protocol.
    Asm(Protocol),
}

impl Mode {
    /// Whether it is a model that hears and speaks for itself.
    #[must_use]
    pub const fn is_asm(self) -> bool {
        matches!(self, Self::Asm(_))
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vad => f.pad("vad"),
            Self::Asm(protocol) => f.pad(&format!("asm, {protocol}")),
        }
    }
}
