//! Shows how the calls go: a line that changes on a terminal, else a line for each turn. All of
//! it goes to the standard error.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use crate::events::{Event, EventKind};
use crate::time::{SessionClock, SessionTime};

/// How far a call is.
pub(super) struct Progress {
    name: String,
    number: (usize, usize),
    turns: usize,
    answered: usize,
    clock: SessionClock,
    is_terminal: bool,
}

impl Progress {
    /// Of `turns` turns of the `number`th of so many calls, or of calls side by side.
    pub(super) fn new(name: &str, turns: usize, number: (usize, usize)) -> Self {
        let is_terminal = stderr().is_terminal();
        let (name, clock) = (name.to_owned(), SessionClock::live());
        let progress = Self { name, number, turns, answered: 0, clock, is_terminal };
        progress.tell(&progress.line());
        progress
    }

    /// Something happened in the call.
    pub(super) fn see(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Latency(latency) => {
                self.answered += 1;
                let line = format!("{}, {:.0} ms to the answer", self.line(), latency.total_ms);
                self.tell(&line);
            }
            EventKind::TurnFailed { error, .. } | EventKind::Warning { message: error } => {
                self.tell(&format!("{}: {error}", self.name));
                if self.is_terminal {
                    let _unseen = writeln!(stderr());
                }
            }
            _ => {}
        }
    }

    /// A turn of calls side by side was answered.
    pub(super) fn count(&mut self) {
        self.answered += 1;
    }

    /// A second has passed.
    pub(super) fn tick(&mut self) {
        if self.is_terminal {
            self.tell(&self.line());
        }
    }

    /// The call is over.
    pub(super) fn done(&mut self) {
        if self.is_terminal {
            let _unseen = write!(stderr(), "{CLEAR}");
        }
    }

    /// As in `question (1 of 7), 0:12, 1 of 3 turns answered`.
    fn line(&self) -> String {
        let Self { name, number: (number, of), answered, turns, .. } = self;
        let passed = passed(self.clock.now().since(SessionTime::ZERO));
        format!("{name} ({number} of {of}), {passed}, {answered} of {turns} turns answered")
    }

    fn tell(&self, line: &str) {
        // Nobody may be looking.
        let _unseen = if self.is_terminal {
            write!(stderr(), "{CLEAR}{line}")
        } else {
            writeln!(stderr(), "{line}")
        };
    }
}

/// As in `1:05`.
fn passed(duration: Duration) -> String {
    let seconds = duration.as_secs();
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// To the line's start, and all of it is forgotten.
pub(super) const CLEAR: &str = "\r\x1b[K";
