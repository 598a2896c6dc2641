//! Calls whose results come later than their answers.

use crate::state::{Entry, Mode, Saved, TurnRecord};
use crate::time::UtcTime;
use crate::types::{Message, PendingCall, Role, ToolCall, ToolResult, WaitsFor};

/// All calls that have no result yet, in the order in which they were made.
pub(super) fn all(saved: &Saved) -> Vec<PendingCall> {
    saved.turns.iter().flat_map(|turn| &turn.pending).cloned().collect()
}

/// Those for which the last answer waits.
pub(super) fn of_last(saved: &Saved) -> &[PendingCall] {
    saved.turns.last().map_or(&[], |turn| &turn.pending)
}

/// Whether the last answer ended with calls, which all have their results now.
pub(super) fn has_all(saved: &Saved) -> bool {
    let last = saved.turns.last();
    last.is_some_and(|turn| ends_with_results(turn) && turn.pending.is_empty())
}

/// What is written down when a call waits for something else than before.
pub(super) fn waits_for(saved: &Saved, id: &str, waits_for: WaitsFor) -> Option<Entry> {
    let (turn, at) = find(saved, id)?;
    let mut record = saved.turns[turn].clone();
    record.pending[at].waits_for = waits_for;
    Some(Entry::Amended { turn: turn as u64, record })
}

/// What is written down when a call has its result, and whether there is something to say then.
///
/// The result takes its place if nothing came after it, or nobody wants to hear of it any more. If
/// something did, what was said meanwhile was said without it: then the result is a turn of its
/// own, with the call.
pub(super) fn resolved(
    saved: &Saved,
    result: &ToolResult,
    mode: Mode,
    is_wanted: bool,
) -> Option<(Vec<Entry>, bool)> {
    let (turn, at) = find(saved, &result.id)?;
    let mut record = saved.turns[turn].clone();
    let call = record.pending.remove(at).call;
    let is_last = turn + 1 == saved.turns.len() && ends_with_results(&record);
    let mut late = None;
    if is_last || !is_wanted {
        let placeholder = record.messages.iter_mut().rev().find_map(|message| {
            message.tool_result.as_mut().filter(|placeholder| placeholder.id == result.id)
        });
        if let Some(placeholder) = placeholder {
            placeholder.clone_from(result);
        }
    } else {
        late = Some(Entry::Turn(TurnRecord::new(UtcTime::now(), mode, again(&call, result))));
    }
    let goes_on = is_wanted && (late.is_some() || record.pending.is_empty());
    let mut entries = vec![Entry::Amended { turn: turn as u64, record }];
    entries.extend(late);
    Some((entries, goes_on))
}

/// Whether the model has called the tool of this call once more since: then the later call is the
/// one that counts.
pub(super) fn is_superseded(saved: &Saved, call: &ToolCall) -> bool {
    let messages = saved.turns.iter().flat_map(|turn| &turn.messages);
    let calls = messages.flat_map(|message| &message.tool_calls);
    calls.skip_while(|other| other.id != call.id).skip(1).any(|other| other.name == call.name)
}

/// The call once more, with its result. Two calls of one id would confuse a model.
fn again(call: &ToolCall, result: &ToolResult) -> Vec<Message> {
    let id = format!("{}_late", call.id);
    let result = ToolResult { id: id.clone(), ..result.clone() };
    let tool_calls = vec![ToolCall { id, ..call.clone() }];
    vec![Message { tool_calls, ..Message::assistant("") }, Message::tool(result)]
}

fn ends_with_results(turn: &TurnRecord) -> bool {
    turn.messages.last().is_some_and(|message| message.role == Role::Tool)
}

fn find(saved: &Saved, id: &str) -> Option<(usize, usize)> {
    saved.turns.iter().enumerate().rev().find_map(|(turn, record)| {
        let at = record.pending.iter().position(|pending| pending.call.id == id)?;
        Some((turn, at))
    })
}
