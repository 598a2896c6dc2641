//! Makes words of what a service of transcription answers.

use serde_json::Value;

use super::super::SttEvent;
use super::wire::{Answer, Event};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Text,
    Events,
}

/// The format that goes with a `content-type`. Without one, the text itself shows it.
///
/// # Errors
///
/// What the answer is instead of words.
pub(super) fn format(content_type: Option<&str>) -> Result<Format, String> {
    let kind = content_type.unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.split_once('/') {
        Some(("text", "event-stream")) => Ok(Format::Events),
        Some(("text", "html")) => Err(WEB_PAGE.to_owned()),
        Some(("audio" | "image" | "video", _)) => Err(format!("it answered with {kind}")),
        Some((_, sub)) if sub.contains("json") => Ok(Format::Json),
        _ => Ok(Format::Text),
    }
}

/// The words of a whole answer; none if nobody spoke.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn words_of(format: Format, body: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(body).map_err(|_| BINARY.to_owned())?.trim();
    if text.starts_with('{') || format == Format::Json {
        let answer: Answer =
            serde_json::from_str(text).map_err(|_| "its answer holds no transcript".to_owned())?;
        return words(&answer.text);
    }
    words(text)
}

/// The transcript of a streamed answer, event by event.
#[derive(Debug, Default)]
pub(super) struct Deltas {
    text: String,
    told: String,
}

impl Deltas {
    /// Takes the data of the next event. A partial or the final comes of it, or nothing: events
    /// that are unknown or cannot be read are skipped.
    ///
    /// # Errors
    ///
    /// What is wrong, if the service says that it failed or gives what cannot be words. It is in
    /// the service's own words: there may be a key among them.
    pub(super) fn on(&mut self, data: &str) -> Result<Option<SttEvent>, String> {
        let Ok(value) = serde_json::from_str::<Value>(data) else { return Ok(None) };
        if let Some(complaint) = complaint(&value) {
            return Err(complaint);
        }
        match serde_json::from_value(value) {
            Ok(Event::Delta { delta }) => {
                self.text.push_str(&delta);
                let text = words(&self.text)?;
                // "[BLANK_AUDIO]" may come in pieces.
                if text == self.told || text.starts_with(['[', '(']) {
                    return Ok(None);
                }
                self.told.clone_from(&text);
                Ok(Some(SttEvent::Partial(text)))
            }
            Ok(Event::Done { text }) => Ok(Some(SttEvent::Final(words(&text)?))),
            Ok(Event::Unknown) | Err(_) => Ok(None),
        }
    }

    /// The words when the answer has ended in order without saying that it is done, as some
    /// services' do: all that came.
    ///
    /// # Errors
    ///
    /// When nothing came.
    pub(super) fn end(self) -> Result<String, String> {
        match self.text.is_empty() {
            true => Err("its answer holds no transcript".to_owned()),
            false => words(&self.text),
        }
    }
}

/// `text` in one line; nothing where it only says, in brackets, that there were no words.
fn words(text: &str) -> Result<String, String> {
    if text.len() > LONGEST {
        return Err(format!("its transcript is longer than {} KiB", LONGEST >> 10));
    }
    if text.contains(|c: char| c.is_control() && !c.is_whitespace()) {
        return Err(BINARY.to_owned());
    }
    let start: String = text.trim_start().chars().take(9).collect();
    let start = start.to_ascii_lowercase();
    if ["<!doctype", "<html", "<?xml"].iter().any(|page| start.starts_with(page)) {
        return Err(WEB_PAGE.to_owned());
    }
    if is_remark(text) {
        return Ok(String::new());
    }
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Whether all of it stands in brackets, as "[BLANK_AUDIO]" or "(wind blowing)" do.
fn is_remark(text: &str) -> bool {
    let mut rest = text.trim();
    while let Some(close) = match rest.chars().next() {
        Some('[') => Some(']'),
        Some('(') => Some(')'),
        _ => None,
    } {
        let Some(end) = rest.find(close) else { return false };
        rest = rest[end + 1..].trim_start();
    }
    rest.is_empty()
}

/// What an event complains of, if it does: `{"error": …}` with a text or an object, whatever its
/// type, or an object that calls itself an error.
fn complaint(event: &Value) -> Option<String> {
    let calls_itself = |name| event.get(name).is_some_and(|kind| kind == "error");
    let error = match event.get("error") {
        Some(error) if !is_nothing(error) => error,
        _ if calls_itself("type") || calls_itself("object") => event,
        _ => return None,
    };
    let said = error.get("message").unwrap_or(error);
    match said.as_str() {
        Some(said) if said.trim().is_empty() => Some("it says that it failed".to_owned()),
        Some(said) => Some(said.to_owned()),
        None => Some(said.to_string()),
    }
}

fn is_nothing(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false)) || value == ""
}

/// In bytes: an hour of speech.
const LONGEST: usize = 64 << 10;

const BINARY: &str = "its answer is no text";
const WEB_PAGE: &str = "it answered with a web page; is the address right?";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_says_how_to_read() {
        assert_eq!(format(Some("application/json; charset=utf-8")), Ok(Format::Json));
        assert_eq!(format(Some("Text/Event-Stream")), Ok(Format::Events));
        assert_eq!(format(Some("text/plain")), Ok(Format::Text));
        assert_eq!(format(None), Ok(Format::Text));
        assert!(format(Some("text/html")).unwrap_err().contains("web page"));
        assert!(format(Some("audio/mpeg")).unwrap_err().contains("audio/mpeg"));
    }

    #[test]
    fn words_come_from_json_and_from_text() {
        let of = |format, body: &str| words_of(format, body.as_bytes());
        let hello = Ok("hello there".to_owned());
        assert_eq!(of(Format::Json, r#"{"text":" hello\n there "}"#), hello);
        let verbose = r#"{"task":"transcribe","segments":[{"id":0}],"text":"hello there"}"#;
        assert_eq!(of(Format::Json, verbose), hello);
        assert_eq!(of(Format::Text, " hello\nthere\n"), hello);
        assert_eq!(of(Format::Text, r#"{"text":"hello there"}"#), hello);
        assert_eq!(of(Format::Text, ""), Ok(String::new()));
    }

    #[test]
    fn remarks_in_brackets_are_no_words() {
        for remark in [" [BLANK_AUDIO]\n", "(wind blowing)", "[ Silence ] (coughs)", "[音楽]"] {
            assert_eq!(words_of(Format::Text, remark.as_bytes()), Ok(String::new()), "{remark}");
        }
        for said in ["[laughs] hello", "(a) or (b)", "[hello", "a [b]"] {
            assert_eq!(words_of(Format::Text, said.as_bytes()), Ok(said.to_owned()));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let long = "a".repeat(LONGEST + 1);
        for (format, body) in [
            (Format::Json, &b"hello"[..]),
            (Format::Json, b""),
            (Format::Json, br#"{"error":"no"}"#),
            (Format::Json, br#"{"text":7}"#),
            (Format::Json, br#"{"text":"a\u0000b"}"#),
            (Format::Text, b"\xff\xfe"),
            (Format::Text, b"a\0b"),
            (Format::Text, b"<!DOCTYPE html><p>hello"),
            (Format::Text, b" <html>"),
            (Format::Text, long.as_bytes()),
        ] {
            assert!(words_of(format, body).is_err(), "{}", body.escape_ascii());
        }
    }

    #[test]
    fn deltas_add_up() {
        let mut deltas = Deltas::default();
        let mut on = |data: &str| deltas.on(data).unwrap();
        let partial = |text: &str| Some(SttEvent::Partial(text.to_owned()));
        let delta = |text| format!(r#"{{"type":"transcript.text.delta","delta":"{text}"}}"#);
        assert_eq!(on(&delta("Hel")), partial("Hel"));
        assert_eq!(on(&delta(" ")), None);
        assert_eq!(on(&delta("lo")), partial("Hel lo"));
        assert_eq!(on(r#"{"type":"transcript.text.segment","id":"1"}"#), None);
        assert_eq!(on("[DONE]"), None);
        let done = r#"{"type":"transcript.text.done","text":" Hello. "}"#;
        assert_eq!(on(done), Some(SttEvent::Final("Hello.".to_owned())));
    }

    #[test]
    fn a_remark_in_pieces_is_no_partial() {
        let mut deltas = Deltas::default();
        for piece in ["[BLANK", "_AUDIO]"] {
            let data = format!(r#"{{"type":"transcript.text.delta","delta":"{piece}"}}"#);
            assert_eq!(deltas.on(&data), Ok(None));
        }
        assert_eq!(deltas.end(), Ok(String::new()));
        assert!(Deltas::default().end().is_err());
    }

    #[test]
    fn an_error_is_one_however_it_is_written() {
        for data in [
            r#"{"type":"error","error":{"message":"too busy"}}"#,
            r#"{"error":{"message":"too busy","code":500}}"#,
            r#"{"error":"too busy"}"#,
            r#"{"type":"error","message":"too busy","code":"x"}"#,
            r#"{"object":"error","message":"too busy"}"#,
            r#"{"type":"transcript.text.delta","delta":"a","error":{"message":"too busy"}}"#,
        ] {
            assert_eq!(Deltas::default().on(data), Err("too busy".to_owned()), "{data}");
        }
        for data in [
            r#"{"type":"error"}"#,
            r#"{"error":{"code":500}}"#,
            r#"{"error":true}"#,
            r#"{"type":"error","error":{"message":" "}}"#,
        ] {
            assert!(Deltas::default().on(data).is_err(), "{data}");
        }
        let data = r#"{"type":"transcript.text.done","text":"hello","error":null}"#;
        assert_eq!(Deltas::default().on(data), Ok(Some(SttEvent::Final("hello".to_owned()))));
    }
}
