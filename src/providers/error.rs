//! Failures of language models: who, what, and what to do about it.

use std::fmt;
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::error::Recovery;
use crate::net::NetError;

/// A failure of a language model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderError {
    /// Which provider, as `openai:gpt-4o-mini`.
    pub provider: String,
    /// What kind of failure it is.
    pub kind: ProviderErrorKind,
    /// What the provider said, or what happened. It holds no key.
    pub reason: String,
    /// The status of its answer, if it is a service that refused.
    pub status: Option<StatusCode>,
    /// What the service calls the request, for whoever asks it about that.
    pub request_id: Option<String>,
    /// Whether and when it says that another try makes sense.
    pub advice: RetryAdvice,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProviderErrorKind {
    /// The caller asks too much, or too often.
    RateLimited,
    /// It has too much to do, whoever asks.
    Overloaded,
    /// It does not do what is asked.
    InvalidRequest,
    /// It withholds an answer, for what is asked or for what it would say.
    ContentPolicy,
    /// It does not know the caller.
    Unauthorized,
    /// The account of the key has nothing left. Waiting does not help.
    OutOfCredit,
    /// There is no such model, or no service at the address.
    NotFound,
    /// It gave nothing in time.
    TimedOut,
    /// It cannot be reached, or the connection broke off.
    Network,
    /// Its answer cannot be read.
    Protocol,
    /// It failed, before or in the middle of its answer.
    Failed,
}

/// Whether and when a service says that another try makes sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetryAdvice {
    /// It says nothing.
    #[default]
    None,
    /// After this long.
    After(Duration),
    /// Never: it would refuse again.
    Never,
}

impl ProviderError {
    /// A failure of `provider`, of which no more is known.
    pub fn new(
        provider: impl Into<String>,
        kind: ProviderErrorKind,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            provider: provider.into(),
            kind,
            reason: reason.into(),
            status: None,
            request_id: None,
            advice: RetryAdvice::None,
        }
    }

    /// The same of a service that says when to come back.
    #[must_use]
    pub fn with_advice(self, advice: RetryAdvice) -> Self {
        Self { advice, ..self }
    }

    /// [`ProviderErrorKind::Failed`], the kind of what has no other.
    pub(crate) fn failed(provider: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::new(provider, ProviderErrorKind::Failed, reason)
    }

    /// It gave nothing for so long.
    pub(crate) fn late(provider: impl Into<String>, limit: Duration) -> Self {
        let reason = format!("gave nothing for {limit:?}");
        Self::new(provider, ProviderErrorKind::TimedOut, reason)
    }

    /// What a service says in the middle of its answer, where no status says what it means.
    pub(crate) fn said(
        provider: impl Into<String>,
        codes: &[String],
        reason: impl Into<String>,
    ) -> Self {
        Self::new(provider, ProviderErrorKind::of(None, codes), reason)
    }

    /// What a failure on the way to `provider` means.
    pub(crate) fn of_net(provider: &str, error: NetError) -> Self {
        let new = |kind, reason| Self::new(provider, kind, reason);
        let kind = match &error {
            NetError::TimedOut { limit, .. } => return Self::late(provider, *limit),
            NetError::Unreachable { .. } | NetError::BrokeOff { .. } => ProviderErrorKind::Network,
            NetError::TooLong { .. } | NetError::Nonsense { .. } => ProviderErrorKind::Protocol,
            NetError::OutOfCredit { .. } => ProviderErrorKind::OutOfCredit,
            NetError::Refused { status, details, .. } => {
                ProviderErrorKind::of(Some(*status), &details.codes)
            }
        };
        match error {
            NetError::OutOfCredit { message, .. } => new(kind, message),
            NetError::Refused { status, message, retry_after, details, .. } => {
                let reason = match kind {
                    ProviderErrorKind::Failed => format!("{status}: {message}"),
                    _ => message,
                };
                let advice = match retry_after {
                    _ if details.is_final => RetryAdvice::Never,
                    Some(pause) => RetryAdvice::After(pause),
                    None => RetryAdvice::None,
                };
                let (status, request_id) = (Some(status), details.request_id);
                Self { status, request_id, advice, ..new(kind, reason) }
            }
            other => new(kind, other.to_string()),
        }
    }

    /// What to do about it. When exactly another try makes sense, and how often, is for
    /// [`Retries`](super::retry::Retries) to say.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self.kind {
            ProviderErrorKind::RateLimited
            | ProviderErrorKind::Overloaded
            | ProviderErrorKind::Network
            | ProviderErrorKind::Protocol
            | ProviderErrorKind::Failed => match self.advice {
                RetryAdvice::None => Recovery::RetryAfter(SOON),
                RetryAdvice::After(pause) => Recovery::RetryAfter(pause),
                RetryAdvice::Never => Recovery::FallBack,
            },
            ProviderErrorKind::InvalidRequest => Recovery::Abort,
            ProviderErrorKind::Unauthorized
            | ProviderErrorKind::OutOfCredit
            | ProviderErrorKind::NotFound => Recovery::AskUser,
            // Whoever has waited that long does not wait once more.
            ProviderErrorKind::TimedOut | ProviderErrorKind::ContentPolicy => Recovery::FallBack,
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProviderErrorKind as Kind;
        let Self { provider, reason, .. } = self;
        match self.kind {
            Kind::RateLimited => write!(f, "{provider} has too many requests: {reason}")?,
            Kind::Overloaded => write!(f, "{provider} is overloaded: {reason}")?,
            Kind::InvalidRequest => write!(f, "{provider} refused the request: {reason}")?,
            Kind::ContentPolicy => write!(f, "{provider} withholds its answer: {reason}")?,
            Kind::Unauthorized => write!(f, "{provider} does not accept the key: {reason}")?,
            Kind::OutOfCredit => write!(f, "{provider} refuses: {reason}")?,
            Kind::NotFound => write!(f, "{provider} is not there: {reason}")?,
            Kind::TimedOut => write!(f, "{provider} {reason}")?,
            Kind::Network | Kind::Protocol | Kind::Failed => {
                write!(f, "{provider} failed: {reason}")?;
            }
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        f.write_str(match self.kind {
            Kind::Unauthorized => "; check the key and its account",
            Kind::OutOfCredit => "; top up the account of the key",
            Kind::NotFound => "; check the model's name and the address",
            _ => "",
        })
    }
}

impl std::error::Error for ProviderError {}

impl ProviderErrorKind {
    /// As logs, figures and files have it: `rate_limited`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::InvalidRequest => "invalid_request",
            Self::ContentPolicy => "content_policy",
            Self::Unauthorized => "unauthorized",
            Self::OutOfCredit => "out_of_credit",
            Self::NotFound => "not_found",
            Self::TimedOut => "timed_out",
            Self::Network => "network",
            Self::Protocol => "protocol",
            Self::Failed => "failed",
        }
    }

    /// What a refusal means: by what the service calls it, if that has one meaning only, else by
    /// its status, else by what it calls it at all.
    fn of(status: Option<StatusCode>, codes: &[String]) -> Self {
        let named = |names: &[(&str, Self)]| {
            let known =
                |&(name, kind): &(&str, Self)| codes.iter().any(|c| c == name).then_some(kind);
            names.iter().find_map(known)
        };
        let by_status = |status: StatusCode| match status.as_u16() {
            401 | 403 => Some(Self::Unauthorized),
            402 => Some(Self::OutOfCredit),
            404 => Some(Self::NotFound),
            429 => Some(Self::RateLimited),
            503 | 529 => Some(Self::Overloaded),
            504 => Some(Self::TimedOut),
            400 | 413 | 415 | 422 => Some(Self::InvalidRequest),
            _ => None,
        };
        named(PRECISE)
            .or_else(|| status.map_or_else(|| named(VAGUE), by_status))
            .unwrap_or(Self::Failed)
    }
}

/// What services call their errors, where that says more than the status.
const PRECISE: &[(&str, ProviderErrorKind)] = &[
    // OpenAI, and many that follow it.
    ("insufficient_quota", ProviderErrorKind::OutOfCredit),
    ("billing_hard_limit_reached", ProviderErrorKind::OutOfCredit),
    ("rate_limit_exceeded", ProviderErrorKind::RateLimited),
    ("invalid_api_key", ProviderErrorKind::Unauthorized),
    ("model_not_found", ProviderErrorKind::NotFound),
    ("context_length_exceeded", ProviderErrorKind::InvalidRequest),
    ("content_policy_violation", ProviderErrorKind::ContentPolicy),
    ("content_filter", ProviderErrorKind::ContentPolicy),
    ("slow_down", ProviderErrorKind::Overloaded),
    // Anthropic.
    ("billing_error", ProviderErrorKind::OutOfCredit),
    ("authentication_error", ProviderErrorKind::Unauthorized),
    ("permission_error", ProviderErrorKind::Unauthorized),
    ("rate_limit_error", ProviderErrorKind::RateLimited),
    ("overloaded_error", ProviderErrorKind::Overloaded),
    ("timeout_error", ProviderErrorKind::TimedOut),
    // Gemini, which refuses a wrong key with 400.
    ("API_KEY_INVALID", ProviderErrorKind::Unauthorized),
    ("RESOURCE_EXHAUSTED", ProviderErrorKind::RateLimited),
    ("UNAVAILABLE", ProviderErrorKind::Overloaded),
    ("DEADLINE_EXCEEDED", ProviderErrorKind::TimedOut),
];

/// What they call them with several meanings, or as a number.
const VAGUE: &[(&str, ProviderErrorKind)] = &[
    ("429", ProviderErrorKind::RateLimited),
    ("503", ProviderErrorKind::Overloaded),
    ("529", ProviderErrorKind::Overloaded),
    ("not_found_error", ProviderErrorKind::NotFound),
    ("NOT_FOUND", ProviderErrorKind::NotFound),
    ("UNAUTHENTICATED", ProviderErrorKind::Unauthorized),
    ("PERMISSION_DENIED", ProviderErrorKind::Unauthorized),
    ("request_too_large", ProviderErrorKind::InvalidRequest),
    ("invalid_request_error", ProviderErrorKind::InvalidRequest),
    ("INVALID_ARGUMENT", ProviderErrorKind::InvalidRequest),
    ("FAILED_PRECONDITION", ProviderErrorKind::InvalidRequest),
];

/// How long to wait before a retry when nobody names a time: short, because somebody listens to
/// silence meanwhile.
const SOON: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Details;

    fn of(status: u16, codes: &[&str]) -> ProviderErrorKind {
        let codes: Vec<_> = codes.iter().map(|code| (*code).to_owned()).collect();
        ProviderErrorKind::of(StatusCode::from_u16(status).ok(), &codes)
    }

    #[test]
    fn a_refusal_means_what_its_vendor_calls_it_or_else_its_status() {
        use ProviderErrorKind as Kind;
        for (status, codes, kind) in [
            // OpenAI
            (401, &["invalid_api_key", "invalid_request_error"][..], Kind::Unauthorized),
            (404, &["model_not_found", "invalid_request_error"], Kind::NotFound),
            (400, &["context_length_exceeded", "invalid_request_error"], Kind::InvalidRequest),
            (400, &["content_policy_violation"], Kind::ContentPolicy),
            (429, &["rate_limit_exceeded", "tokens"], Kind::RateLimited),
            (429, &["insufficient_quota"], Kind::OutOfCredit),
            (503, &["slow_down"], Kind::Overloaded),
            (500, &["server_error"], Kind::Failed),
            // Anthropic
            (400, &["invalid_request_error", "error"], Kind::InvalidRequest),
            (401, &["authentication_error", "error"], Kind::Unauthorized),
            (402, &["billing_error"], Kind::OutOfCredit),
            (403, &["permission_error"], Kind::Unauthorized),
            (404, &["not_found_error"], Kind::NotFound),
            (413, &["request_too_large"], Kind::InvalidRequest),
            (429, &["rate_limit_error"], Kind::RateLimited),
            (500, &["api_error"], Kind::Failed),
            (504, &["timeout_error"], Kind::TimedOut),
            (529, &["overloaded_error"], Kind::Overloaded),
            // Gemini
            (400, &["API_KEY_INVALID", "400", "INVALID_ARGUMENT"], Kind::Unauthorized),
            (400, &["400", "INVALID_ARGUMENT"], Kind::InvalidRequest),
            (403, &["403", "PERMISSION_DENIED"], Kind::Unauthorized),
            (404, &["404", "NOT_FOUND"], Kind::NotFound),
            (429, &["429", "RESOURCE_EXHAUSTED"], Kind::RateLimited),
            (500, &["500", "INTERNAL"], Kind::Failed),
            (503, &["503", "UNAVAILABLE"], Kind::Overloaded),
            (504, &["504", "DEADLINE_EXCEEDED"], Kind::TimedOut),
            // Anybody
            (529, &[], Kind::Overloaded),
            (302, &[], Kind::Failed),
            // In the middle of an answer, without a status
            (0, &["overloaded_error"], Kind::Overloaded),
            (0, &["invalid_request_error"], Kind::InvalidRequest),
            (0, &["429"], Kind::RateLimited),
            (0, &["api_error"], Kind::Failed),
            (0, &[], Kind::Failed),
        ] {
            assert_eq!(of(status, codes), kind, "{status} {codes:?}");
        }
    }

    #[test]
    fn a_kind_has_one_name_everywhere() {
        use ProviderErrorKind as Kind;
        for kind in [
            Kind::RateLimited,
            Kind::Overloaded,
            Kind::InvalidRequest,
            Kind::ContentPolicy,
            Kind::Unauthorized,
            Kind::OutOfCredit,
            Kind::NotFound,
            Kind::TimedOut,
            Kind::Network,
            Kind::Protocol,
            Kind::Failed,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
        }
    }

    #[test]
    fn a_refusal_keeps_its_status_the_request_and_the_advice() {
        let refused = |retry_after, is_final| NetError::Refused {
            host: "there".to_owned(),
            status: StatusCode::SERVICE_UNAVAILABLE,
            message: "come back".to_owned(),
            retry_after,
            details: Box::new(Details {
                codes: Vec::new(),
                request_id: Some("req_7".to_owned()),
                is_final,
            }),
        };
        let pause = Duration::from_secs(3);
        for (error, advice, recovery) in [
            (refused(None, false), RetryAdvice::None, Recovery::RetryAfter(SOON)),
            (refused(Some(pause), false), RetryAdvice::After(pause), Recovery::RetryAfter(pause)),
            (refused(Some(pause), true), RetryAdvice::Never, Recovery::FallBack),
        ] {
            let error = ProviderError::of_net("p:m", error);
            assert_eq!(error.status, Some(StatusCode::SERVICE_UNAVAILABLE));
            assert_eq!((error.advice, error.recovery()), (advice, recovery));
            assert_eq!(error.to_string(), "p:m is overloaded: come back (request req_7)");
        }
    }

    #[test]
    fn errors_say_what_to_do() {
        use ProviderErrorKind as Kind;
        let told = |kind| ProviderError::new("p", kind, "so").to_string();
        assert_eq!(
            told(Kind::Unauthorized),
            "p does not accept the key: so; check the key and its account"
        );
        assert_eq!(
            told(Kind::NotFound),
            "p is not there: so; check the model's name and the address"
        );
        assert_eq!(ProviderError::late("p", SOON).to_string(), "p gave nothing for 250ms");
        assert_eq!(ProviderError::new("p", Kind::TimedOut, "").recovery(), Recovery::FallBack);
        assert_eq!(ProviderError::new("p", Kind::InvalidRequest, "").recovery(), Recovery::Abort);
    }
}
