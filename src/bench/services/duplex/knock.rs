//! Who wants to be connected, and to what.

use std::time::Duration;

use http::{HeaderMap, StatusCode, Uri};

use super::Protocol;
use crate::bench::services;

/// A request for a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Knock {
    /// What is to be spoken.
    pub protocol: Protocol,
    /// Whose it is: its key, empty without one.
    pub caller: String,
    /// The model, if the address names one.
    pub model: Option<String>,
    /// What the log adds to its times, in nanoseconds: its clock's time when the session's was zero.
    pub origin: u64,
    /// The time of day, in seconds since 1970 began: sessions say when they end.
    pub unix: i64,
}

impl Knock {
    /// What a request with this head asks for; `None` where the address is none of a call's.
    #[must_use]
    pub fn new(uri: &Uri, headers: &HeaderMap, origin: u64, unix: i64) -> Option<Self> {
        let path = uri.path().trim_end_matches('/');
        let protocol = match path.rsplit('/').next()? {
            "realtime" => Protocol::OpenAi,
            last if last.starts_with("google.ai.generativelanguage.") => {
                let method = last.rsplit('.').next()?;
                let known = ["BidiGenerateContent", "BidiGenerateContentConstrained"];
                known.contains(&method).then_some(Protocol::Gemini)?
            }
            _ => return None,
        };
        let caller = key(protocol, uri, headers);
        // Who only wants to have sound written down names the model later.
        let transcribes = parameter(uri, "intent").is_some_and(|it| it == "transcription");
        let model = parameter(uri, "model").or_else(|| transcribes.then(String::new));
        Some(Self { protocol, caller, model, origin, unix })
    }
}

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// Why.
    pub message: String,
    /// When to come back.
    pub retry_after: Option<Duration>,
}

/// The key, wherever the clients of a protocol put it.
fn key(protocol: Protocol, uri: &Uri, headers: &HeaderMap) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match protocol {
        Protocol::OpenAi => match services::caller(headers) {
            "" => offered(text("sec-websocket-protocol").unwrap_or_default()).unwrap_or_default(),
            key => key.to_owned(),
        },
        Protocol::Gemini => {
            let token = text("authorization").and_then(|value| value.split_once(' '));
            let token = token.map(|(_, token)| token.trim().to_owned());
            let key = text("x-goog-api-key").map(str::to_owned);
            let key = key.or_else(|| parameter(uri, "key")).or(token);
            key.or_else(|| parameter(uri, "access_token")).unwrap_or_default()
        }
    }
}

/// Browsers cannot set headers, and give their key among the protocols.
fn offered(protocols: &str) -> Option<String> {
    let mut each = protocols.split(',').map(str::trim);
    each.find_map(|one| one.strip_prefix("openai-insecure-api-key.")).map(str::to_owned)
}

/// A parameter of the address. Percent signs are kept: keys and models have none.
fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    values.next().filter(|value| !value.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn knock(uri: &str, headers: &[(&'static str, &'static str)]) -> Option<Knock> {
        let headers = headers.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        Knock::new(&uri.parse().unwrap(), &headers.collect(), 0, 0)
    }

    #[test]
    fn the_path_says_what_is_spoken() {
        let protocol = |uri: &str| knock(uri, &[]).map(|knock| knock.protocol);
        let bidi = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
        assert_eq!(protocol("/v1/realtime?model=m"), Some(Protocol::OpenAi));
        assert_eq!(protocol(bidi), Some(Protocol::Gemini));
        assert_eq!(protocol(&format!("{bidi}Constrained?key=k")), Some(Protocol::Gemini));
        assert_eq!(protocol("/v1/chat/completions"), None);
        assert_eq!(protocol("/ws/google.ai.generativelanguage.v1.Other"), None);
    }

    #[test]
    fn a_key_may_stand_in_many_places() {
        let openai = "wss://there/v1/realtime?model=gpt";
        let gemini = "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateContent";
        let caller = |uri: &str, headers: &[_]| knock(uri, headers).unwrap().caller;
        assert_eq!(caller(openai, &[("authorization", "Bearer me")]), "me");
        let offered = "realtime, openai-insecure-api-key.me, openai-agents-sdk.typescript";
        assert_eq!(caller(openai, &[("sec-websocket-protocol", offered)]), "me");
        assert_eq!(caller(gemini, &[("x-goog-api-key", "me")]), "me");
        assert_eq!(caller(&format!("{gemini}?key=me"), &[]), "me");
        assert_eq!(caller(gemini, &[("authorization", "Token me")]), "me");
        assert_eq!(caller(gemini, &[]), "");
        assert_eq!(knock(openai, &[]).unwrap().model.as_deref(), Some("gpt"));
        let writes = knock("/v1/realtime?intent=transcription", &[]).unwrap();
        assert_eq!(writes.model.as_deref(), Some(""));
    }
}
