//! What holds of every text, every rule and every way to cut it into pieces.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;

use crate::text::English;
use crate::time::{SessionClock, SessionTime};
use crate::validators::{Guardrail, Guards, Judge, OnViolation, Portion, Ruling, Said};

/// Texts of which many break a rule.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("bad "),
        Just("Bad"),
        Just("word"),
        Just(" "),
        Just("\n"),
        Just(". "),
        Just("! "),
        Just("b\u{ad}ad"),
        Just("a"),
        Just("ba"),
        Just("é"),
        Just("你好。"),
        Just(", "),
        Just("two  words"),
        Just("badge"),
    ];
    proptest::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

fn rules() -> impl Strategy<Value = Vec<Guardrail>> {
    let rule = |kind: &str, params: serde_json::Value| {
        Guardrail::by_kind(kind, params.as_object().unwrap()).unwrap()
    };
    let all = vec![
        rule("banned_words", json!({ "words": ["bad", "two words"], "message": "No." })),
        rule("banned_words", json!({ "words": ["bad", "bad word"], "match_mode": "word" })),
        rule("max_length", json!({ "max": 40 })),
        rule("max_length", json!({ "max_tokens": 12 })),
        rule("sentence_count", json!({ "max": 2 })),
        rule("regex", json!({ "pattern": "a" })),
    ];
    let actions = prop_oneof![
        4 => Just(None),
        1 => Just(Some(OnViolation::Warn)),
        1 => Just(Some(OnViolation::Fail)),
        1 => Just(Some(OnViolation::Truncate)),
    ];
    let one = (proptest::sample::select(all), actions)
        .prop_map(|(rule, on)| on.into_iter().fold(rule, Guardrail::on));
    proptest::collection::vec(one, 0..4)
}

/// All that is said of the text in these pieces, and what was told of it.
fn judged(rules: &[Guardrail], pace: &Portion, pieces: &[&str]) -> (String, bool, Vec<bool>) {
    let guards = Guards { rules: rules.to_vec(), ..Guards::new() };
    let mut judge = Judge::new(&guards, pace);
    let (mut said, mut failed) = (String::new(), false);
    let mut take = |ruling| match ruling {
        Ruling::Say(text) | Ruling::Stop(text) => said.push_str(&text),
        Ruling::Fail(text, _) => {
            said.push_str(&text);
            failed = true;
        }
    };
    pieces.iter().for_each(|piece| take(judge.text(piece)));
    take(judge.end());
    let told = judge.validations().iter().map(|one| one.passed).collect();
    (said, failed, told)
}

/// A text in pieces that end at these places, as far as characters do.
fn cut<'a>(text: &'a str, places: &[prop::sample::Index]) -> Vec<&'a str> {
    let mut ends: Vec<_> =
        places.iter().map(|place| text.floor_char_boundary(place.index(text.len() + 1))).collect();
    ends.extend([0, text.len()]);
    ends.sort_unstable();
    ends.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect()
}

fn paces() -> [Portion; 2] {
    [Portion::Words, Portion::Clauses(Arc::new(English))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn how_a_text_is_cut_into_pieces_makes_no_difference(
        text in text(),
        rules in rules(),
        places in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        for pace in paces() {
            let whole = judged(&rules, &pace, &[&text]);
            prop_assert_eq!(&judged(&rules, &pace, &cut(&text, &places)), &whole);
            let letters: Vec<_> = text.split("").collect();
            prop_assert_eq!(&judged(&rules, &pace, &letters), &whole);
        }
    }

    #[test]
    fn a_watch_comes_to_the_same_as_a_check_and_never_takes_back(
        text in text(),
        rules in rules(),
        places in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        for rule in &rules {
            let Some(mut watch) = rule.validator.watch() else { continue };
            let checked = rule.validator.check(&Said::text(&text)).err();
            let pieces = cut(&text, &places);
            let (mut end, mut safe, mut violation) = (0, 0, None);
            for (number, piece) in pieces.iter().enumerate() {
                end += piece.len();
                match watch.push(&text[..end], number + 1 == pieces.len()) {
                    crate::validators::Watched::Safe { until } => {
                        prop_assert!(until >= safe && text.is_char_boundary(until));
                        safe = until;
                    }
                    crate::validators::Watched::Violated(found) => {
                        prop_assert!(found.at >= safe, "{} was safe", safe);
                        violation = Some(found);
                        break;
                    }
                }
            }
            prop_assert_eq!(violation, checked);
        }
    }

    #[test]
    fn nothing_banned_is_let_through(
        text in text(),
        mut rules in rules(),
        places in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
    ) {
        let banned = json!({ "words": ["bad", "two words"], "message": "No." });
        let banned = Guardrail::by_kind("banned_words", banned.as_object().unwrap()).unwrap();
        rules.push(banned.clone());
        for pace in paces() {
            let (said, _, _) = judged(&rules, &pace, &cut(&text, &places));
            prop_assert!(banned.validator.check(&Said::text(&said)).is_ok(), "{}", said);
        }
    }

    #[test]
    fn what_breaks_no_rule_is_said_as_it_is(text in text(), rules in rules()) {
        let breaks = |rule: &Guardrail| rule.validator.check(&Said::text(&text)).is_err();
        prop_assume!(!rules.iter().any(breaks));
        for pace in paces() {
            prop_assert_eq!(&judged(&rules, &pace, &[&text]).0, &text);
        }
    }
}

/// An answer as long as any, in pieces of four bytes: a cost by the square would be minutes.
#[test]
fn the_cost_grows_with_the_text_and_no_faster() {
    let guards = Guards {
        rules: ["bad word", "secret plan", "worst"]
            .map(|words| json!({ "words": [words, "something else"] }))
            .iter()
            .map(|params| ("banned_words", params.clone()))
            .chain([
                ("max_length", json!({ "max": 1 << 20 })),
                ("max_length", json!({ "max_tokens": 1 << 20 })),
                ("sentence_count", json!({ "max": 1 << 20 })),
            ])
            .map(|(kind, params)| Guardrail::by_kind(kind, params.as_object().unwrap()).unwrap())
            .collect(),
        ..Guards::new()
    };
    let clock = SessionClock::live();
    let cost = |text: &str| {
        let mut judge = Judge::new(&guards, &Portion::Clauses(Arc::new(English)));
        let began = computed(&clock);
        let mut said = 0;
        let mut count = |ruling| match ruling {
            Ruling::Say(text) => said += text.len(),
            other => panic!("{other:?}"),
        };
        for piece in text.as_bytes().chunks(4) {
            count(judge.text(std::str::from_utf8(piece).unwrap()));
        }
        count(judge.end());
        assert_eq!(said, text.len());
        computed(&clock).saturating_sub(began)
    };
    let prose = "It is a bad day for a secret, and the word of it spreads. Well, so be it! ";
    for unit in [prose, "word ", "x", " ", "a, ", "bad "] {
        let text: String = unit.chars().cycle().take(64 << 10).collect();
        // The best of some: others use this machine as well.
        let best = |text: &str| (0..3).map(|_| cost(text)).min().unwrap();
        let (part, whole) = (best(&text[..16 << 10]), best(&text));
        println!("64 KiB of {unit:?} by six rules: {whole:?}");
        // Four times the text takes sixteen times as long if the cost is by its square.
        assert!(whole < part * 10 + Duration::from_millis(50), "{part:?} {whole:?}");
    }
}

/// How long this thread has computed, whoever else uses the machine; where the system does not tell,
/// what time it is.
fn computed(clock: &SessionClock) -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let told = told.and_then(|told| told.split(' ').next()?.parse().ok());
    told.map_or_else(|| clock.now().since(SessionTime::ZERO), Duration::from_nanos)
}
