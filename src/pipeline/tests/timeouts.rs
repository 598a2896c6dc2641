//! Every wait ends.

use super::*;

/// Runs two stuck stages, and one that ends, for ever.
async fn starve(config: PipelineConfig) -> (PipelineError, Duration) {
    let context = context();
    let nodes = [passes("first"), stuck("second"), stuck("third")];
    let began = context.clock.now();
    let error = chain(config, nodes).execute(&context, [text(1, "x")]).await.unwrap_err();
    (error, context.clock.now().since(began).as_millis().try_into().map(ms).unwrap())
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_run_in_which_nothing_moves_has_failed() {
    let (error, took) = starve(PipelineConfig::default()).await;
    assert_eq!(took, ms(30_000), "30 s by default");
    let stages = names(&["second", "third"]);
    assert_eq!(error, PipelineError::Idle { limit: ms(30_000), stages });
    assert_eq!(error.to_string(), r#"nothing happened for 30s; waiting: ["second", "third"]"#);
}

#[tokio::test(start_paused = true)]
async fn what_moves_is_not_idle() {
    let context = context();
    let config = PipelineConfig { idle_timeout: Some(ms(100)), ..quiet() };
    let mut run = chain(config, [passes("a")]).run(&context);
    let input = run.take_input().unwrap();
    for _ in 0..20 {
        context.clock.sleep(ms(90)).await;
        put(&input, [text(1, "x")]);
        run.output.recv().await.unwrap().unwrap();
    }
    for _ in 0..20 {
        context.clock.sleep(ms(90)).await;
        context.touch(); // a stage at long work says so itself
    }
    let stages = names(&["a"]);
    assert_eq!(run.wait().await, Err(PipelineError::Idle { limit: ms(100), stages }));
    drop(input);
}

#[tokio::test(start_paused = true)]
async fn a_run_has_a_time_limit_if_one_is_set() {
    let config = PipelineConfig { execution_timeout: Some(ms(2_000)), ..quiet() };
    let (error, took) = starve(config).await;
    assert_eq!(took, ms(2_000));
    let stages = names(&["second", "third"]);
    assert_eq!(error, PipelineError::TimedOut { limit: ms(2_000), stages });
}

#[tokio::test(start_paused = true)]
async fn shutting_down_has_a_deadline() {
    let context = context();
    let mut run = chain(quiet(), [passes("first"), stuck("second")]).run(&context);
    let began = context.clock.now();
    let error = run.shut_down().await.unwrap_err();
    assert_eq!(error, PipelineError::ShutDown { stages: names(&["second"]) });
    assert_eq!(context.clock.now().since(began).as_secs(), 10, "10 s by default");
    assert_eq!(run.shut_down().await, Err(error), "what is over stays over");
}

#[tokio::test(start_paused = true)]
async fn stages_get_the_time_they_need_to_shut_down() {
    let context = context();
    let slow = does("slow", |StageIo { mut inlet, outlet, context }| async move {
        while inlet.recv().await?.is_some() {}
        context.clock.sleep(ms(9_000)).await;
        let _ended = outlet.send(end(1)).await;
        Ok(())
    });
    let mut run = chain(quiet(), [slow]).run(&context);
    assert_eq!(run.shut_down().await, Ok(()));
    assert_eq!(rest(&mut run.output).await, ["end 1"]);
}

/// A stage that does not wait but blocks its thread cannot be stopped; it is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_stage_that_blocks_its_thread_is_left_behind() {
    let (release, released) = std::sync::mpsc::sync_channel::<()>(0);
    let blocks = does("blocks", move |_| async move {
        let _released = released.recv();
        Ok(())
    });
    let config = PipelineConfig { shutdown_timeout: ms(10), ..quiet() };
    let mut run = chain(config, [blocks]).run(&context());
    let error = run.shut_down().await.unwrap_err();
    assert_eq!(error, PipelineError::ShutDown { stages: names(&["blocks"]) });
    drop(release);
}
