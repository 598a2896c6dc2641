//! From the first element to the last, or to the first failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn fails(name: &'static str) -> Node {
    does(name, move |StageIo { mut inlet, .. }| async move {
        inlet.recv().await?;
        Err(StageError::new(name, &"it was told to"))
    })
}

/// Counts itself while it lives.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stage that never ends, and counts itself while it runs.
fn counted(name: &'static str, count: &Arc<AtomicUsize>) -> Node {
    let count = Arc::clone(count);
    does(name, move |io| async move {
        let (_alive, _io) = (Alive::new(&count), io);
        std::future::pending().await
    })
}

#[tokio::test(start_paused = true)]
async fn execute_collects_what_comes_out() {
    // More than fit into all the edges at once.
    let input = (0..100).map(|_| text(1, "x"));
    let nodes = [passes("a"), transform("+"), passes("b")];
    let execution = chain(quiet(), nodes).execute(&context(), input).await.unwrap();
    assert_eq!(execution.text(), format!("{}+=100", "x+".repeat(100)));
    assert_eq!(execution.elements.len(), 101);
    assert!(execution.metrics.is_empty(), "nothing is measured by default");
}

#[tokio::test]
async fn a_run_on_a_stepped_clock_waits_only_for_what_is_due() {
    let (clock, mut stepper) = SessionClock::stepped();
    let context = Context::new(clock.clone());
    let slow = does("slow", |StageIo { mut inlet, outlet, context }| async move {
        while let Some(element) = inlet.recv().await? {
            context.clock.sleep(ms(20_000)).await;
            let _ended = outlet.send(element).await;
        }
        Ok(())
    });
    let pipeline = chain(PipelineConfig::default(), [slow, transform("+")]);
    let running =
        tokio::spawn(clock.track(async move {
            pipeline.execute(&context, (0..100).map(|_| text(1, "x"))).await
        }));
    stepper.advance_to(SessionTime::from_millis(2_000_000)).await;
    assert_eq!(running.await.unwrap().unwrap().elements.len(), 101);
}

#[tokio::test(start_paused = true)]
async fn the_first_failure_ends_the_run_and_names_its_stage() {
    let alive = Arc::default();
    let nodes = [passes("a"), fails("bad"), counted("sibling", &alive)];
    let error = chain(quiet(), nodes).execute(&context(), [text(1, "x")]).await.unwrap_err();
    assert_eq!(error, PipelineError::Stage(StageError::new("bad", &"it was told to")));
    assert_eq!(error.to_string(), "the stage `bad` failed: it was told to");
    assert_eq!(alive.load(Ordering::Relaxed), 0, "its siblings are stopped");
}

#[tokio::test(start_paused = true)]
async fn a_transform_that_fails_is_named_wherever_it_stands() {
    let bad = || Node::transform(Marks::failing("bad"));
    for nodes in [vec![bad(), passes("after")], vec![passes("before"), bad()], vec![bad()]] {
        let input = (0..100).map(|_| text(1, "x"));
        let error = chain(quiet(), nodes).execute(&context(), input).await.unwrap_err();
        assert_eq!(error, PipelineError::Stage(StageError::new("bad", &"it was told to")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_with_a_name() {
    let panics = does("careless", |_| async { panic!("no such thing") });
    let nodes = [passes("a"), panics, stuck("b")];
    let error = chain(quiet(), nodes).execute(&context(), [text(1, "x")]).await.unwrap_err();
    let PipelineError::Panicked { stage, reason } = error else { panic!("{error}") };
    assert_eq!(stage, "careless");
    assert!(reason.contains("no such thing"), "{reason}");
}

#[tokio::test(start_paused = true)]
async fn a_run_ends_when_its_input_does() {
    let mut run = chain(quiet(), [passes("a"), transform("+")]).run(&context());
    let input = run.take_input().unwrap();
    assert!(run.take_input().is_none());
    put(&input, [text(1, "x")]);
    assert_eq!(label(&run.output.recv().await.unwrap().unwrap()), "x+");
    assert!(context().clock.timeout(ms(1000), run.wait()).await.is_none());
    drop(input);
    assert_eq!(run.wait().await, Ok(()));
    assert_eq!(run.wait().await, Ok(()), "asking again does no harm");
}

#[tokio::test(start_paused = true)]
async fn what_is_on_its_way_arrives_when_a_run_is_shut_down() {
    let mut run = chain(quiet(), [passes("a"), passes("b")]).run(&context());
    let input = run.take_input().unwrap();
    put(&input, [text(1, "x"), end(1)]);
    drop(input);
    run.shut_down().await.unwrap();
    assert_eq!(rest(&mut run.output).await, ["x", "end 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_as_often_as_it_is_asked_for() {
    let mut run = chain(quiet(), [fails("bad")]).run(&context());
    put(&run.take_input().unwrap(), [text(1, "x")]);
    let failed = run.wait().await;
    assert!(failed.is_err());
    assert_eq!(run.shut_down().await, failed);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_run_stops_its_tasks() {
    let alive = Arc::default();
    let run = chain(quiet(), [counted("a", &alive), counted("b", &alive)]).run(&context());
    tokio::task::yield_now().await;
    assert_eq!(alive.load(Ordering::Relaxed), 2);
    drop(run);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn metadata_reaches_every_stage() {
    let tells = does("tells", |StageIo { outlet, context, .. }| async move {
        let _ended = outlet.send(text(1, &context.metadata["tenant"])).await;
        Ok(())
    });
    let metadata = Metadata::from([("tenant".to_owned(), "acme".to_owned())]);
    let context = context().with_metadata(metadata);
    let execution = chain(quiet(), [tells]).execute(&context, []).await.unwrap();
    assert_eq!(execution.text(), "acme");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_response_leaves_nothing_but_its_end() {
    let context = context();
    let nodes = [passes("a"), transform("+"), passes("b")];
    let mut run = chain(quiet(), nodes).run(&context);
    let input = run.take_input().unwrap();
    put(&input, [begin(1), text(1, "x"), text(2, "y"), end(1)]);
    context.floor.cancel(response(1));
    drop(input);
    assert_eq!(rest(&mut run.output).await, ["y+", "end 1", "+=1"]);
    run.wait().await.unwrap();
}
