//! Several edges into one stage.

use proptest::prelude::*;

use super::*;
use crate::pipeline::edge::Target;

/// `count` edges that meet.
fn edges(count: usize, context: &Context) -> (Vec<Outlet>, Inlet) {
    let mut lanes = Vec::new();
    let outlets = (0..count)
        .map(|_| {
            let (target, lane) = Target::required("", 128);
            lanes.push(lane);
            Outlet::new(vec![target], context.floor.clone())
        })
        .collect();
    (outlets, Inlet::new(lanes, context.clone()))
}

fn two() -> (Outlet, Outlet, Inlet) {
    let (mut outlets, inlet) = edges(2, &context());
    let second = outlets.pop().unwrap();
    (outlets.pop().unwrap(), second, inlet)
}

#[tokio::test]
async fn the_more_urgent_goes_first_but_not_past_its_own_edge() {
    let (left, right, mut inlet) = two();
    put(&left, [text(1, "a"), spoken(1)]);
    put(&right, [begin(2), text(2, "b")]);
    assert_eq!(at_hand(&mut inlet), ["begin 2", "a", "sound 1", "b"]);
}

#[tokio::test]
async fn equals_take_turns() {
    let (left, right, mut inlet) = two();
    put(&left, [text(1, "a"), text(1, "b"), text(1, "c")]);
    put(&right, [text(1, "x"), text(1, "y"), text(1, "z")]);
    assert_eq!(at_hand(&mut inlet), ["a", "x", "b", "y", "c", "z"]);
}

#[tokio::test]
async fn there_is_one_end_when_every_edge_has_given_its_own() {
    let (left, right, mut inlet) = two();
    put(&left, [text(1, "a"), end(1)]);
    assert_eq!(at_hand(&mut inlet), ["a"]);
    put(&right, [text(1, "b"), end(1)]);
    assert_eq!(at_hand(&mut inlet), ["b", "end 1"]);
    drop((left, right));
    assert!(rest(&mut inlet).await.is_empty());
}

#[tokio::test]
async fn an_edge_that_is_over_is_not_waited_for() {
    let (left, right, mut inlet) = two();
    put(&left, [end(1)]);
    assert!(at_hand(&mut inlet).is_empty());
    drop(right);
    assert_eq!(at_hand(&mut inlet), ["end 1"]);
    put(&left, [text(2, "a"), end(2)]);
    assert_eq!(at_hand(&mut inlet), ["a", "end 2"]);
}

#[tokio::test]
async fn an_edge_that_gave_its_end_and_closed_does_not_speak_for_the_others() {
    let (mut outlets, mut inlet) = edges(3, &context());
    put(&outlets[0], [end(1)]);
    drop(outlets.remove(0));
    assert!(at_hand(&mut inlet).is_empty());
    put(&outlets[0], [text(1, "a"), end(1)]);
    assert_eq!(at_hand(&mut inlet), ["a"]);
    put(&outlets[1], [text(1, "b"), end(1)]);
    assert_eq!(at_hand(&mut inlet), ["b", "end 1"]);
}

#[tokio::test]
async fn what_a_transform_gives_at_its_end_comes_before_the_end() {
    let context = context();
    let (target, mut late) = Target::required("", 1);
    late.fuse(Box::new(Marks::new("m")), None);
    let (other, lane) = Target::required("", 1);
    let mut inlet = Inlet::new(vec![late, lane], context.clone());
    put(&Outlet::new(vec![other], context.floor.clone()), [end(9)]);
    assert!(at_hand(&mut inlet).is_empty());
    drop(target);
    assert_eq!(at_hand(&mut inlet), ["m=0", "end 9"]);
}

#[tokio::test]
async fn an_end_that_an_edge_has_lost_is_passed_on_before_the_next() {
    let (left, right, mut inlet) = two();
    put(&left, [end(1), end(2)]);
    put(&right, [end(2)]);
    assert_eq!(at_hand(&mut inlet), ["end 1", "end 2"]);
    put(&left, [end(4)]);
    assert!(at_hand(&mut inlet).is_empty());
    put(&right, [end(3), end(4)]);
    assert_eq!(at_hand(&mut inlet), ["end 3", "end 4"]);
}

#[tokio::test]
async fn a_response_that_ends_twice_ends_twice() {
    let (left, right, mut inlet) = two();
    let pause = || element(1, Payload::TurnEnd(Outcome::AwaitingTools));
    put(&left, [pause()]);
    put(&right, [pause()]);
    assert_eq!(at_hand(&mut inlet), ["end 1"]);
    put(&left, [text(1, "a"), end(1)]);
    assert_eq!(at_hand(&mut inlet), ["a"]);
    put(&right, [end(1)]);
    assert_eq!(at_hand(&mut inlet), ["end 1"]);
}

#[tokio::test]
async fn what_waits_for_its_turn_can_still_be_cancelled() {
    let context = context();
    let (outlets, mut inlet) = edges(2, &context);
    put(&outlets[0], [text(1, "a"), text(2, "b")]);
    put(&outlets[1], [spoken(2)]);
    assert_eq!(label(&inlet.recv().await.unwrap().unwrap()), "sound 2");
    context.floor.cancel(response(1));
    assert_eq!(at_hand(&mut inlet), ["b"]);
}

proptest! {
    /// Each edge carries every end; what is between, when it is sent, and when the edges close
    /// is left to chance.
    #[test]
    fn every_response_ends_once_and_after_all_its_elements(
        lanes in prop::collection::vec(prop::collection::vec(0..4usize, 4), 2..4),
        steps in prop::collection::vec(0..4usize, 0..80),
    ) {
        let (outlets, mut inlet) = edges(lanes.len(), &context());
        let mut sources: Vec<_> = outlets.into_iter().zip(&lanes).map(|(outlet, counts)| {
            let script = counts.iter().zip(1..).flat_map(|(count, number)| {
                (0..*count).map(move |_| text(number, "x")).chain([end(number)])
            });
            (Some(outlet), script.collect::<Vec<_>>().into_iter())
        }).collect();
        let mut taken = Vec::new();
        let drained = (0..200).map(|step| step % (lanes.len() + 1));
        for step in steps.into_iter().chain(drained) {
            match sources.get_mut(step) {
                Some((outlet, script)) => match (script.next(), &outlet) {
                    (Some(element), Some(outlet)) => put(outlet, [element]),
                    _ => *outlet = None,
                },
                None => taken.extend(inlet.recv().now_or_never().and_then(|next| next.unwrap())),
            }
        }
        for number in 1..=4u32 {
            let of: Vec<_> = taken.iter().filter(|e| e.turn.get() == number).collect();
            let sent: usize = lanes.iter().map(|lane| lane[number as usize - 1]).sum();
            prop_assert_eq!(of.len(), sent + 1, "response {}", number);
            prop_assert!(of.last().unwrap().is_end());
        }
    }
}
