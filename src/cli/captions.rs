//! What is said, by whom, and how long it took, for people. What a terminal would obey is left
//! out of all that services and files say.

use std::io::{IsTerminal, Write};

use super::screen::plain;
use crate::events::{Event, EventKind, Latency, SpeechEnd};
use crate::types::WaitsFor;

/// Writes captions. On a terminal, what may still change is shown and written over.
pub(super) struct Captions {
    output: Box<dyn Write + Send>,
    terminal: bool,
    /// The words of the turn as far as they are shown.
    partial: bool,
    /// What is told of a call that waits for somebody who cannot decide here.
    advice: String,
}

impl Captions {
    pub(super) fn new(output: Box<dyn Write + Send>) -> Self {
        let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
        Self { output, terminal, partial: false, advice: String::new() }
    }

    /// The same, which tell how somebody can decide about a call.
    pub(super) fn advising(self, advice: String) -> Self {
        Self { advice, ..self }
    }

    /// Shows what is of interest of an event.
    pub(super) fn show(&mut self, event: &Event) -> std::io::Result<()> {
        let seconds = event.at.as_millis() / 1e3;
        match &event.kind {
            EventKind::SessionStarted { vad, stt, llm, tts, .. } => {
                self.line(seconds, "", &format!("listening ({vad}, {stt}, {llm}, {tts})"))
            }
            EventKind::TurnStarted { .. } => self.line(seconds, "user", "…"),
            EventKind::Transcript { text, is_final: false } => self.partial(seconds, text),
            EventKind::Transcript { text, is_final: true } if text.is_empty() => {
                self.line(seconds, "user", "(no words)")
            }
            EventKind::Transcript { text, is_final: true } | EventKind::Typed { text } => {
                self.line(seconds, "user", text)
            }
            EventKind::ResponseText { text } => self.line(seconds, "agent", text.trim()),
            EventKind::AgentSpeechStarted { .. } => self.line(seconds, "", "the agent speaks"),
            EventKind::AgentSpeechEnded { complete: true, .. } => {
                self.line(seconds, "", "listening")
            }
            EventKind::Held => self.line(seconds, "", "the agent pauses"),
            EventKind::Released => self.line(seconds, "", "the agent goes on"),
            EventKind::Interrupted { heard_ms, heard_text } => {
                let heard = heard_ms / 1e3;
                let text = format!("interrupted after {heard:.1} s, at: {}", tail(heard_text));
                self.line(seconds, "", &text)
            }
            EventKind::ToolCalled { name, arguments, .. } => {
                self.line(seconds, "tool", &format!("{name} {arguments}"))
            }
            EventKind::ToolPending { name, waits_for, .. } => {
                self.pending(seconds, name, waits_for)
            }
            EventKind::ToolResolved { name, ok, .. } => {
                let what = if *ok { "done" } else { "refused or failed" };
                self.line(seconds, "tool", &format!("{name}: {what}"))
            }
            EventKind::Woken { phrase: Some(phrase) } => self.line(seconds, "awake", phrase),
            EventKind::Woken { phrase: None } => self.line(seconds, "awake", ""),
            EventKind::Asleep => self.line(seconds, "asleep", ""),
            EventKind::Latency(latency) => self.latency(latency),
            EventKind::TurnFailed { stage, error } => {
                self.line(seconds, "failed", &format!("{stage:?}: {error}"))
            }
            EventKind::ValidationFailed { validator, action, message, .. } => {
                self.line(seconds, "rule", &format!("{validator}, {action}: {message}"))
            }
            EventKind::Warning { message } => self.line(seconds, "warning", message),
            EventKind::ConnectionLost { error, .. } => {
                self.line(seconds, "warning", &format!("{error}; connecting again"))
            }
            EventKind::ConnectionReady { .. } => self.line(seconds, "", "the model listens"),
            EventKind::SoundForgotten { sound_ms } => {
                let text = format!("{sound_ms:.0} ms of what was said are lost");
                self.line(seconds, "warning", &text)
            }
            EventKind::ModeChanged { reason, stt, llm, tts, .. } => {
                let text = format!("{reason}; {llm} goes on, with {stt} and {tts}");
                self.line(seconds, "warning", &text)
            }
            EventKind::DeviceChanged { device, name } => {
                self.line(seconds, "", &format!("the {device} is now {name}"))
            }
            EventKind::SessionEnded { turns, under_runs, lost_ms } => {
                let lost =
                    if *lost_ms > 0.0 { format!(", {lost_ms:.0} ms lost") } else { String::new() };
                let text = format!("over: {turns} turns, {under_runs} under-runs{lost}");
                self.line(seconds, "", &text)
            }
            _ => Ok(()),
        }
    }

    fn pending(&mut self, seconds: f64, name: &str, waits_for: &WaitsFor) -> std::io::Result<()> {
        self.line(seconds, "tool", &format!("{name} {waits_for}"))?;
        match waits_for {
            WaitsFor::Approval(_) => self.line(seconds, "", &self.advice.clone()),
            _ => Ok(()),
        }
    }

    fn line(&mut self, seconds: f64, who: &str, text: &str) -> std::io::Result<()> {
        let clear = if std::mem::take(&mut self.partial) { CLEAR } else { "" };
        writeln!(self.output, "{clear}{seconds:8.2} s  {who:>7}  {}", plain(text))?;
        self.output.flush()
    }

    /// Words that may still change: only where they can be written over.
    fn partial(&mut self, seconds: f64, text: &str) -> std::io::Result<()> {
        if !self.terminal {
            return Ok(());
        }
        self.partial = true;
        let text = plain(&tail(text));
        write!(self.output, "{CLEAR}{seconds:8.2} s  {:>7}  {text} …", "user")?;
        self.output.flush()
    }

    fn latency(&mut self, latency: &Latency) -> std::io::Result<()> {
        let from = match latency.speech_end {
            SpeechEnd::Label => "the last word",
            SpeechEnd::Estimate => "the last word (estimated)",
        };
        let total = latency.total_ms;
        let head = latency.rows().map(|(name, _)| format!("{name:>9}")).concat();
        let row = latency.rows().map(|(_, ms)| format!("{ms:9.1}")).concat();
        let indent = " ".repeat(21);
        writeln!(self.output, "{indent}{total:.0} ms from {from} to the first sound, of it (ms):")?;
        writeln!(self.output, "{indent}{head}\n{indent}{row}")?;
        self.output.flush()
    }
}

/// The last words of a text, as many as fit on a line.
fn tail(text: &str) -> String {
    let skip = text.chars().count().saturating_sub(WIDTH);
    let shown: String = text.chars().skip(skip).collect();
    if skip == 0 { shown } else { format!("…{shown}") }
}

/// Back to the start of the line, and clear it.
const CLEAR: &str = "\r\x1b[2K";

const WIDTH: usize = 60;

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::time::SessionTime;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_printed() {
        let evil = "a\x1b]0;title\x07b\x1b[2J\rc\u{9b}2Jd\ne".to_owned();
        let kinds = [
            EventKind::ResponseText { text: evil.clone() },
            EventKind::Transcript { text: evil.clone(), is_final: false },
            EventKind::Transcript { text: evil.clone(), is_final: true },
            EventKind::Typed { text: evil.clone() },
            EventKind::Interrupted { heard_ms: 1.0, heard_text: evil.clone() },
            EventKind::Warning { message: evil.clone() },
            EventKind::ToolPending { call: evil.clone(), name: evil, waits_for: WaitsFor::Tool },
        ];
        for kind in kinds {
            let written = Written::default();
            let output = Box::new(written.clone());
            let mut captions = Captions { terminal: true, ..Captions::new(output) };
            captions
                .show(&Event { at: SessionTime::ZERO, turn: None, response: None, kind })
                .unwrap();
            let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
            let text = text.strip_prefix(CLEAR).unwrap_or(&text).trim_end_matches('\n');
            assert!(text.contains("title") && !text.contains(char::is_control), "{text:?}");
        }
    }
}
