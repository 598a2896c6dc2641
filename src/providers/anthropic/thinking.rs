//! How a model of Anthropic's thinks before it answers.

/// How a model thinks before it answers. What it thinks is not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Thinking {
    /// As the model does if it is told nothing: up to Claude 4.8 not at all, newer ones as they see
    /// fit. Then what they think counts into the longest answer.
    #[default]
    Usual,
    /// Not at all. Claude Fable, Claude Mythos and some of the models 5.5 refuse that.
    Off,
    /// Only between the calls of tools; Claude Sonnet 5.5 knows that in place of [`Off`](Self::Off).
    BetweenTools,
    /// As much as it sees fit, where anything is said of that by an effort. From Claude 4.6 on.
    Adaptive(Option<Effort>),
    /// With at most so many tokens, but at least 1,024, beside those of the longest answer; both
    /// together with at most 128,000. Up to Claude 4.6.
    Tokens(u32),
}

/// How much a model does for an answer: in thoughts, words and calls. Not every model knows each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Little: it hardly thinks.
    Low,
    /// Some.
    Medium,
    /// Much, as most models do if they are told nothing.
    High,
    /// More.
    Xhigh,
    /// As much as can be.
    Max,
}

impl Thinking {
    /// What `of` takes, for errors.
    pub(in crate::providers) const WORDS: &str = "off, between_tools, adaptive, low, medium, high, \
                                                  xhigh, max, or tokens from 1024 to 128000";

    /// What is written so: `off`, `between_tools`, `adaptive`, an effort (`low`, `medium`, `high`,
    /// `xhigh`, `max`) for adaptive thinking with it, or a number of tokens from 1,024 to 128,000.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "between_tools" => Some(Self::BetweenTools),
            "adaptive" => Some(Self::Adaptive(None)),
            _ => match text.parse() {
                Ok(tokens) => (LEAST..=MOST).contains(&tokens).then_some(Self::Tokens(tokens)),
                Err(_) => Effort::of(text).map(|effort| Self::Adaptive(Some(effort))),
            },
        }
    }
}

impl Effort {
    const ALL: [Self; 5] = [Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// As the service calls it: `low`, `medium`, `high`, `xhigh`, `max`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// What is called so.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

/// In tokens; the service wants at least so many.
pub(super) const LEAST: u32 = 1_024;
/// In tokens; no model answers with more, thoughts and words together.
pub(super) const MOST: u32 = 128_000;
