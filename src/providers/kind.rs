//! The types of providers that are built in, and what is usual of each.

/// A type of provider that is built in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ProviderKind {
    /// OpenAI's chat completions, as of many other services.
    OpenAi,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's `generateContent`.
    Gemini,
    /// Ollama, by its chat completions.
    Ollama,
    /// vLLM, by its chat completions.
    Vllm,
    /// llama.cpp's `llama-server`, by its chat completions.
    LlamaServer,
    /// LM Studio, by its chat completions.
    LmStudio,
    /// Rules, without a model.
    Scripted,
    /// A double for tests.
    Mock,
}

impl ProviderKind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::OpenAi,
        Self::Responses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
        Self::Vllm,
        Self::LlamaServer,
        Self::LmStudio,
        Self::Scripted,
        Self::Mock,
    ];

    /// The type of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name, as in `type = "openai"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Responses => "responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::Vllm => "vllm",
            Self::LlamaServer => "llama-server",
            Self::LmStudio => "lm-studio",
            Self::Scripted => "scripted",
            Self::Mock => "mock",
        }
    }

    /// Where it is, if nobody says otherwise; `None` if it is no service. Servers of one's own are
    /// where their manuals have them by default.
    #[must_use]
    pub const fn address(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Responses => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com"),
            Self::Ollama => Some("http://localhost:11434/v1"),
            Self::Vllm => Some("http://localhost:8000/v1"),
            Self::LlamaServer => Some("http://localhost:8080/v1"),
            Self::LmStudio => Some("http://localhost:1234/v1"),
            Self::Scripted | Self::Mock => None,
        }
    }

    /// The environment variable of its key; `None` if it asks for none.
    #[must_use]
    pub const fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Responses => Some("OPENAI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Gemini => Some("GEMINI_API_KEY"),
            _ => None,
        }
    }

    /// Its model, if nobody names one; `None` if somebody must. `llama-server` has but one, and
    /// passes over its name.
    #[must_use]
    pub const fn usual_model(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Responses => Some("gpt-4o-mini"),
            Self::Anthropic => Some("claude-haiku-4-5"),
            Self::Gemini => Some("gemini-2.5-flash"),
            Self::LlamaServer => Some("default"),
            Self::Ollama | Self::Vllm | Self::LmStudio | Self::Scripted | Self::Mock => None,
        }
    }

    /// Whether it is reached over the network.
    #[must_use]
    pub const fn is_service(self) -> bool {
        self.address().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_by_its_name() {
        for kind in ProviderKind::ALL {
            assert_eq!(ProviderKind::of(kind.name()), Some(kind));
            assert!(kind.is_service() || kind.key_variable().is_none(), "{kind:?}");
        }
        assert_eq!(ProviderKind::of("gpt"), None);
    }

    #[test]
    fn servers_of_ones_own_ask_for_no_key() {
        for (kind, address) in [
            (ProviderKind::Ollama, "http://localhost:11434/v1"),
            (ProviderKind::Vllm, "http://localhost:8000/v1"),
            (ProviderKind::LlamaServer, "http://localhost:8080/v1"),
            (ProviderKind::LmStudio, "http://localhost:1234/v1"),
        ] {
            assert_eq!((kind.address(), kind.key_variable()), (Some(address), None));
            // The one has a single model, of which it needs no name.
            assert_eq!(kind.usual_model().is_some(), kind == ProviderKind::LlamaServer);
        }
    }
}
