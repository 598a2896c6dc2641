//! What goes wrong in the middle of an answer.

use serde_json::json;

use crate::world::{TWO_TURNS, either, two_turns};

/// What becomes of an answer in the middle of which something goes wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Left {
    /// All of it is heard.
    All,
    /// What had come is heard, the rest is lost.
    Some,
    /// What came twice is heard twice: nothing tells it apart.
    Twice,
}

/// What goes wrong in the middle of the first answer, and what is left of that by OpenAI's protocol
/// and by Gemini's.
const FAULTS: [(&str, [Left; 2]); 17] = [
    ("close:1000", [Left::Some; 2]),
    ("close:1001", [Left::Some; 2]),
    ("close:1006", [Left::Some; 2]),
    ("close:1007", [Left::Some; 2]),
    ("close:1008", [Left::Some; 2]),
    ("close:1011", [Left::Some; 2]),
    ("silent", [Left::Some; 2]),
    ("refuse:3000", [Left::Some; 2]),
    ("expire", [Left::Some; 2]),
    ("stall:2000", [Left::All; 2]),
    // Messages of Gemini's have neither numbers nor names.
    ("duplicate", [Left::All, Left::Twice]),
    ("reorder", [Left::All; 2]),
    ("malformed", [Left::All; 2]),
    ("unknown", [Left::All; 2]),
    // Gemini has no events for errors: it closes, and says why.
    ("error:server_error", [Left::All, Left::Some]),
    ("fail:server_error", [Left::Some; 2]),
    ("incomplete:content_filter", [Left::Some; 2]),
];

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_in_an_answer_the_next_one_comes_and_nobody_waits_in_silence() {
    let numbered = FAULTS.iter().enumerate();
    let each = numbered.flat_map(|fault| [false, true].map(|by_gemini| (fault, by_gemini)));
    for ((number, (fault, left)), by_gemini) in each {
        let there = (number % 2 == 1) != by_gemini;
        let mut world = either(two_turns(), by_gemini, there);
        // The longest that an answer lasts; and a connection that is half open is noticed in 10 s.
        let answer = if *fault == "silent" { 13.0 } else { 9.5 };
        world.says = vec![(2, answer), (4, 4.0)];
        world.script["answers"][0] = LONG.into();
        let after_ms = if *fault == "duplicate" { 0 } else { 100 };
        world.script["duplex"] = json!({"faults": [{
            "call": 1, "at": "first_audio", "nth": 1, "after_ms": after_ms, "fault": fault,
        }]});
        let told = world.call().await;
        let case = format!("{fault}, gemini: {by_gemini}, there: {there}: {:#?}", told.said());
        assert_eq!(told.said().last().unwrap(), TWO_TURNS[3], "{case}");
        assert_eq!(told.said()[0], TWO_TURNS[0], "{case}");
        let first = told.said()[1].clone();
        assert!(first.starts_with("assistant: This"), "{case}");
        // No delta says where it belongs: those that change places are heard so. None is lost.
        let (all, heard) = (letters(&format!("assistant: {LONG}")), letters(&first));
        match left[usize::from(by_gemini)] {
            Left::All => assert_eq!(heard, all, "{case}"),
            Left::Some => assert!(heard.len() < all.len(), "{case}"),
            Left::Twice => assert!(heard.len() > all.len(), "{case}"),
        }
        told.is_never_silent_without_a_word();
    }
}

fn letters(text: &str) -> Vec<char> {
    let mut letters: Vec<_> = text.chars().filter(|letter| letter.is_alphabetic()).collect();
    letters.sort_unstable();
    letters
}

const LONG: &str = "This is a long story. It has some sentences. Nobody has ever heard its end.";
