//! An edge on which the urgent overtakes.

use proptest::prelude::*;

use super::*;
use crate::pipeline::edge::Target;

fn prioritized(capacity: usize) -> (Outlet, Inlet) {
    let context = context();
    let (target, lane) = Target::prioritized("", capacity);
    let outlet = Outlet::new(vec![target], context.floor.clone());
    (outlet, Inlet::new(vec![lane], context.clone()))
}

#[tokio::test]
async fn sound_overtakes_text_and_a_begin_everything() {
    let (outlet, mut inlet) = prioritized(8);
    let custom = element(1, Payload::Custom(std::sync::Arc::new(7)));
    put(&outlet, [custom, text(1, "a"), text(1, "b"), spoken(1), begin(1), end(1)]);
    drop(outlet);
    assert_eq!(rest(&mut inlet).await, ["begin 1", "sound 1", "a", "b", "Custom", "end 1"]);
}

#[tokio::test]
async fn what_follows_an_end_does_not_overtake_it() {
    let (outlet, mut inlet) = prioritized(8);
    put(&outlet, [text(1, "a"), end(1), begin(2), spoken(2), text(2, "b"), end(2), begin(3)]);
    let all = ["a", "end 1", "begin 2", "sound 2", "b", "end 2", "begin 3"];
    assert_eq!(at_hand(&mut inlet), all);
}

#[tokio::test]
async fn a_full_queue_holds_back_its_own_priority_only() {
    let (outlet, mut inlet) = prioritized(1);
    put(&outlet, [text(1, "a"), spoken(1)]);
    assert!(!outlet.has_room());
    let mut sending = std::pin::pin!(outlet.send(text(1, "b")));
    assert!(futures_util::poll!(&mut sending).is_pending());
    put(&outlet, [begin(1)]);
    assert_eq!(at_hand(&mut inlet), ["begin 1", "sound 1", "a"]);
    sending.await.unwrap();
}

#[tokio::test]
async fn without_a_reader_it_is_closed() {
    let (outlet, inlet) = prioritized(1);
    drop(inlet);
    assert_eq!(outlet.send(text(1, "a")).await, Err(Closed));
    assert_eq!(outlet.send(end(1)).await, Err(Closed));
}

/// A response's elements by kind, and how many are taken before the next is sent.
type Sent = Vec<(Vec<(u8, usize)>, usize)>;

fn payload(kind: u8) -> Payload {
    match kind {
        0 => begin(1).payload,
        1 => Payload::LikelyEnd,
        2 => spoken(1).payload,
        3 => text(1, "").payload,
        _ => Payload::Custom(std::sync::Arc::new(())),
    }
}

/// Sends what is given, each with its number for a time, and takes what it says in between.
fn through(sent: &Sent) -> (Vec<Element>, Vec<Element>) {
    let (outlet, mut inlet) = prioritized(128);
    let (mut given, mut taken) = (Vec::new(), Vec::new());
    let mut put = |number: usize, payload, take: usize| {
        let at = SessionTime::from_nanos(given.len() as u64);
        let next = Element { at, ..element(number as u32 + 1, payload) };
        given.push(next.clone());
        super::put(&outlet, [next]);
        for _ in 0..take {
            if let Some(Ok(Some(element))) = inlet.recv().now_or_never() {
                taken.push(element);
            }
        }
    };
    for (number, (elements, take)) in sent.iter().enumerate() {
        for (kind, take) in elements {
            put(number, payload(*kind), *take);
        }
        put(number, Payload::TurnEnd(Outcome::Completed), *take);
    }
    drop(outlet);
    while let Some(Ok(Some(element))) = inlet.recv().now_or_never() {
        taken.push(element);
    }
    (given, taken)
}

proptest! {
    #[test]
    fn order_within_a_kind_is_kept_and_an_end_is_a_fence(
        sent in prop::collection::vec((prop::collection::vec((0..5u8, 0..3usize), 0..12), 0..3usize), 1..6),
    ) {
        let (given, taken) = through(&sent);
        prop_assert_eq!(taken.len(), given.len(), "nothing is lost or doubled");
        for priority in Priority::ALL {
            let of = |elements: &[Element]| -> Vec<_> {
                let same = elements.iter().filter(|e| e.payload.priority() == priority);
                same.map(|element| element.at).collect()
            };
            prop_assert_eq!(of(&given), of(&taken));
        }
        let responses: Vec<_> = taken.iter().map(|element| element.turn).collect();
        prop_assert!(responses.is_sorted(), "{:?}", responses);
        for pair in taken.windows(2) {
            prop_assert!(!pair[0].is_end() || pair[0].turn < pair[1].turn, "{:?}", pair);
        }
    }

    #[test]
    fn of_what_waits_the_most_urgent_goes_first(kinds in prop::collection::vec(0..5u8, 0..40)) {
        let untouched = kinds.iter().map(|kind| (*kind, 0)).collect();
        let (_, taken) = through(&vec![(untouched, 0)]);
        let urgency: Vec<_> = taken[..taken.len() - 1].iter().map(|e| e.payload.priority()).collect();
        prop_assert!(urgency.is_sorted_by(|one, next| one >= next), "{:?}", urgency);
    }
}
