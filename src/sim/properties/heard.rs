//! The history is what was said, and of the agent's answers what was heard.

use std::time::Duration;

use super::{Findings, Property};
use crate::bench::services::CHARACTER;
use crate::events::{Event, EventKind, StageName};
use crate::ids::TurnId;
use crate::sim::mode::Mode;
use crate::sim::trace::{Ending, Response, Trace};
use crate::time::SessionTime;
use crate::types::{Message, Role};

pub(super) fn check(trace: &Trace, findings: &mut Findings) {
    let Ending::Ended(messages) = &trace.ending else { return };
    said(trace, messages, findings);
    answered(trace, messages, findings);
    bounded(trace, messages, findings);
}

/// What the user said is there, in its order.
fn said(trace: &Trace, messages: &[Message], findings: &mut Findings) {
    match trace.mode {
        Mode::Vad => said_before(trace, messages, findings),
        Mode::Asm(_) => said_beside(trace, messages, findings),
    }
}

/// A model that speaks for itself is answered before the words are known, so that typed lines and
/// words stand each in their own order; of what nobody could write down stands that it was said.
fn said_beside(trace: &Trace, messages: &[Message], findings: &mut Findings) {
    let (mut said, mut beside): (Vec<(Option<TurnId>, &str)>, Vec<&str>) = Default::default();
    let began = |turn: Option<TurnId>| {
        let began = |event: &Event| matches!(event.kind, EventKind::TurnStarted { .. });
        trace.events.iter().any(|event| event.turn == turn && began(event))
    };
    for event in &trace.events {
        match &event.kind {
            EventKind::Transcript { text, is_final: true } if text.trim().is_empty() => {}
            EventKind::Transcript { text, is_final: true } if began(event.turn) => {
                said.push((event.turn, text));
            }
            // What was heard where no turn was found, or typed.
            EventKind::Transcript { text, is_final: true } | EventKind::Typed { text } => {
                beside.push(text);
            }
            _ => {}
        }
    }
    said.sort_by_key(|(turn, _)| *turn);
    let said: Vec<_> = said.into_iter().map(|(_, text)| text).collect();
    let user = messages.iter().filter(|message| message.role == Role::User);
    let kept = user.map(|message| message.text.as_str()).filter(|text| *text != UNKNOWN);
    let kept: Vec<_> = kept.collect();
    // What came when the call was to end is not answered any more.
    let right = match trace.wished_end() {
        Some(_) => kept.iter().all(|text| said.contains(text) || beside.contains(text)),
        None => {
            kept.len() == said.len() + beside.len()
                && is_within(&said, &kept)
                && is_within(&beside, &kept)
        }
    };
    findings.expect(right, Property::History, None, || {
        format!("the user said {said:?}, and beside {beside:?}; the history has {kept:?}")
    });
}

/// Whether all of these are there, in their order.
fn is_within(these: &[&str], all: &[&str]) -> bool {
    let mut all = all.iter();
    these.iter().all(|one| all.any(|other| other == one))
}

/// Where answers wait for words, all stands in the order of events.
fn said_before(trace: &Trace, messages: &[Message], findings: &mut Findings) {
    let said: Vec<&str> = trace
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Transcript { text, is_final: true } => Some(text.as_str()),
            EventKind::Typed { text } => Some(text.as_str()),
            _ => None,
        })
        .filter(|text| !text.is_empty())
        .collect();
    let user = messages.iter().filter(|message| message.role == Role::User);
    let kept: Vec<&str> = user.map(|message| message.text.as_str()).collect();
    // What came when the call was to end is not answered any more.
    let whole = trace.wished_end().is_some() || kept.len() == said.len();
    findings.expect(whole && said.starts_with(&kept), Property::History, None, || {
        format!("the user said {said:?}, and the history has {kept:?}")
    });
}

/// Each answer is there as far as it was heard.
fn answered(trace: &Trace, messages: &[Message], findings: &mut Findings) {
    let mut kept = messages
        .iter()
        .filter(|message| message.role == Role::Assistant && !message.text.is_empty())
        .peekable();
    // What is in the air up to then is of the answers before.
    let mut others_until = SessionTime::ZERO;
    for response in trace.responses() {
        let whole = response.text();
        let outcome = response.outcome.map_or("", |(_, outcome)| outcome);
        let expected = match (outcome, &response.heard_text) {
            ("completed", _) => Some(whole.as_str()),
            ("interrupted", Some(heard)) => Some(heard.as_str()),
            // How much of it was heard, only the history says.
            ("failed", _) if response.sounded.is_some() => {
                kept.peek().map(|next| next.text.as_str()).filter(|text| whole.starts_with(text))
            }
            // It was cut with its first block, before that block was known to be heard.
            ("discarded", _) if was_audible(trace, &response, others_until) => {
                let next = kept.peek().map(|next| next.text.as_str());
                next.filter(|text| whole.starts_with(text) && words(text) <= TOLERANCE)
            }
            _ => None,
        };
        others_until = response.silent.map_or(others_until, |silent| silent + BLOCK);
        let Some(expected) = expected.filter(|text| !text.is_empty()) else { continue };
        let message = kept.next();
        let found = message.map(|message| message.text.as_str());
        findings.expect(found == Some(expected), Property::History, response.started, || {
            format!("of response {} the history has {found:?}, not {expected:?}", response.id)
        });
        findings.expect(whole.starts_with(expected), Property::History, response.started, || {
            format!("{expected:?} is no beginning of {whole:?}")
        });
        by_ear(trace, &response, expected, findings);
    }
    let more = kept.next().map(|message| &message.text);
    findings.expect(more.is_none(), Property::History, None, || {
        format!("the history has {more:?}, which no response said")
    });
}

/// Whether anything of it was heard while it was open. Two answers may begin with the same words:
/// what the history has of the one that was heard is not of the other.
fn was_audible(trace: &Trace, response: &Response, others_until: SessionTime) -> bool {
    let Some((ended, _)) = response.outcome else { return false };
    let began = response.started.max(others_until);
    !trace.audible_between(began, ended + BLOCK).is_zero()
}

/// The words that the history has are those that sounded, to within two.
fn by_ear(trace: &Trace, response: &Response, kept: &str, findings: &mut Findings) {
    let (Some(from), Some(to)) = (response.sounded, response.silent) else { return };
    if trace.speaker_gone.is_some_and(|gone| gone.at < to && gone.back.is_none_or(|at| at > from)) {
        return;
    }
    let loud = trace.audible_between(from, to + BLOCK);
    let heard = match trace.mode {
        Mode::Vad => words_in(&response.clauses, loud),
        // It comes in pieces that are no clauses.
        Mode::Asm(_) => words_in(&[response.clauses.concat()], loud),
    };
    let kept = words(kept);
    // After a release, what was ducked is heard again.
    let (least, mut most) = (TOLERANCE, TOLERANCE + AGAIN * response.releases);
    if trace.mode.is_asm() {
        // How much of its text a voice has said that comes without word times is a guess, until all
        // of it is there: that it says 15 characters a second. The services' says more.
        most += heard.div_ceil(GUESS);
    }
    let right = kept <= heard + least && heard <= kept + most;
    findings.expect(right, Property::History, to, || {
        format!("of response {} {heard} words were heard, and the history has {kept}", response.id)
    });
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// How many words of an answer have begun to sound after so long.
fn words_in(clauses: &[String], loud: Duration) -> usize {
    let mut left = (loud.as_secs_f64() / CHARACTER.as_secs_f64()).round() as usize;
    let mut words = 0;
    for clause in clauses {
        let mut in_word = false;
        for character in clause.trim().chars() {
            if left == 0 {
                return words;
            }
            left -= 1;
            let is_word = !character.is_whitespace();
            words += usize::from(is_word && !in_word);
            in_word = is_word;
        }
    }
    words
}

/// The history grows with what is said, and with nothing else.
fn bounded(trace: &Trace, messages: &[Message], findings: &mut Findings) {
    let count =
        |of: fn(&EventKind) -> bool| trace.events.iter().filter(|event| of(&event.kind)).count();
    let said = count(|kind| {
        matches!(kind, EventKind::Transcript { is_final: true, .. } | EventKind::Typed { .. })
    });
    // A model that speaks for itself has heard what nobody could write down.
    let unwritten =
        count(|kind| matches!(kind, EventKind::TurnFailed { stage: StageName::Stt, .. }));
    let said = said + if trace.mode.is_asm() { unwritten } else { 0 };
    let answers = count(|kind| matches!(kind, EventKind::ResponseStarted));
    let tools = count(|kind| matches!(kind, EventKind::ToolCalled { .. }));
    let most = said + answers + 2 * tools;
    findings.expect(messages.len() <= most, Property::Bounded, None, || {
        format!("the history has {} messages of {most} that were said", messages.len())
    });
}

/// What the history has of what was said, and nobody could write down.
const UNKNOWN: &str = "[speech without a transcript]";
/// Of so many words the guess may miss one.
const GUESS: usize = 8;
/// In words.
const TOLERANCE: usize = 2;
/// Words within what is heard again after a release: at most two seconds.
const AGAIN: usize = 7;
/// As in the speaker: what it has already when a response is cut.
const BLOCK: Duration = Duration::from_millis(20);
