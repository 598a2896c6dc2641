use std::time::Duration;

use super::super::listing::Sketch;
use super::*;

fn listed(entries: &[Entry]) -> Listing {
    Sketch::of(entries).listing(id("a")).unwrap()
}

#[test]
fn a_listing_tells_what_a_resumed_conversation_would_hold() {
    let listing = listed(&all_kinds());
    assert_eq!((listing.turns, &*listing.first_words), (2, "good morning"));
    assert_eq!((listing.opened, listing.changed), (Some(at(0)), at(3)));
    assert_eq!(listing.pack.as_deref(), Some("house.json"));
    assert_eq!(Sketch::of(&[]).listing(id("a")), None);
}

#[test]
fn the_first_words_are_short_and_on_one_line() {
    let empty = Entry::Turn(TurnRecord::new(at(1), Mode::Voice, vec![Message::assistant("Hi")]));
    let listing = listed(&[empty, turn(" a\n b\tc "), turn("later")]);
    assert_eq!((listing.turns, &*listing.first_words), (3, "a b c"));
    assert_eq!(listed(&[turn(&"é".repeat(200))]).first_words, "é".repeat(80));
}

#[test]
fn what_is_too_old_or_too_much_goes_the_oldest_first() {
    let listing = |name: &str, seconds| {
        let entry = Entry::Cleared { at: at(seconds) };
        Sketch::of([&entry]).listing(id(name)).unwrap()
    };
    let all = || vec![listing("new", 90), listing("old", 10), listing("oldest", 0)];
    let gone = |older_than: Option<u64>, at_most| {
        let older_than = older_than.map(Duration::from_secs);
        let gone = Retention { older_than, at_most }.expired(all(), at(100));
        gone.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(gone(None, None), [""; 0]);
    assert_eq!(gone(Some(50), None), ["oldest", "old"]);
    // What was written to just so long ago stays.
    assert_eq!(gone(Some(90), None), ["oldest"]);
    assert_eq!(gone(None, Some(1)), ["oldest", "old"]);
    assert_eq!(gone(Some(95), Some(0)), ["oldest", "old", "new"]);
    assert_eq!(gone(None, Some(3)), [""; 0]);
}
