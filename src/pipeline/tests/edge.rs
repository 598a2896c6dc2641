//! One edge: order, back-pressure, cancellation, the end.

use std::pin::pin;

use futures_util::poll;

use super::*;
use crate::pipeline::edge::Target;

fn best_effort(capacity: usize, context: &Context) -> (Outlet, Inlet) {
    let (target, lane) = Target::best_effort("", capacity);
    let outlet = Outlet::new(vec![target], context.floor.clone());
    (outlet, Inlet::new(vec![lane], context.clone()))
}

#[test]
fn an_element_fits_into_a_cache_line() {
    assert!(size_of::<Element>() <= 64, "{}", size_of::<Element>());
}

#[tokio::test]
async fn elements_come_in_order_and_then_the_end() {
    let (outlet, mut inlet) = edge(4, &context());
    put(&outlet, [text(1, "a"), spoken(1), text(1, "b"), end(1)]);
    drop(outlet);
    assert_eq!(rest(&mut inlet).await, ["a", "sound 1", "b", "end 1"]);
    assert!(inlet.recv().await.unwrap().is_none(), "it stays at its end");
}

#[tokio::test]
async fn a_full_edge_holds_its_sender_back() {
    let (outlet, mut inlet) = edge(2, &context());
    put(&outlet, [text(1, "a")]);
    assert!(outlet.has_room());
    put(&outlet, [text(1, "b")]);
    assert!(!outlet.has_room());

    let mut sending = pin!(outlet.send(text(1, "c")));
    assert!(poll!(&mut sending).is_pending());
    assert_eq!(label(&inlet.recv().await.unwrap().unwrap()), "a");
    assert_eq!(sending.await, Ok(()));
    assert_eq!(at_hand(&mut inlet), ["b", "c"]);
}

#[tokio::test]
async fn waiting_senders_take_turns_in_their_order() {
    let (outlet, mut inlet) = edge(1, &context());
    put(&outlet, [text(1, "a")]);
    let (mut b, mut c) = (pin!(outlet.send(text(1, "b"))), pin!(outlet.send(text(1, "c"))));
    assert!(poll!(&mut b).is_pending() && poll!(&mut c).is_pending());
    let took = async { [inlet.recv().await, inlet.recv().await, inlet.recv().await] };
    let (took, _, _) = tokio::join!(took, b, c);
    assert_eq!(took.map(|next| label(&next.unwrap().unwrap())), ["a", "b", "c"]);
}

#[tokio::test]
async fn of_a_cancelled_response_only_the_end_is_left() {
    let context = context();
    let (outlet, mut inlet) = edge(8, &context);
    put(&outlet, [begin(1), text(1, "queued"), text(2, "next"), end(1)]);
    context.floor.cancel(response(1));
    put(&outlet, [text(1, "late"), spoken(1), text(2, "more")]);
    assert_eq!(at_hand(&mut inlet), ["next", "end 1", "more"]);
}

#[tokio::test]
async fn cancelled_elements_take_no_room() {
    let context = context();
    let (outlet, mut inlet) = edge(1, &context);
    context.floor.cancel(response(1));
    put(&outlet, [text(1, "a"), text(1, "b"), end(1)]);
    assert_eq!(at_hand(&mut inlet), ["end 1"]);
}

#[tokio::test]
async fn what_the_user_says_is_never_dropped() {
    let context = context();
    let (outlet, mut inlet) = edge(4, &context);
    let (turn, at) = (TurnId::new(1), SessionTime::ZERO);
    let heard = Element::heard(turn, at, AudioChunk::new([0; 160], SampleRate::SPEECH));
    let words = Payload::Transcript(Transcript::Final("yes".into()));
    put(
        &outlet,
        [heard, Element::new(turn, at, words), Element::new(turn, at, Payload::LikelyEnd)],
    );
    context.floor.cancel(response(1000));
    assert_eq!(at_hand(&mut inlet).len(), 3);
}

#[tokio::test]
async fn cancelling_lets_a_blocked_producer_go() {
    let context = context();
    let (outlet, _does_not_read) = edge(1, &context);
    put(&outlet, [text(1, "a")]);
    let mut sending = pin!(outlet.send(text(1, "b")));
    let mut ending = pin!(outlet.send(end(1)));
    let mut next = pin!(outlet.send(text(2, "next")));
    assert!(poll!(&mut sending).is_pending());
    assert!(poll!(&mut ending).is_pending() && poll!(&mut next).is_pending());
    context.floor.cancel(response(1));
    assert_eq!(sending.await, Ok(()));
    assert!(poll!(&mut ending).is_pending(), "an end waits: it must arrive");
    assert!(poll!(&mut next).is_pending(), "and so does what is not cancelled");
}

#[tokio::test]
async fn without_a_reader_the_edge_is_closed() {
    let context = context();
    for (outlet, inlet) in [edge(1, &context), best_effort(1, &context)] {
        put(&outlet, [text(1, "a")]);
        drop(inlet);
        assert_eq!(outlet.send(text(1, "b")).await, Err(Closed));
    }

    let (outlet, inlet) = edge(1, &context);
    put(&outlet, [text(1, "a")]);
    let mut sending = pin!(outlet.send(text(1, "b")));
    assert!(poll!(&mut sending).is_pending());
    drop(inlet);
    assert_eq!(sending.await, Err(Closed), "a sender that waits learns of it");
}

#[tokio::test]
async fn a_best_effort_edge_drops_its_oldest_and_counts() {
    let context = context();
    let (outlet, mut inlet) = best_effort(2, &context);
    put(&outlet, [text(1, "a"), text(1, "b"), text(1, "c"), text(1, "d")]);
    assert!(outlet.has_room(), "it always has");
    assert_eq!(outlet.dropped(), 2);
    assert_eq!(at_hand(&mut inlet), ["c", "d"]);

    {
        let mut waiting = pin!(inlet.recv());
        assert!(poll!(&mut waiting).is_pending());
        put(&outlet, [text(1, "e")]);
        drop(outlet);
        assert_eq!(label(&waiting.await.unwrap().unwrap()), "e", "a waiting reader is woken");
    }
    assert!(inlet.recv().await.unwrap().is_none());
}

#[tokio::test]
async fn giving_up_to_wait_loses_nothing() {
    let (outlet, mut inlet) = edge(4, &context());
    assert!(inlet.recv().now_or_never().is_none());
    put(&outlet, [text(1, "a")]);
    assert_eq!(at_hand(&mut inlet), ["a"]);
}
