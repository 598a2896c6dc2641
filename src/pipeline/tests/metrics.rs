//! How long each stage takes.

use super::*;

fn measured() -> PipelineConfig {
    PipelineConfig { metrics: true, ..quiet() }
}

fn close(value: f64, expected: f64) {
    assert!((value - expected).abs() <= expected * 0.01, "{value} is not {expected}");
}

#[tokio::test(start_paused = true)]
async fn each_stage_reports_its_elements_and_their_latency() {
    let slow = does("slow", |StageIo { mut inlet, outlet, context }| async move {
        let mut work = 0;
        while let Some(element) = inlet.recv().await? {
            work += 1;
            context.clock.sleep(ms(work)).await;
            let _ended = outlet.send(element).await;
        }
        Ok(())
    });
    let nodes = [passes("quick"), transform("+"), slow];
    let input = (0..100).map(|_| text(1, "x"));
    let execution = chain(measured(), nodes).execute(&context(), input).await.unwrap();

    let [quick, plus, slow] = &execution.metrics[..] else { panic!("{:?}", execution.metrics) };
    assert_eq!((&*quick.stage, &*plus.stage, &*slow.stage), ("quick", "+", "slow"));
    assert_eq!((plus.kind, slow.kind), (StageKind::Transform, StageKind::Bidirectional));
    // What the transform gives at its end is an element to the stage after it only.
    assert_eq!((quick.elements, plus.elements, slow.elements), (100, 100, 101));
    assert_eq!((quick.errors, plus.errors, slow.errors), (0, 0, 0));
    close(slow.min_us, 1_000.0);
    close(slow.mean_us, 51_000.0);
    close(slow.p50_us, 51_000.0);
    close(slow.p95_us, 96_000.0);
    close(slow.p99_us, 100_000.0);
    close(slow.max_us, 101_000.0);
    close(slow.per_second, 101.0 / 5.151);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_room_counts_and_waiting_for_work_does_not() {
    let context = context();
    let config = PipelineConfig { capacity: 1, ..measured() };
    let mut run = chain(config, [passes("a")]).run(&context);
    let input = run.take_input().unwrap();
    context.clock.sleep(ms(1_000)).await;
    put(&input, [text(1, "x")]);
    tokio::task::yield_now().await;
    input.send(text(1, "y")).await.unwrap();
    context.clock.sleep(ms(7)).await;
    drop(input);
    assert_eq!(rest(&mut run.output).await, ["x", "y"]);
    run.wait().await.unwrap();
    let [report] = &run.reports()[..] else { panic!("one stage") };
    assert_eq!((report.elements, report.min_us), (2, 0.0));
    close(report.max_us, 7_000.0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_counts_for_the_stage_that_failed() {
    let nodes = [Node::transform(Marks::failing("bad")), passes("host")];
    let mut run = chain(measured(), nodes).run(&context());
    put(&run.take_input().unwrap(), [text(1, "x")]);
    assert!(run.wait().await.is_err());
    let errors: Vec<_> = run.reports().into_iter().map(|r| (r.stage, r.errors)).collect();
    assert_eq!(errors, [("bad".to_owned(), 1), ("host".to_owned(), 0)]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_measured_unless_asked_for() {
    let mut run = chain(quiet(), [passes("a")]).run(&context());
    run.wait().await.unwrap();
    assert!(run.reports().is_empty());
}
