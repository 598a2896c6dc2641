//! Calls of tools that wait until the user allows or refuses them.

use ratatui::crossterm::event::KeyCode;

use super::state::{FIRST_REPEAT, REPEAT};
use super::wrap::wrap;
use crate::cli::pending;
use crate::time::SessionTime;
use crate::types::{PendingCall, WaitsFor};

/// Those that there are, the one that is asked about first.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: Vec<PendingCall>,
    /// Which key was last down when, and which one last decided.
    pressed: Option<(KeyCode, SessionTime)>,
    decided: Option<(KeyCode, SessionTime)>,
}

impl Asked {
    /// Of all calls that have no result, those are asked about for which a word is enough. Says
    /// whether they are others than before.
    pub(super) fn set(&mut self, mut waiting: Vec<PendingCall>) -> bool {
        waiting.retain(|pending| matches!(pending.waits_for, WaitsFor::Approval(_)));
        let changed = self.waiting != waiting;
        self.waiting = waiting;
        changed
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The call that a key decides. A key that is held down decides about one call only.
    pub(super) fn decide(&mut self, key: KeyCode, at: SessionTime) -> Option<String> {
        let within = |last: Option<(KeyCode, SessionTime)>, limit| {
            last.is_some_and(|(other, then)| other == key && at.since(then) < limit)
        };
        let repeats = within(self.pressed.replace((key, at)), REPEAT);
        if repeats || within(self.decided, FIRST_REPEAT) || self.waiting.is_empty() {
            return None;
        }
        self.decided = Some((key, at));
        Some(self.waiting.remove(0).call.id)
    }

    /// The first of them in rows of this width: what is to be done with which arguments, and why
    /// somebody must look at it. What does not fit into so many rows is missing, which the last
    /// one says.
    pub(super) fn rows(&self, width: usize, most: usize) -> Vec<String> {
        let Some(first) = self.waiting.first() else { return Vec::new() };
        let more = match self.waiting.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let mut rows = wrap(&format!("? {}{more}", pending::line(first)), width);
        if rows.len() > most {
            rows.truncate(most.saturating_sub(1));
            rows.extend((most > 0).then(|| "… too long to be shown".to_owned()));
        }
        rows
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::{Approval, ToolCall};

    const ALLOW: KeyCode = KeyCode::Char('a');

    /// A call that waits for the user.
    pub(in crate::cli::screen) fn refund(id: &str, amount: u32) -> PendingCall {
        let (id, name) = (id.to_owned(), "refund".to_owned());
        let call = ToolCall { id, name, arguments: json!({ "amount": amount }) };
        let reason = "more than 100 EUR".to_owned();
        PendingCall {
            call,
            waits_for: WaitsFor::Approval(Approval { reason, ..Approval::default() }),
        }
    }

    #[test]
    fn calls_that_need_more_than_a_word_are_not_asked_about() {
        let mut asked = Asked::default();
        let waits_for = |waits_for| PendingCall { waits_for, ..refund("1", 250) };
        assert!(!asked.set(vec![waits_for(WaitsFor::Tool), waits_for(WaitsFor::Result)]));
        assert!(asked.is_empty() && asked.decide(ALLOW, SessionTime::ZERO).is_none());
        assert!(asked.set(vec![refund("2", 250)]));
        assert!(!asked.set(vec![refund("2", 250)]), "nothing new");
    }

    #[test]
    fn a_key_that_is_held_down_decides_about_one_call() {
        let mut asked = Asked::default();
        let at = SessionTime::from_millis;
        asked.set(vec![refund("1", 250), refund("2", 300)]);
        assert_eq!(asked.decide(ALLOW, at(1000)).as_deref(), Some("1"));
        for ms in (1500..4000).step_by(33) {
            assert_eq!(asked.decide(ALLOW, at(ms)), None, "{ms} ms");
        }
        assert_eq!(asked.decide(ALLOW, at(4500)).as_deref(), Some("2"));
        asked.set(vec![refund("3", 400)]);
        let other = asked.decide(KeyCode::Char('r'), at(4600));
        assert_eq!(other.as_deref(), Some("3"), "another key is meant");
    }

    #[test]
    fn the_first_call_is_shown_with_all_that_fits() {
        let mut asked = Asked::default();
        assert!(asked.rows(80, 4).is_empty());
        asked.set(vec![refund("1", 250), refund("2", 300)]);
        let whole = r#"? refund {"amount":250} waits for approval: more than 100 EUR (and 1 more)"#;
        assert_eq!(asked.rows(80, 4), [whole]);
        assert_eq!(
            asked.rows(40, 2),
            [r#"? refund {"amount":250} waits for"#, "approval: more than 100 EUR (and 1 more)"]
        );
        assert_eq!(asked.rows(40, 1), ["… too long to be shown"]);
    }
}
