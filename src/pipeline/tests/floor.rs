//! The watermarks, and the waits on them.

use std::pin::pin;

use futures_util::poll;

use super::*;

#[test]
fn a_mark_covers_the_response_and_all_before_it() {
    let floor = Floor::default();
    assert!(!floor.is_cancelled(response(1)) && !floor.is_committed(response(1)));
    floor.cancel(response(2));
    assert!(floor.is_cancelled(response(1)) && floor.is_cancelled(response(2)));
    assert!(!floor.is_cancelled(response(3)));
    assert!(!floor.is_committed(response(1)), "the two marks are independent");
    floor.commit(response(3));
    assert!(floor.is_committed(response(3)) && !floor.is_cancelled(response(3)));
}

#[test]
fn a_mark_never_goes_back() {
    let floor = Floor::default();
    floor.cancel(response(5));
    floor.cancel(response(2));
    floor.commit(response(4));
    floor.commit(response(1));
    assert!(floor.is_cancelled(response(5)) && floor.is_committed(response(4)));
}

#[test]
fn only_what_is_cancelled_and_no_end_is_dropped() {
    let floor = Floor::default();
    floor.cancel(response(1));
    assert!(floor.drops(&text(1, "a")) && floor.drops(&begin(1)));
    assert!(!floor.drops(&end(1)) && !floor.drops(&text(2, "b")));
    let of_no_response = Element::new(TurnId::new(1), SessionTime::ZERO, Payload::LikelyEnd);
    assert!(!floor.drops(&of_no_response));
}

#[tokio::test]
async fn waits_end_when_their_mark_is_reached() {
    let floor = Floor::default();
    let mut cancelled = pin!(floor.cancelled(response(2)));
    let mut settled = pin!(floor.settled(response(2)));
    floor.cancel(response(1));
    floor.commit(response(1));
    assert!(poll!(&mut cancelled).is_pending() && poll!(&mut settled).is_pending());
    floor.commit(response(2));
    settled.await;
    assert!(poll!(&mut cancelled).is_pending(), "a commitment is no cancellation");
    floor.cancel(response(3));
    cancelled.await;
    floor.settled(response(3)).await;
    floor.cancelled(response(1)).await;
}

#[tokio::test]
async fn every_waiting_task_is_woken() {
    let floor = Floor::default();
    let waiting: Vec<_> = (1..=3)
        .map(|number| {
            let floor = floor.clone();
            tokio::spawn(async move { floor.cancelled(response(number)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    floor.cancel(response(3));
    for task in waiting {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn of_what_is_enough_no_more_is_written_and_all_is_passed_on() {
    let floor = Floor::default();
    let mut enough = pin!(floor.had_enough(response(2)));
    assert!(poll!(&mut enough).is_pending() && !floor.is_enough(response(1)));
    floor.enough(response(1));
    assert!(poll!(&mut enough).is_pending());
    floor.enough(response(2));
    enough.await;
    assert!(floor.is_enough(response(1)) && !floor.is_enough(response(3)));
    assert!(!floor.is_cancelled(response(2)) && !floor.drops(&text(2, "b")));
}
