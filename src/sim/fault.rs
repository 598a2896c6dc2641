//! What may go wrong in a simulated call.

use std::fmt;
use std::str::FromStr;

use super::mode::Mode;

/// A kind of misfortune.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Pieces are lost and come later, or the connection is given up.
    Loss,
    /// Nothing comes for some seconds, or never again.
    Stall,
    /// The connection breaks off in the middle.
    Cut,
    /// The link is slower than speech.
    Slow,
    /// The service refuses: 429 with the advice to come back, or 500.
    Refuse,
    /// For some seconds nobody can be reached.
    Unreachable,
    /// The microphone is unplugged; it may come back.
    Microphone,
    /// The speaker is unplugged; it may come back.
    Speaker,
    /// The clocks of microphone and speaker are off by up to 200 ppm.
    Drift,
    /// The service closes a socket, with a code.
    Close,
    /// A socket is half open: nothing comes any more, and nothing is told.
    Silent,
    /// The service tells of errors: in the session, in a response, of a transcription; or what it
    /// says cannot be read.
    Error,
    /// Deltas come twice, or in another order.
    Disorder,
    /// Sessions are short, and end as the service announces it or without a word before.
    Expire,
}

impl Fault {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::Loss,
        Self::Stall,
        Self::Cut,
        Self::Slow,
        Self::Refuse,
        Self::Unreachable,
        Self::Microphone,
        Self::Speaker,
        Self::Drift,
        Self::Close,
        Self::Silent,
        Self::Error,
        Self::Disorder,
        Self::Expire,
    ];

    /// Their names, in the same order.
    pub const NAMES: [&str; 14] = [
        "loss",
        "stall",
        "cut",
        "slow",
        "refuse",
        "unreachable",
        "microphone",
        "speaker",
        "drift",
        "close",
        "silent",
        "error",
        "disorder",
        "expire",
    ];

    /// Those that may strike a call of this mode.
    #[must_use]
    pub fn of(mode: Mode) -> &'static [Self] {
        match mode {
            Mode::Vad => &ANYWHERE,
            Mode::Asm(_) => &Self::ALL,
        }
    }

    /// Whether it strikes calls over a socket alone, which a model that speaks for itself has.
    #[must_use]
    pub fn is_of_sockets(self) -> bool {
        !ANYWHERE.contains(&self)
    }
}

/// What strikes every call.
const ANYWHERE: [Fault; 9] = [
    Fault::Loss,
    Fault::Stall,
    Fault::Cut,
    Fault::Slow,
    Fault::Refuse,
    Fault::Unreachable,
    Fault::Microphone,
    Fault::Speaker,
    Fault::Drift,
];

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::NAMES[*self as usize])
    }
}

/// What may go wrong in a run.
///
/// ```
/// use banter::sim::{Fault, Faults};
///
/// assert_eq!("loss,drift".parse(), Ok(Faults::These(vec![Fault::Loss, Fault::Drift])));
/// assert!("lost".parse::<Faults>().is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Faults {
    /// Nothing.
    #[default]
    None,
    /// What the seed says: nothing in every fourth run, else one to three kinds, and a link of
    /// any quality.
    Random,
    /// These kinds.
    These(Vec<Fault>),
}

/// A word that names no fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no fault; write none, random, or some of {names} with commas between",
    names = Fault::NAMES.join(", ")
)]
pub struct UnknownFault(String);

impl FromStr for Faults {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fault = |word: &str| {
            let at = Fault::NAMES.iter().position(|name| *name == word.trim());
            at.map(|at| Fault::ALL[at]).ok_or_else(|| UnknownFault(word.trim().to_owned()))
        };
        match text.trim() {
            "none" => Ok(Self::None),
            "random" => Ok(Self::Random),
            words => words.split(',').map(fault).collect::<Result<_, _>>().map(Self::These),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Random => f.write_str("random"),
            Self::These(faults) => {
                let names: Vec<_> = faults.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::services::duplex::Protocol;

    #[test]
    fn faults_are_written_as_they_are_read() {
        for text in ["none", "random", "loss", "stall,cut,slow", &Fault::NAMES.join(",")] {
            assert_eq!(text.parse::<Faults>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn faults_of_sockets_do_not_strike_where_there_is_none() {
        let of_sockets = Fault::ALL.into_iter().filter(|fault| fault.is_of_sockets());
        assert!(of_sockets.eq(Fault::ALL.into_iter().skip(Fault::of(Mode::Vad).len())));
        assert_eq!(Fault::of(Mode::Asm(Protocol::Gemini)), Fault::ALL);
    }

    #[test]
    fn a_word_that_is_no_fault_is_told_with_those_that_are() {
        for text in ["", "loss,", "los", "none,loss"] {
            let error = text.parse::<Faults>().unwrap_err().to_string();
            assert!(error.contains("loss, stall, cut"), "{error}");
        }
    }
}
