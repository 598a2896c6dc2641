//! The kinds of scenarios.

use std::fmt;
use std::str::FromStr;

/// A kind of scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Three turns.
    Simple,
    /// A turn with a pause of so many milliseconds.
    Hesitate(u16),
    /// Fifteen turns of somebody who pauses for 1.1 s in each of them.
    Slow,
    /// Six turns of a word each.
    Short,
    /// Noises while nobody speaks.
    IdleProbe,
    /// Noises while the agent speaks.
    AgentProbe,
    /// Words of somebody who listens to the agent.
    Backchannel,
    /// The agent hears itself, by so many dB less.
    Echo(i8),
    /// Somebody interrupts the agent, who hears itself by so many dB less, or not at all.
    Barge(Option<i8>),
}

impl Kind {
    /// All, in the order in which they are made.
    pub const ALL: [Self; 17] = [
        Self::Simple,
        Self::Hesitate(300),
        Self::Hesitate(600),
        Self::Hesitate(900),
        Self::Hesitate(1_200),
        Self::Short,
        Self::IdleProbe,
        Self::AgentProbe,
        Self::Backchannel,
        Self::Echo(-30),
        Self::Echo(-20),
        Self::Echo(-10),
        Self::Barge(None),
        Self::Barge(Some(-30)),
        Self::Barge(Some(-20)),
        Self::Barge(Some(-10)),
        Self::Slow,
    ];

    /// How many there are of it, at most.
    pub(super) const fn count(self) -> usize {
        match self {
            Self::Slow => 1,
            Self::Simple | Self::Hesitate(_) => 12,
            Self::Short => 5,
            Self::IdleProbe => 3,
            Self::AgentProbe => 4,
            Self::Backchannel => 8,
            Self::Echo(_) => 6,
            Self::Barge(_) => 10,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple => write!(f, "simple"),
            Self::Hesitate(ms) => write!(f, "hesitate{ms}"),
            Self::Slow => write!(f, "slow"),
            Self::Short => write!(f, "short"),
            Self::IdleProbe => write!(f, "idle-probe"),
            Self::AgentProbe => write!(f, "agent-probe"),
            Self::Backchannel => write!(f, "backchannel"),
            Self::Echo(db) => write!(f, "echo{db}"),
            Self::Barge(None) => write!(f, "barge"),
            Self::Barge(Some(db)) => write!(f, "barge{db}"),
        }
    }
}

/// No kind has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no kind of scenario is called `{name}`; there are {}", names().join(", "))]
pub struct UnknownKind {
    name: String,
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.to_string() == name);
        found.ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}

fn names() -> Vec<String> {
    Kind::ALL.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_name() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        let error = "shout".parse::<Kind>().unwrap_err().to_string();
        assert!(error.contains("`shout`") && error.contains("barge-20"), "{error}");
    }
}
