//! Reads the events that the program wrote.

use serde_json::Value;

/// An event as a reader sees it.
#[derive(Clone, Debug)]
pub(crate) struct Event(Value);

impl Event {
    /// Parses a line: an object with a time and a type.
    pub(crate) fn parse(line: &str) -> Self {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(value["t_ms"].is_f64() && value["type"].is_string(), "{line}");
        Self(value)
    }

    pub(crate) fn kind(&self) -> &str {
        self.text("type")
    }

    /// When it was told.
    pub(crate) fn at(&self) -> f64 {
        self.number("t_ms")
    }

    pub(crate) fn turn(&self) -> Option<u64> {
        self.0["turn"].as_u64()
    }

    pub(crate) fn response(&self) -> Option<u64> {
        self.0["response"].as_u64()
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("no text {field}: {}", self.0))
    }

    pub(crate) fn number(&self, field: &str) -> f64 {
        self.0[field].as_f64().unwrap_or_else(|| panic!("no number {field}: {}", self.0))
    }

    /// A transcript that will not change.
    pub(crate) fn is_final(&self) -> bool {
        self.0["final"] == true
    }
}

/// The events in `text`: of a whole session, in the order of their times.
pub(crate) fn parse(text: &str) -> Vec<Event> {
    let events: Vec<_> = text.lines().map(Event::parse).collect();
    assert_eq!(events.first().unwrap().kind(), "session_started");
    assert_eq!(events.last().unwrap().kind(), "session_ended");
    assert!(events.is_sorted_by(|a, b| a.at() <= b.at()), "time went back: {text}");
    events
}

/// Those of a type.
pub(crate) fn of<'a>(events: &'a [Event], kind: &str) -> Vec<&'a Event> {
    events.iter().filter(|event| event.kind() == kind).collect()
}
