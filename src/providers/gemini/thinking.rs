//! How a Gemini thinks before it answers.

/// How a Gemini thinks before it answers. What it thinks is not said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeminiThinking {
    /// With at most so many tokens; with 0 not at all, where the model can do without. For Gemini
    /// 2.5; later ones want a level.
    Tokens(u32),
    /// As much as it sees fit. For Gemini 2.5; later ones do so if they are told nothing.
    Adaptive,
    /// So much. From Gemini 3 on; not every model knows each.
    Level(ThinkingLevel),
}

/// How much a Gemini thinks, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThinkingLevel {
    /// Hardly.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// As much as can be.
    Xhigh,
}

impl GeminiThinking {
    /// What `of` takes, for errors.
    pub(in crate::providers) const WORDS: &str =
        "off, adaptive, minimal, low, medium, high, xhigh, or tokens from 0 to 65536";

    /// What is written so: `off` for no tokens, `adaptive`, a level (`minimal`, `low`, `medium`,
    /// `high`, `xhigh`), or a number of tokens up to 65,536.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Tokens(0)),
            "adaptive" => Some(Self::Adaptive),
            _ => match text.parse() {
                Ok(tokens) => (tokens <= MOST).then_some(Self::Tokens(tokens)),
                Err(_) => ThinkingLevel::of(text).map(Self::Level),
            },
        }
    }
}

impl ThinkingLevel {
    const ALL: [Self; 5] = [Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh];

    /// In a word: `minimal`, `low`, `medium`, `high`, `xhigh`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
        }
    }

    /// What is called so.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// In tokens; no model answers with more.
const MOST: u32 = 65_536;
