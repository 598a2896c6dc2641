//! Calls that wait for somebody, in words for a terminal.

use super::harmless::{harmless, harmless_json};
use crate::session::Conversation;
use crate::types::{PendingCall, WaitsFor};

/// A call on a line: its tool, its arguments and what it waits for.
pub(super) fn line(pending: &PendingCall) -> String {
    format!("{} {}", call(pending), one_line(&pending.waits_for.to_string()))
}

/// The same for each of them, on two numbered lines.
pub(super) fn list(waiting: &[PendingCall]) -> String {
    let mut text = String::new();
    for (number, pending) in (1..).zip(waiting) {
        let why = one_line(&pending.waits_for.to_string());
        text += &format!("{number:>3}  {}\n     {why}\n", call(pending));
    }
    text
}

/// The tool and its arguments, whole: whoever allows a call must know of what.
pub(super) fn call(pending: &PendingCall) -> String {
    let name = one_line(&pending.call.name);
    format!("{name} {}", harmless_json(&pending.call.arguments.to_string()))
}

/// What is still open when a program ends, and what can be done about it; nothing if all is done.
pub(super) fn left_open(conversation: &Conversation) -> Option<String> {
    let waiting = conversation.pending_tools();
    let waiting: Vec<_> = waiting.iter().filter(|it| it.waits_for != WaitsFor::Tool).collect();
    let lines: String = waiting.iter().map(|pending| format!("\n  {}", line(pending))).collect();
    let what = if waiting.len() == 1 { "a call still waits" } else { "calls still wait" };
    (!waiting.is_empty()).then(|| format!("{what}:{lines}"))
}

/// The tools that a prompt names and the program does not have; nothing if it has them all.
pub(super) fn lacking(conversation: &Conversation) -> Option<String> {
    let names = conversation.missing_tools().join(", ");
    (!names.is_empty()).then(|| format!("the prompt names tools that are not here: {names}"))
}

fn one_line(text: &str) -> String {
    harmless(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::{Approval, ToolCall};

    #[test]
    fn a_call_is_shown_whole_and_commands_no_terminal() {
        let (id, name) = ("c1".to_owned(), "refund\u{1b}[2J".to_owned());
        let call = ToolCall { id, name, arguments: json!({ "to": "a\u{9b}2J\nb" }) };
        let reason = "more than\r\n\u{1b}]0;x\u{7} 100 EUR".to_owned();
        let waits_for = WaitsFor::Approval(Approval { reason, ..Approval::default() });
        let pending = PendingCall { call, waits_for };
        let shown = line(&pending);
        assert!(!shown.contains(char::is_control), "{shown:?}");
        let expected =
            r#"refund[2J {"to":"a\u009b2J\nb"} waits for approval: more than ]0;x 100 EUR"#;
        assert_eq!(shown, expected);
        let listed = list(&[pending.clone(), pending]);
        assert_eq!(listed.lines().count(), 4);
        assert!(listed.lines().nth(2).unwrap().starts_with("  2  refund[2J {"), "{listed}");
    }
}
