//! How long the services take.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A set of delays with a name.
///
/// ```
/// use banter::bench::services::Profile;
///
/// let profile: Profile = "realistic".parse()?;
/// assert_eq!(profile.delays().stt.as_millis(), 150);
/// # Ok::<(), banter::bench::services::UnknownProfile>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// No delay at all.
    Zero,
    /// 10 ms everywhere.
    Fast,
    /// As services in the network are.
    #[default]
    Realistic,
    /// The same with answers of 11 s of sound.
    Long,
}

impl Profile {
    /// The names of all profiles.
    pub const NAMES: [&str; 4] = ["zero", "fast", "realistic", "long"];

    const ALL: [Self; 4] = [Self::Zero, Self::Fast, Self::Realistic, Self::Long];

    /// Its delays.
    #[must_use]
    pub const fn delays(self) -> Delays {
        match self {
            Self::Zero => Delays::even(Duration::ZERO),
            Self::Fast => Delays::even(Duration::from_millis(10)),
            Self::Realistic => REALISTIC,
            Self::Long => Delays { tokens: LONG, ..REALISTIC },
        }
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let at = Self::NAMES.iter().position(|known| *known == name);
        at.map(|at| Self::ALL[at]).ok_or_else(|| UnknownProfile(name.to_owned()))
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::NAMES[*self as usize])
    }
}

/// A name that is no profile's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile \"{0}\"; choose zero, fast, realistic or long")]
pub struct UnknownProfile(String);

/// How long each step of each service takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delays {
    /// From the end of a recording to its words.
    pub stt: Duration,
    /// From the request to the model's first token.
    pub first_token: Duration,
    /// From each token to the next.
    pub token: Duration,
    /// How many tokens an answer has that no script gives.
    pub tokens: usize,
    /// From the text to the first sound.
    pub first_byte: Duration,
    /// How much sound comes in a piece.
    pub chunk: Duration,
    /// From each piece of sound to the next.
    pub chunk_every: Duration,
    /// What a tool takes. It is for whoever offers tools: no service runs any.
    pub tool: Duration,
    /// By which part each delay varies, either way: 0.1 is 10 %. The order is never changed.
    pub jitter: f64,
}

impl Default for Delays {
    fn default() -> Self {
        Profile::default().delays()
    }
}

impl Delays {
    /// The same delay everywhere.
    const fn even(delay: Duration) -> Self {
        Self {
            stt: delay,
            first_token: delay,
            token: delay,
            tokens: TOKENS,
            first_byte: delay,
            chunk: CHUNK,
            chunk_every: delay,
            tool: delay,
            jitter: 0.0,
        }
    }

    /// The same with what `overrides` sets.
    ///
    /// # Errors
    ///
    /// When a value makes no sense.
    pub fn with(self, overrides: &Overrides) -> Result<Self, OverrideError> {
        let ms = |own: Option<u32>, before| {
            own.map_or(before, |ms| Duration::from_millis(u64::from(ms)))
        };
        let delays = Self {
            stt: ms(overrides.stt_ms, self.stt),
            first_token: ms(overrides.first_token_ms, self.first_token),
            token: ms(overrides.token_ms, self.token),
            tokens: overrides.tokens.unwrap_or(self.tokens),
            first_byte: ms(overrides.first_byte_ms, self.first_byte),
            chunk: ms(overrides.chunk_ms, self.chunk),
            chunk_every: ms(overrides.chunk_every_ms, self.chunk_every),
            tool: ms(overrides.tool_ms, self.tool),
            jitter: overrides.jitter.unwrap_or(self.jitter),
        };
        if !(1..=MOST_TOKENS).contains(&delays.tokens) {
            return Err(OverrideError::Tokens(delays.tokens));
        }
        if delays.chunk.is_zero() || delays.chunk > LONGEST_CHUNK {
            return Err(OverrideError::Chunk(delays.chunk));
        }
        if !(0.0..=1.0).contains(&delays.jitter) {
            return Err(OverrideError::Jitter(delays.jitter));
        }
        Ok(delays)
    }
}

/// What differs from a profile. The times are whole milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// See [`Delays::stt`].
    pub stt_ms: Option<u32>,
    /// See [`Delays::first_token`].
    pub first_token_ms: Option<u32>,
    /// See [`Delays::token`].
    pub token_ms: Option<u32>,
    /// See [`Delays::tokens`]: 1 to 10,000.
    pub tokens: Option<usize>,
    /// See [`Delays::first_byte`].
    pub first_byte_ms: Option<u32>,
    /// See [`Delays::chunk`]: 1 to 10,000.
    pub chunk_ms: Option<u32>,
    /// See [`Delays::chunk_every`].
    pub chunk_every_ms: Option<u32>,
    /// See [`Delays::tool`].
    pub tool_ms: Option<u32>,
    /// See [`Delays::jitter`]: 0 to 1.
    pub jitter: Option<f64>,
}

/// A value that makes no sense.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OverrideError {
    /// Too few or too many tokens.
    #[error("an answer cannot have {0} tokens; give 1 to {MOST_TOKENS}")]
    Tokens(usize),
    /// Too short or too long a piece.
    #[error("sound cannot come in pieces of {0:?}; give 1 ms to {LONGEST_CHUNK:?}")]
    Chunk(Duration),
    /// No part of a delay.
    #[error("delays cannot vary by {0}; give 0 to 1, where 0.1 is 10 %")]
    Jitter(f64),
}

const REALISTIC: Delays = Delays {
    stt: Duration::from_millis(150),
    first_token: Duration::from_millis(200),
    token: Duration::from_millis(30),
    tokens: TOKENS,
    first_byte: Duration::from_millis(80),
    chunk: CHUNK,
    chunk_every: Duration::from_millis(50),
    tool: Duration::from_millis(500),
    jitter: 0.0,
};

const TOKENS: usize = 30;
/// 11 s of sound: a test counts.
const LONG: usize = 43;
const CHUNK: Duration = Duration::from_millis(100);
const MOST_TOKENS: usize = 10_000;
const LONGEST_CHUNK: Duration = Duration::from_secs(10);
