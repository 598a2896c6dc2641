//! The built-in tool `clock`: the local time and date, in words that a voice speaks well.

use serde_json::{Value, json};

use super::{Tool, ToolContext, ToolError, ToolFuture};
use crate::text::numbers;
use crate::time::WallTime;
use crate::types::ToolDescriptor;

/// Tells the time and the date.
///
/// ```text
/// {"what": "time"}  →  {"time": "ten thirty", "iso": "2026-11-21T10:30"}
/// {"what": "date"}  →  {"date": "Saturday, the twenty first of November", "iso": …}
/// ```
#[derive(Debug)]
pub struct ClockTool {
    descriptor: ToolDescriptor,
    fixed: Option<WallTime>,
}

impl ClockTool {
    /// Reads the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { descriptor: descriptor(), fixed: None }
    }

    /// Always tells `time`, so that a test or a demonstration can be repeated.
    #[must_use]
    pub fn fixed(time: WallTime) -> Self {
        Self { descriptor: descriptor(), fixed: Some(time) }
    }
}

impl Default for ClockTool {
    fn default() -> Self {
        Self::new()
    }
}

impl Tool for ClockTool {
    fn descriptor(&self) -> &ToolDescriptor {
        &self.descriptor
    }

    fn has_side_effects(&self) -> bool {
        false
    }

    fn call(&self, arguments: Value, _context: ToolContext) -> ToolFuture<'_> {
        let now = self.fixed.unwrap_or_else(WallTime::now);
        Box::pin(std::future::ready(tell(&arguments, now)))
    }
}

fn tell(arguments: &Value, now: WallTime) -> Result<Value, ToolError> {
    let iso = now.to_string();
    match arguments["what"].as_str() {
        Some("time") => Ok(json!({ "time": spoken_time(now), "iso": iso })),
        Some("date") => Ok(json!({ "date": spoken_date(now), "iso": iso })),
        _ => Err(ToolError::Arguments {
            name: NAME.to_owned(),
            reason: "`what` must be \"time\" or \"date\"".to_owned(),
        }),
    }
}

/// `ten o'clock`, `ten oh five`, `ten thirty`; by a clock of twelve hours.
fn spoken_time(now: WallTime) -> String {
    let words = |number: u8| numbers::say(f64::from(number)).unwrap_or_default();
    let hour = words((now.hour() + 11) % 12 + 1);
    match now.minute() {
        0 => format!("{hour} o'clock"),
        minute @ 1..10 => format!("{hour} oh {}", words(minute)),
        minute => format!("{hour} {}", words(minute)),
    }
}

fn spoken_date(now: WallTime) -> String {
    let day = numbers::say_ordinal(now.day());
    format!("{}, the {day} of {}", now.weekday_name(), now.month_name())
}

fn descriptor() -> ToolDescriptor {
    let parameters = json!({
        "type": "object",
        "properties": { "what": { "type": "string", "enum": ["time", "date"] } },
        "required": ["what"],
    });
    ToolDescriptor::new(
        NAME,
        "Tells the local time or today's date, in words to speak.",
        parameters,
    )
}

const NAME: &str = "clock";

#[cfg(test)]
mod tests {
    use super::*;

    async fn told(what: &str, hour: i8, minute: i8) -> Value {
        let time = WallTime::at((2026, 11, 21), (hour, minute)).unwrap();
        let mut told = ClockTool::fixed(time)
            .call(json!({ "what": what }), ToolContext::detached())
            .await
            .unwrap();
        told[what].take()
    }

    #[tokio::test]
    async fn the_time_is_spoken_as_people_do() {
        assert_eq!(told("time", 10, 30).await, "ten thirty");
        assert_eq!(told("time", 0, 5).await, "twelve oh five");
        assert_eq!(told("time", 12, 0).await, "twelve o'clock");
        assert_eq!(told("time", 23, 59).await, "eleven fifty nine");
    }

    #[tokio::test]
    async fn the_date_has_its_weekday() {
        assert_eq!(told("date", 10, 30).await, "Saturday, the twenty first of November");
    }

    #[tokio::test]
    async fn other_questions_are_refused() {
        let clock = ClockTool::new();
        for arguments in [json!({ "what": "year" }), json!({}), json!("time"), json!(null)] {
            let error = clock.call(arguments, ToolContext::detached()).await.unwrap_err();
            assert!(error.to_string().contains("\"time\" or \"date\""), "{error}");
        }
        assert!(clock.call(json!({ "what": "time" }), ToolContext::detached()).await.is_ok());
    }
}
