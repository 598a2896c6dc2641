use proptest::prelude::*;

use super::*;
use crate::types::ToolResult;

/// `u` and `a` say something, `c` is a call, `r` a result; a number behind it is its id. Made up
/// words are `silence`, `lost` and `text`.
fn script(of: &str) -> Vec<Message> {
    let message = |word: &str| {
        let (kind, id) = word.split_at(1);
        let (id, name) = (id.to_owned(), "t".to_owned());
        match kind {
            "u" => Message::user(word),
            "a" => Message::assistant(word),
            "s" => Message { role: Role::System, ..Message::user(word) },
            "c" => {
                let arguments = serde_json::json!({});
                let tool_calls = vec![ToolCall { id, name, arguments }];
                Message { tool_calls, ..Message::assistant("") }
            }
            _ => Message::tool(ToolResult { id, name, content: word.to_owned(), is_error: false }),
        }
    };
    of.split_whitespace().map(message).collect()
}

fn told(of: &str) -> String {
    let messages = script(of);
    let turns = turns(&messages).unwrap();
    let turn = |turn: &Turn<'_>| {
        let side = if turn.side == Side::User { "user" } else { "agent" };
        let pieces: Vec<_> = turn.pieces.iter().map(piece).collect();
        format!("{side}: {}", pieces.join(" "))
    };
    turns.iter().map(turn).collect::<Vec<_>>().join(", ")
}

fn piece(piece: &Piece<'_>) -> String {
    match piece {
        Piece::Said(text) if text.starts_with("[The user") => "silence".to_owned(),
        Piece::Said(text) if text.starts_with("[the result") => "text".to_owned(),
        Piece::Said(text) => text.to_string(),
        Piece::Shown { .. } => "shown".to_owned(),
        Piece::Called(call) => format!("c{}", call.id),
        Piece::Resulted { id, is_error: true, .. } => format!("lost{id}"),
        Piece::Resulted { id, .. } => format!("r{id}"),
    }
}

#[test]
fn the_two_take_turns_and_the_user_begins_and_ends() {
    for (script, expected) in [
        ("", "user: silence"),
        ("u1", "user: u1"),
        ("a1 u1 u2", "user: silence, agent: a1, user: u1 u2"),
        ("u1 a1 a2", "user: u1, agent: a1 a2, user: silence"),
        ("s1 u1 s2", "user: u1"),
    ] {
        assert_eq!(told(script), expected, "{script}");
    }
}

#[test]
fn each_call_has_its_result_behind_it() {
    for (script, expected) in [
        ("u1 c1 r1 u2", "user: u1, agent: c1, user: r1 u2"),
        ("u1 c1 c2 r2 r1", "user: u1, agent: c1 c2, user: r2 r1"),
        ("u1 c1 u2 r1", "user: u1, agent: c1, user: r1 u2"),
        ("u1 c1", "user: u1, agent: c1, user: lost1"),
        ("u1 c1 c2 u2 r2", "user: u1, agent: c1 c2, user: lost1 r2 u2"),
        ("r1 u1", "user: text u1"),
        ("u1 c1 r1 r1", "user: u1, agent: c1, user: r1 text"),
        ("u1 c1 r1 a1 r1", "user: u1, agent: c1, user: r1, agent: a1, user: text"),
    ] {
        assert_eq!(told(script), expected, "{script}");
    }
}

#[test]
fn what_was_heard_of_a_cut_answer_is_told_and_of_blanks_nothing() {
    let cut = Message { interrupted: true, ..Message::assistant("How may I") };
    let messages = [Message::user("hi"), cut, Message::assistant(" "), Message::user("\n")];
    let turns = turns(&messages).unwrap();
    let told: Vec<_> = turns.iter().flat_map(|turn| turn.pieces.iter().map(piece)).collect();
    assert_eq!(told, ["hi", "How may I—", "silence"]);
}

proptest! {
    #[test]
    fn whatever_was_said_it_is_told_by_the_rules(words in prop::collection::vec("[uac]|[cr][1-3]", 0..20)) {
        let messages = script(&words.join(" "));
        let turns = turns(&messages).unwrap();
        prop_assert_eq!(turns.len() % 2, 1);
        for (at, turn) in turns.iter().enumerate() {
            prop_assert_eq!(turn.side == Side::User, at % 2 == 0);
            prop_assert!(!turn.pieces.is_empty());
        }
        for two in turns.windows(2) {
            let called: BTreeSet<_> = calls(&two[0]).iter().map(|call| call.id.clone()).collect();
            let results = two[1].pieces.iter().filter_map(|piece| match piece {
                Piece::Resulted { id, .. } => Some((*id).to_owned()),
                _ => None,
            });
            let results: Vec<_> = results.collect();
            prop_assert_eq!(results.len(), results.iter().collect::<BTreeSet<_>>().len());
            if two[0].side == Side::Agent {
                prop_assert_eq!(results.into_iter().collect::<BTreeSet<_>>(), called);
            }
        }
    }
}
