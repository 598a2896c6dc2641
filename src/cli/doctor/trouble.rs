//! What is wrong with a part, and the one thing to do about it.

use std::fmt::Display;

use crate::cli::providers::advice;
use crate::config::{EngineError, Setting, Settings};
use crate::net::NetError;
use crate::providers::{ProviderError, ProviderErrorKind, ProviderNameError};
use crate::stt::SttError;
use crate::tts::TtsError;

/// What is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) problem: String,
    pub(super) remedy: String,
}

/// What an engine is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Vad,
    Stt,
    Llm,
    Tts,
}

/// Why a service does not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Key,
    Account,
    Model,
    Busy,
    Late,
    Away,
    Broken,
    Strange,
    Request,
}

impl Trouble {
    pub(super) fn new(problem: impl Display, remedy: impl Display) -> Self {
        Self { problem: problem.to_string(), remedy: remedy.to_string() }
    }

    /// An error of this program's own. What to do stands behind its semicolon, if it has one.
    pub(super) fn told(error: &dyn Display, otherwise: &str) -> Self {
        let text = error.to_string();
        match text.split_once("; ") {
            Some((problem, remedy)) => Self::new(problem, remedy),
            None => Self::new(text, otherwise),
        }
    }

    /// An engine that does its job without any result.
    pub(super) fn silent(name: &str, role: Role) -> Self {
        let problem = match role {
            Role::Stt => "hears no words in a spoken \"hello\"",
            Role::Tts => "makes no sound",
            Role::Vad | Role::Llm => "answers nothing",
        };
        Self::new(format_args!("{name} {problem}"), another(role))
    }

    /// An engine that cannot be made.
    pub(super) fn of_engine(error: &EngineError, role: Role) -> Self {
        match error {
            EngineError::NoKey { host, variable, .. } => Self::new(
                format_args!("{host} asks for a key"),
                format_args!("set {variable} to your key"),
            ),
            EngineError::Provider(ProviderNameError::Script(error)) => {
                Self::new(error, "correct that file")
            }
            other => Self::told(other, &another(role)),
        }
    }

    /// A recogniser that fails.
    pub(super) fn of_stt(error: &SttError, settings: &Settings) -> Self {
        match error {
            SttError::Service { error, .. } => Self::of_net(error, Role::Stt, settings),
            other => Self::told(other, &another(Role::Stt)),
        }
    }

    /// A synthesizer that fails.
    pub(super) fn of_tts(error: &TtsError, settings: &Settings) -> Self {
        match error {
            TtsError::Service { error, .. } => Self::of_net(error, Role::Tts, settings),
            other => Self::told(other, &another(Role::Tts)),
        }
    }

    /// A model that fails.
    pub(super) fn of_provider(error: &ProviderError, settings: &Settings) -> Self {
        // Its name begins with that of the service, or of a table.
        let name = error.provider.split(':').next().unwrap_or_default();
        if settings.providers().iter().any(|table| table.name() == name) {
            return Self::new(error, advice(error.kind, name, None));
        }
        let cause = match error.kind {
            ProviderErrorKind::OutOfCredit => Cause::Account,
            ProviderErrorKind::Unauthorized => Cause::Key,
            ProviderErrorKind::NotFound => Cause::Model,
            ProviderErrorKind::RateLimited | ProviderErrorKind::Overloaded => Cause::Busy,
            ProviderErrorKind::TimedOut => Cause::Late,
            ProviderErrorKind::InvalidRequest | ProviderErrorKind::ContentPolicy => Cause::Request,
            ProviderErrorKind::Network => Cause::Away,
            ProviderErrorKind::Protocol => Cause::Strange,
            ProviderErrorKind::Failed => Cause::Broken,
        };
        let has_key = Setting::of(&format!("{name}.api_key")).is_some();
        let owner = if has_key { name } else { OPENAI };
        Self::new(error, cause.remedy(Role::Llm, owner, settings))
    }

    fn of_net(error: &NetError, role: Role, settings: &Settings) -> Self {
        let cause = match error {
            NetError::Unreachable { .. } => Cause::Away,
            NetError::TimedOut { .. } => Cause::Late,
            NetError::TooLong { .. } | NetError::Nonsense { .. } => Cause::Strange,
            NetError::BrokeOff { .. } => Cause::Broken,
            NetError::OutOfCredit { .. } => Cause::Account,
            NetError::Refused { status, .. } => match status.as_u16() {
                401..=403 => Cause::Key,
                404 => Cause::Model,
                429 => Cause::Busy,
                500.. => Cause::Broken,
                _ => Cause::Request,
            },
        };
        Self::new(error, cause.remedy(role, OPENAI, settings))
    }
}

impl Role {
    /// The table of its settings.
    fn table(self) -> &'static str {
        match self {
            Self::Vad => "vad",
            Self::Stt => "stt",
            Self::Llm => "llm",
            Self::Tts => "tts",
        }
    }
}

impl Cause {
    /// What to do, where the common key and address are those of `owner`.
    fn remedy(self, role: Role, owner: &str, settings: &Settings) -> String {
        let table = role.table();
        // An engine with an address of its own has a key of its own.
        let own = settings.is_set(&format!("{table}.base_url"));
        let key = match own || settings.is_set(&format!("{table}.api_key")) {
            true => format!("{table}.api_key"),
            false => format!("{owner}.api_key"),
        };
        let address = format!("{}.base_url", if own { table } else { owner });
        match self {
            Self::Key => format!("set another {key} ({})", now(&key, settings)),
            Self::Account => format!("top up the account of {key} ({})", now(&key, settings)),
            Self::Model => {
                let model = format!("{table}.model");
                format!("set {model} to one that is there ({})", now(&model, settings))
            }
            Self::Busy => "wait a minute, and try again".to_owned(),
            Self::Late => "try again; if it stays so slow, choose a faster model".to_owned(),
            Self::Away if settings.is_set(&address) => {
                format!("start that server, or correct {address} ({})", now(&address, settings))
            }
            Self::Away => "check the network, and try again".to_owned(),
            Self::Broken => "try again later: the trouble is the service's own".to_owned(),
            Self::Strange => {
                let now = now(&address, settings);
                format!("set {address} to a service that speaks its protocol ({now})")
            }
            Self::Request => format!("change the setting of [{table}] that it complains of"),
        }
    }
}

/// Whose key and address all engines share.
const OPENAI: &str = "openai";

fn another(role: Role) -> String {
    format!("set {}.engine to another engine", role.table())
}

/// What a setting holds, as it may be seen, and where that comes from.
fn now(key: &str, settings: &Settings) -> String {
    match settings.get(key) {
        Some((value, origin)) => format!("now {}, by {origin}", value.shown()),
        None => "not set".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::config::{FileText, Found};

    fn settings(variables: &[(&str, &str)]) -> Settings {
        let pair = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let variables: Vec<_> = variables.iter().map(pair).collect();
        Settings::layered(&[], &variables, None).unwrap()
    }

    fn refused(status: u16, message: &str) -> NetError {
        NetError::Refused {
            host: "host".to_owned(),
            status: StatusCode::from_u16(status).unwrap(),
            message: message.to_owned(),
            retry_after: None,
            details: Box::default(),
        }
    }

    #[test]
    fn a_key_that_is_refused_is_named_with_its_origin_and_not_shown() {
        let common = settings(&[("OPENAI_API_KEY", "sk-1")]);
        let trouble = Trouble::of_net(&refused(401, "no"), Role::Stt, &common);
        assert_eq!(trouble.remedy, "set another openai.api_key (now set, by OPENAI_API_KEY)");
        let own = settings(&[("BANTER_TTS_BASE_URL", "http://host"), ("OPENAI_API_KEY", "sk-1")]);
        let trouble = Trouble::of_net(&refused(403, "no"), Role::Tts, &own);
        assert_eq!(trouble.remedy, "set another tts.api_key (now not set, by default)");
    }

    #[test]
    fn each_failure_of_a_service_has_one_remedy() {
        let plain = settings(&[]);
        for (status, message, remedy) in [
            (404, "no such model", "set stt.model to one that is there"),
            (429, "slow down", "wait a minute"),
            (429, "your quota of requests for this minute is used up", "wait a minute"),
            (503, "oops", "try again later"),
            (400, "bad language", "change the setting of [stt]"),
        ] {
            let trouble = Trouble::of_net(&refused(status, message), Role::Stt, &plain);
            assert!(trouble.remedy.starts_with(remedy), "{trouble:?}");
        }
        let host = "host".to_owned();
        let empty = NetError::OutOfCredit { host, message: "no more".to_owned() };
        let trouble = Trouble::of_net(&empty, Role::Stt, &plain);
        assert!(trouble.remedy.starts_with("top up the account"), "{trouble:?}");
        let empty = ProviderError::new("p", ProviderErrorKind::OutOfCredit, "no more");
        let trouble = Trouble::of_provider(&empty, &plain);
        assert!(trouble.remedy.starts_with("top up the account"), "{trouble:?}");
    }

    #[test]
    fn the_key_of_a_vendor_is_its_own() {
        let keys = settings(&[("ANTHROPIC_API_KEY", "sk-1"), ("OPENAI_API_KEY", "sk-2")]);
        for (provider, key) in
            [("anthropic:m", "anthropic"), ("openai:m", "openai"), ("p", "openai")]
        {
            let error = ProviderError::new(provider, ProviderErrorKind::Unauthorized, "no");
            let trouble = Trouble::of_provider(&error, &keys);
            assert!(
                trouble.remedy.starts_with(&format!("set another {key}.api_key (now set")),
                "{trouble:?}"
            );
        }
    }

    #[test]
    fn a_model_of_the_file_is_told_by_its_own_name() {
        let text = "[providers.mine]\ntype = \"openai\"\n".to_owned();
        let file = FileText { name: "b.toml".to_owned(), text, found: Found::Named };
        let settings = Settings::layered(&[], &[], Some(&file)).unwrap();
        let error = ProviderError::new("mine:m", ProviderErrorKind::Unauthorized, "no");
        assert_eq!(Trouble::of_provider(&error, &settings).remedy, "give `mine` another key");
    }

    #[test]
    fn a_server_that_is_away_is_to_be_started_if_somebody_named_it() {
        let away = ProviderError::new("p", ProviderErrorKind::Network, "gone");
        let trouble = Trouble::of_provider(&away, &settings(&[]));
        assert_eq!(trouble.remedy, "check the network, and try again");
        let local = settings(&[("OPENAI_BASE_URL", "http://localhost:1")]);
        let trouble = Trouble::of_provider(&away, &local);
        assert!(trouble.remedy.contains("openai.base_url (now \"http://localhost:1\", by OPEN"));
    }

    #[test]
    fn advice_of_an_error_becomes_the_remedy() {
        let trouble = Trouble::told(&"it is not there; install it", "think");
        assert_eq!(trouble, Trouble::new("it is not there", "install it"));
        assert_eq!(Trouble::told(&"it is not there", "think").remedy, "think");
    }
}
