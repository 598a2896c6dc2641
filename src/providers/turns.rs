//! A conversation as turns: for protocols in which the user begins and ends, the two take turns, and
//! each call stands beside its result. They refuse all of it otherwise, also for what was cut off of
//! it long ago.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{ProviderRequest, shown, told};
use crate::types::{Media, Message, Role, ToolCall};

/// What one side says before the other does.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) side: Side,
    pub(super) pieces: Vec<Piece<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Results of tools come from here as well.
    User,
    Agent,
}

#[derive(Debug)]
pub(super) enum Piece<'a> {
    /// Never blank.
    Said(Cow<'a, str>),
    Shown {
        media: &'a Media,
        /// It stands before what is to be answered.
        earlier: bool,
    },
    Called(&'a ToolCall),
    Resulted {
        id: &'a str,
        name: &'a str,
        content: Cow<'a, str>,
        is_error: bool,
    },
}

/// The instructions, and what the conversation has of them; none is blank.
pub(super) fn instructions(asked: &ProviderRequest) -> impl Iterator<Item = &str> {
    let within = asked.messages.iter().filter(|message| message.role == Role::System);
    let all = std::iter::once(&asked.system).chain(within.map(|message| &message.text));
    all.map(String::as_str).filter(|text| !text.trim().is_empty())
}

/// The conversation. What is missing is made up: silence where somebody must speak, a result that
/// is not known. A result without its call is a text.
///
/// # Errors
///
/// When somebody else than the user shows media.
pub(super) fn turns(messages: &[Message]) -> Result<Vec<Turn<'_>>, String> {
    let answered = shown::answered(messages);
    let mut turns: Vec<Turn<'_>> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        shown::check(message)?;
        let side = match message.role {
            Role::System => continue,
            Role::User | Role::Tool => Side::User,
            Role::Assistant => Side::Agent,
        };
        let mut pieces = pieces(message, at < answered);
        pieces.retain(|piece| !matches!(piece, Piece::Said(text) if text.trim().is_empty()));
        match turns.last_mut() {
            _ if pieces.is_empty() => {}
            Some(last) if last.side == side => last.pieces.append(&mut pieces),
            _ => turns.push(Turn { side, pieces }),
        }
    }
    pair(&mut turns);
    let silence = || Turn { side: Side::User, pieces: vec![Piece::Said(SILENCE.into())] };
    if turns.first().is_none_or(|first| first.side == Side::Agent) {
        turns.insert(0, silence());
    }
    if turns.last().is_some_and(|last| last.side == Side::Agent) {
        turns.push(silence());
    }
    Ok(turns)
}

fn pieces(message: &Message, earlier: bool) -> Vec<Piece<'_>> {
    match message.role {
        Role::Tool => {
            let result = message.tool_result.iter().map(|result| Piece::Resulted {
                id: &result.id,
                name: &result.name,
                content: Cow::Borrowed(&result.content),
                is_error: result.is_error,
            });
            result.collect()
        }
        Role::Assistant => {
            let said = told::said(message).map(Piece::Said);
            said.into_iter().chain(message.tool_calls.iter().map(Piece::Called)).collect()
        }
        Role::User | Role::System => {
            let shown = message.media.iter().map(|media| Piece::Shown { media, earlier });
            std::iter::once(Piece::Said(Cow::Borrowed(&message.text))).chain(shown).collect()
        }
    }
}

fn pair(turns: &mut Vec<Turn<'_>>) {
    let mut called = Vec::new();
    let mut at = 0;
    while at < turns.len() {
        if turns[at].side == Side::Agent {
            called = calls(&turns[at]);
            if !called.is_empty() && at + 1 == turns.len() {
                turns.push(Turn { side: Side::User, pieces: Vec::new() });
            }
        } else {
            answer(&mut turns[at].pieces, std::mem::take(&mut called));
        }
        at += 1;
    }
}

fn calls<'a>(turn: &Turn<'a>) -> Vec<&'a ToolCall> {
    let call = |piece: &Piece<'a>| match piece {
        Piece::Called(call) => Some(*call),
        _ => None,
    };
    turn.pieces.iter().filter_map(call).collect()
}

/// Behind these calls: a result of each, first.
fn answer<'a>(pieces: &mut Vec<Piece<'a>>, called: Vec<&'a ToolCall>) {
    let mut missing: BTreeSet<&str> = called.iter().map(|call| &*call.id).collect();
    for piece in pieces.iter_mut() {
        if let Piece::Resulted { id, content, .. } = piece
            && !missing.remove(id)
        {
            *piece = Piece::Said(format!("[the result of a tool: {content}]").into());
        }
    }
    pieces.sort_by_key(|piece| !matches!(piece, Piece::Resulted { .. }));
    let lost = called.into_iter().filter(|call| missing.remove(&*call.id));
    let lost = lost.map(|call| Piece::Resulted {
        id: &call.id,
        name: &call.name,
        content: Cow::Borrowed("no result is known"),
        is_error: true,
    });
    pieces.splice(0..0, lost);
}

/// The user has to begin, and to end.
const SILENCE: &str = "[The user says nothing.]";

#[cfg(test)]
mod tests;
