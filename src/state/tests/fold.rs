use proptest::prelude::*;

use super::*;
use crate::context::Summary;

#[test]
fn entries_come_to_what_is_known() {
    let saved = Saved::of(all_kinds());
    assert_eq!(saved.revision, Revision::new(8));
    assert_eq!(saved.opened.as_ref().unwrap().pack.as_deref(), Some("house.json"));
    let said: Vec<_> = saved.messages().map(|message| message.text.as_str()).collect();
    // Nothing from before the clear, and the first turn as amended.
    assert_eq!(said[..3], ["good", "You said: good", "What time is it?"]);
    assert_eq!((saved.turns.len(), &saved.summary), (2, &None));
    assert_eq!(saved.variables["user"], "Ann");
}

#[test]
fn a_variable_that_is_null_is_gone_and_a_clear_keeps_the_others() {
    let clear = Entry::Cleared { at: at(5) };
    let entries =
        [variables(json!({ "a": 1, "b": 2 })), clear, variables(json!({ "a": null, "c": 3 }))];
    let saved = Saved::of(entries);
    assert_eq!(saved.variables, BTreeMap::from([("b".into(), json!(2)), ("c".into(), json!(3))]));
}

#[test]
fn what_amends_a_turn_that_was_forgotten_changes_nothing() {
    let amended = Entry::Amended { turn: 0, record: record("late") };
    let saved = Saved::of([turn("early"), Entry::Cleared { at: at(5) }, amended]);
    assert_eq!((saved.turns.len(), saved.revision.get()), (0, 3));
}

#[test]
fn a_later_summary_takes_the_place_of_an_earlier_one() {
    let summary = |text: &str| Summary { messages: 2, text: text.to_owned() };
    let entry = |text| Entry::Summarised { at: at(1), summary: summary(text) };
    let saved = Saved::of([entry("one"), entry("two")]);
    assert_eq!(saved.summary, Some(summary("two")));
}

#[test]
fn entries_are_json_that_can_be_read_again() {
    for entry in all_kinds() {
        let line = serde_json::to_string(&entry).unwrap();
        assert!(!line.contains('\n'), "{line}");
        assert!(line.starts_with(&format!("{{\"kind\":\"{}\",", entry.kind())), "{line}");
        assert_eq!(serde_json::from_str::<Entry>(&line).unwrap(), entry, "{line}");
    }
    let text = serde_json::to_string(&Entry::Opened(Opened::new(at(0)))).unwrap();
    assert_eq!(text, r#"{"kind":"opened","at":"2026-11-21T10:30:00.000Z"}"#);
}

#[test]
fn what_a_later_version_wrote_is_refused_rather_than_lost() {
    let moment = "\"at\":\"2026-11-21T10:30:00.000Z\"";
    for (text, told) in [
        (format!(r#"{{"kind":"dreamt",{moment}}}"#), "unknown variant `dreamt`"),
        (format!(r#"{{"kind":"opened",{moment},"mood":1}}"#), "unknown field `mood`"),
        (format!(r#"{{"kind":"turn",{moment},"mode":"text","mood":1}}"#), "unknown field `mood`"),
        (format!(r#"{{"kind":"cleared",{moment},"mood":1}}"#), "unknown field `mood`"),
        (format!(r#"{{"kind":"turn",{moment},"mode":"song"}}"#), "unknown variant `song`"),
    ] {
        let error = serde_json::from_str::<Entry>(&text).unwrap_err().to_string();
        assert!(error.contains(told), "{text}: {error}");
    }
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let name = "[a-c]";
    prop_oneof![
        Just(opened()),
        "[a-z ]{0,9}".prop_map(|words| turn(&words)),
        (0..6_u64, "[a-z ]{0,9}")
            .prop_map(|(turn, words)| Entry::Amended { turn, record: record(&words) }),
        (name, any::<Option<i32>>()).prop_map(|(name, value)| variables(json!({ name: value }))),
        (any::<u64>(), "[a-z ]{0,9}").prop_map(|(messages, text)| Entry::Summarised {
            at: at(1),
            summary: Summary { messages, text }
        }),
        Just(Entry::Cleared { at: at(9) }),
    ]
}

proptest! {
    #[test]
    fn the_fold_is_the_same_however_the_log_is_cut(
        entries in prop::collection::vec(any_entry(), 0..40),
        cuts in prop::collection::vec(0..40_usize, 0..5),
    ) {
        let whole = Saved::of(entries.clone());
        let mut one_by_one = Saved::default();
        entries.iter().for_each(|entry| one_by_one.apply(entry));
        prop_assert_eq!(&one_by_one, &whole);

        let (mut piecewise, mut rest) = (Saved::default(), entries);
        for cut in cuts {
            let after = rest.split_off(cut.min(rest.len()));
            piecewise.extend(rest);
            rest = after;
        }
        piecewise.extend(rest);
        prop_assert_eq!(piecewise, whole);
    }
}
