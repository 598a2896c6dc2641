//! A stepped clock moves only when nothing is left to do.

use std::time::Duration;

use tokio::sync::mpsc;

use super::*;

fn at(ms: u64) -> SessionTime {
    SessionTime::from_millis(ms)
}

#[tokio::test]
async fn timers_fire_in_order_and_see_their_own_time() {
    let (clock, mut stepper) = SessionClock::stepped();
    let (seen, mut times) = mpsc::channel(8);
    for ms in [30, 10, 20] {
        let (clock, seen) = (clock.clone(), seen.clone());
        tokio::spawn(clock.clone().track(async move {
            clock.sleep_until(at(ms)).await;
            seen.send(clock.now()).await.unwrap();
        }));
    }
    stepper.advance_to(at(25)).await;
    assert_eq!((times.try_recv().unwrap(), times.try_recv().unwrap()), (at(10), at(20)));
    assert!(times.try_recv().is_err(), "the third is not due");
    assert_eq!(clock.now(), at(25));
    stepper.advance_to(at(100)).await;
    assert_eq!(times.try_recv().unwrap(), at(30));
}

#[tokio::test]
async fn work_between_tasks_takes_no_time() {
    let (clock, mut stepper) = SessionClock::stepped();
    let (first, mut second) = mpsc::channel::<u32>(1);
    let (back, mut done) = mpsc::channel(1);
    let relay = clock.clone();
    tokio::spawn(clock.track(async move {
        while let Some(count) = second.recv().await {
            back.send((count, relay.now())).await.unwrap();
        }
    }));
    let sender = clock.clone();
    tokio::spawn(clock.track(async move {
        for count in 0..100 {
            first.send(count).await.unwrap();
            let (echo, now) = done.recv().await.unwrap();
            assert_eq!((echo, now), (count, sender.now()));
        }
        sender.sleep(Duration::from_secs(1)).await;
    }));
    stepper.advance_to(at(1)).await;
    assert_eq!(clock.now(), at(1));
}

#[tokio::test]
async fn while_an_engine_works_time_passes_with_the_wall() {
    let (clock, mut stepper) = SessionClock::stepped();
    let (work, engine) = (clock.work(), clock.clone());
    let seen = std::thread::spawn(move || {
        let mut seen = vec![engine.now()];
        while seen.last() < Some(&at(20)) {
            let now = engine.now();
            if seen.last() != Some(&now) {
                seen.push(now);
            }
        }
        drop(work);
        seen
    });
    stepper.advance_to(at(3_600_000)).await;
    let seen = seen.join().unwrap();
    assert!(seen.is_sorted() && seen.len() > 20, "it passes bit by bit");
    assert_eq!(clock.now(), at(3_600_000), "and leaps when the engine has finished");
}

#[tokio::test]
async fn a_task_that_is_gone_does_not_hold_the_clock() {
    let (clock, mut stepper) = SessionClock::stepped();
    let sleeper = clock.clone();
    let task = tokio::spawn(clock.track(async move { sleeper.sleep_until(at(50)).await }));
    stepper.advance_to(at(10)).await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    stepper.advance_to(at(100)).await;
    assert_eq!(clock.now(), at(100));
}

#[tokio::test]
async fn a_timeout_ends_a_wait() {
    let (clock, mut stepper) = SessionClock::stepped();
    let waiter = clock.clone();
    let task = tokio::spawn(clock.track(async move {
        waiter.timeout(Duration::from_millis(30), std::future::pending::<()>()).await
    }));
    stepper.advance_to(at(40)).await;
    assert_eq!(task.await.unwrap(), None);
}

#[test]
fn times_saturate_at_the_start() {
    assert_eq!(at(5) - Duration::from_secs(1), SessionTime::ZERO);
    assert_eq!(at(5).since(at(9)), Duration::ZERO);
    assert!((at(5).millis_since(at(9)) + 4.0).abs() < f64::EPSILON);
}
