//! What a service's refusal says: why, how it calls that, and when to come back.
//!
//! Services differ, and none of their words has two meanings: so what any of them would say is
//! looked for in each. See <https://platform.openai.com/docs/guides/rate-limits>,
//! <https://docs.anthropic.com/en/api/errors> and <https://google.aip.dev/193>.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use super::{Details, NetError};
use crate::types::Secret;

/// The error that a refusal is, of which `said` is the body as far as it came.
pub(super) fn error(
    host: &str,
    keys: &[Secret],
    (status, headers): (StatusCode, &HeaderMap),
    said: &[u8],
) -> NetError {
    // Google puts it into a list where a list was to come.
    let value = match serde_json::from_slice(said).unwrap_or_default() {
        Value::Array(mut list) if !list.is_empty() => list.swap_remove(0),
        value => value,
    };
    let host = host.to_owned();
    let message = presentable(&complaint(&value, said), keys);
    let codes: Vec<_> = codes(&value).iter().map(|code| presentable(code, keys)).collect();
    if codes.iter().any(|code| code == OUT_OF_CREDIT) {
        return NetError::OutOfCredit { host, message };
    }
    let retry_after = advised(headers).or_else(|| delay(&value));
    let details = Details {
        codes,
        request_id: named(headers, &value).map(|id| presentable(id, keys)),
        is_final: headers.get("x-should-retry").is_some_and(|value| value == "false"),
    };
    NetError::Refused { host, status, message, retry_after, details: Box::new(details) }
}

/// What a service said, for an error: on one line, short, and without the keys.
pub(super) fn presentable(said: &str, keys: &[Secret]) -> String {
    // The keys go first: cut in half they would not be found.
    let said = without_keys(said, keys);
    let said = said.replace(char::is_control, " ");
    let short: String = said.trim().chars().take(MOST_OF_A_COMPLAINT).collect();
    if short.is_empty() { "(no reason)".to_owned() } else { short }
}

pub(super) fn without_keys(said: &str, keys: &[Secret]) -> String {
    keys.iter().fold(said.to_owned(), |said, key| key.removed_from(&said))
}

/// How a service calls an error, the most telling first: the reasons of Google's details, then the
/// code, type and status of `{"error": …}` or of the value itself.
pub(crate) fn codes(value: &Value) -> Vec<String> {
    let details = value.pointer("/error/details").and_then(Value::as_array);
    let reasons = details.into_iter().flatten().filter_map(|detail| detail.get("reason"));
    let named = ["/error/code", "/error/type", "/error/status", "/code", "/type"];
    let named = named.iter().filter_map(|at| value.pointer(at));
    let text = |code: &Value| match code {
        Value::String(code) => Some(code.clone()),
        Value::Number(code) => Some(code.to_string()),
        _ => None,
    };
    reasons.chain(named).filter_map(text).take(MOST_CODES).collect()
}

/// What a service says in a refusal: the message of `{"error": {"message": …}}`,
/// `{"error": …}` or `{"message": …}`, else the text.
fn complaint(value: &Value, said: &[u8]) -> String {
    let message = ["/error/message", "/error", "/message", "/detail"]
        .iter()
        .find_map(|at| value.pointer(at)?.as_str());
    message.map_or_else(|| String::from_utf8_lossy(said).into_owned(), str::to_owned)
}

/// What a service calls a request, by its answer's headers.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    let named = REQUEST_IDS.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    named.filter(|id| !id.trim().is_empty())
}

fn named<'a>(headers: &'a HeaderMap, value: &'a Value) -> Option<&'a str> {
    let said = || value.get("request_id")?.as_str().filter(|id| !id.trim().is_empty());
    request_id(headers).or_else(said)
}

/// When to come back, by the headers: by whoever says it outright, else by what says when a limit
/// that is used up is renewed.
fn advised(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |name: &str| text(name)?.parse::<f64>().ok();
    if let Some(millis) = number("retry-after-ms") {
        return Duration::try_from_secs_f64(millis / 1_000.0).ok();
    }
    let now = text(DATE.as_str()).and_then(http_date);
    let from_now =
        |at: Timestamp| Some(Duration::try_from(at.duration_since(now?)).unwrap_or_default());
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    if let Some(at) = text(RETRY_AFTER.as_str()).and_then(http_date) {
        return from_now(at);
    }
    let used_up = |name: &&str| number(&name.replace("{}", "remaining")) == Some(0.0);
    let renewed = |name: &str| {
        let reset = text(&name.replace("{}", "reset"))?;
        span(reset).or_else(|| from_now(reset.parse().ok()?))
    };
    LIMITS.iter().filter(|name| used_up(name)).filter_map(|name| renewed(name)).max()
}

/// What Google says in the body: `{"retryDelay": "34.5s"}` among the details.
fn delay(value: &Value) -> Option<Duration> {
    let details = value.pointer("/error/details")?.as_array()?;
    details.iter().find_map(|detail| span(detail.get("retryDelay")?.as_str()?))
}

/// As `Sun, 06 Nov 1994 08:49:37 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// A time as `1s`, `6m0s`, `1h2m3.5s` or `12ms`.
fn span(text: &str) -> Option<Duration> {
    let (mut seconds, mut rest) = (0.0, text.trim());
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        seconds += number
            * match &rest[digits..digits + unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[digits + unit..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// How OpenAI's protocol says that an account is empty. Only a code says so: many a message of
/// haste speaks of a quota too.
const OUT_OF_CREDIT: &str = "insufficient_quota";
/// OpenAI's and most, Anthropic's, Google's.
const REQUEST_IDS: &[&str] = &["x-request-id", "request-id", "x-goog-request-id"];
/// OpenAI's and Anthropic's; each has a header for what remains and for when it is renewed.
const LIMITS: &[&str] = &[
    "x-ratelimit-{}-requests",
    "x-ratelimit-{}-tokens",
    "anthropic-ratelimit-requests-{}",
    "anthropic-ratelimit-tokens-{}",
    "anthropic-ratelimit-input-tokens-{}",
    "anthropic-ratelimit-output-tokens-{}",
];
/// More than any service gives.
const MOST_CODES: usize = 8;
/// In characters.
const MOST_OF_A_COMPLAINT: usize = 300;

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn refused(headers: &[(&'static str, &'static str)], body: &Value) -> NetError {
        let pair =
            |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let headers = headers.iter().map(pair).collect();
        let keys = [Secret::new("sk-secret")];
        error(
            "there",
            &keys,
            (StatusCode::TOO_MANY_REQUESTS, &headers),
            body.to_string().as_bytes(),
        )
    }

    fn pause(headers: &[(&'static str, &'static str)], body: &Value) -> Option<f64> {
        match refused(headers, body) {
            NetError::Refused { retry_after, .. } => retry_after.map(|pause| pause.as_secs_f64()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn services_say_in_many_ways_when_to_come_back() {
        const NOW: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        let said = |headers: &[_]| pause(headers, &Value::Null);
        assert_eq!(said(&[]), None);
        assert_eq!(said(&[("retry-after", "2")]), Some(2.0));
        assert_eq!(said(&[("retry-after", "1.5")]), Some(1.5));
        assert_eq!(said(&[("retry-after", "2"), ("retry-after-ms", "350")]), Some(0.35));
        let date = ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT");
        assert_eq!(said(&[NOW, date]), Some(30.0));
        assert_eq!(said(&[date]), None, "nobody knows the service's clock");
        let past = ("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT");
        assert_eq!(said(&[NOW, past]), Some(0.0));
        for wrong in ["soon", "-1", "1e99", "NaN"] {
            assert_eq!(said(&[("retry-after", wrong)]), None, "{wrong}");
        }

        let used_up = ("x-ratelimit-remaining-tokens", "0");
        let renewed = ("x-ratelimit-reset-tokens", "6m0.5s");
        assert_eq!(said(&[used_up, renewed]), Some(360.5));
        assert_eq!(said(&[renewed]), None, "something is left");
        let others =
            [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "12ms")];
        assert_eq!(said(&[used_up, renewed, others[0], others[1]]), Some(360.5), "the longest");
        let used_up = ("anthropic-ratelimit-input-tokens-remaining", "0");
        let renewed = ("anthropic-ratelimit-input-tokens-reset", "1994-11-06T08:49:57Z");
        assert_eq!(said(&[NOW, used_up, renewed]), Some(20.0));

        let detail =
            json!({ "@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.5s" });
        let body = json!({ "error": { "details": [{ "reason": "x" }, detail] } });
        assert_eq!(pause(&[], &body), Some(34.5));
    }

    #[test]
    fn spans_are_read_or_are_none() {
        for (text, seconds) in [("1h2m3.5s", 3_723.5), ("0s", 0.0), ("1d", 86_400.0)] {
            assert_eq!(span(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "s", "1", "1x", "1.2.3s", "-1s", "1 s"] {
            assert_eq!(span(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_service_calls_its_error_and_the_request_is_kept_without_the_key() {
        let google = json!({ "error": { "code": 400, "status": "INVALID_ARGUMENT", "message": "no",
            "details": [{ "reason": "API_KEY_INVALID" }] } });
        let NetError::Refused { details, .. } = refused(&[("x-should-retry", "false")], &google)
        else {
            panic!("it is refused")
        };
        assert_eq!(details.codes, ["API_KEY_INVALID", "400", "INVALID_ARGUMENT"]);
        assert!(details.is_final && details.request_id.is_none());

        let anthropic = json!({ "type": "error", "request_id": "req_1",
            "error": { "type": "overloaded_error", "message": "sk-secret" } });
        for headers in [&[][..], &[("request-id", "req_1")]] {
            let error = refused(headers, &anthropic);
            assert!(!format!("{error:?} {error}").contains("sk-secret"));
            let NetError::Refused { details, .. } = error else { panic!("it is refused") };
            assert_eq!(details.codes, ["overloaded_error", "error"]);
            assert_eq!(details.request_id.as_deref(), Some("req_1"));
            assert!(!details.is_final);
        }
    }
}
