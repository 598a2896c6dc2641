//! One stage, several ways on.

use super::*;

/// A branch from `source` to two stages that lead out.
fn fork(config: PipelineConfig, left: (Node, Delivery), right: (Node, Delivery)) -> Pipeline {
    let names = (left.0.name().to_owned(), right.0.name().to_owned());
    PipelineBuilder::new(config)
        .chain([passes("source")])
        .chain([left.0])
        .chain([right.0])
        .branch("source", &[(&names.0, left.1), (&names.1, right.1)])
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_branch_gets_every_element_and_their_merge_one_end() {
    let builder = PipelineBuilder::default()
        .chain([passes("source"), passes("left"), passes("merge")])
        .chain([passes("right")])
        .connect("source", "right")
        .connect("right", "merge");
    let input = [text(1, "a"), end(1), text(2, "b"), end(2)];
    let execution = builder.build().unwrap().execute(&context(), input).await.unwrap();
    let mut labels: Vec<_> = execution.elements.iter().map(label).collect();
    labels.sort();
    assert_eq!(labels, ["a", "a", "b", "b", "end 1", "end 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_required_branch_holds_all_back() {
    let config = PipelineConfig { capacity: 2, ..quiet() };
    let slow = (stuck("slow"), Delivery::Required);
    let mut run = fork(config, (passes("quick"), Delivery::Required), slow).run(&context());
    let input = run.take_input().unwrap();
    let feed = async {
        for _ in 0..10 {
            input.send(text(1, "a")).await.unwrap();
        }
    };
    let fed = context().clock.timeout(ms(1000), feed).await;
    assert_eq!(fed, None);
}

#[tokio::test(start_paused = true)]
async fn a_best_effort_branch_holds_nobody_back() {
    let (seen_in, mut seen) = tokio::sync::mpsc::channel(16);
    let lazy = does("lazy", |StageIo { mut inlet, context, .. }| async move {
        context.clock.sleep(ms(1000)).await;
        while let Some(element) = inlet.recv().await? {
            seen_in.send(label(&element)).await.unwrap();
        }
        Ok(())
    });
    let config = PipelineConfig { capacity: 2, ..quiet() };
    let quick = (transform("+"), Delivery::Required);
    let pipeline = fork(config, quick, (lazy, Delivery::BestEffort));
    let input = (0..8).map(|number| text(1, &number.to_string()));
    let execution = pipeline.execute(&context(), input).await.unwrap();
    assert_eq!(execution.text(), "0+1+2+3+4+5+6+7++=8");
    assert_eq!(seen.recv().await.unwrap(), "6", "the oldest were dropped");
    assert_eq!(seen.recv().await.unwrap(), "7");
    assert_eq!(seen.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_branch_that_ends_leaves_the_other_alone() {
    let brief = does("brief", |_| async { Ok(()) });
    let quick = (passes("quick"), Delivery::Required);
    let pipeline = fork(quiet(), quick, (brief, Delivery::Required));
    let input = (0..40).map(|_| text(1, "a"));
    let execution = pipeline.execute(&context(), input).await.unwrap();
    assert_eq!(execution.text().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_stage_can_choose_among_its_ways_but_an_end_goes_every_way() {
    let chooses = does("source", |StageIo { mut inlet, outlet, .. }| async move {
        assert_eq!(outlet.targets().collect::<Vec<_>>(), ["left", "right"]);
        while let Some(element) = inlet.recv().await? {
            outlet.send_to("right", element).await.unwrap();
        }
        assert_eq!(outlet.send_to("nowhere", text(1, "x")).await, Err(Closed));
        Ok(())
    });
    let builder = PipelineBuilder::default()
        .chain([chooses])
        .chain([transform("left")])
        .chain([transform("right")])
        .branch("source", &[("left", Delivery::Required), ("right", Delivery::Required)]);
    let input = [text(1, "a:"), end(1)];
    let execution = builder.build().unwrap().execute(&context(), input).await.unwrap();
    let mut labels: Vec<_> = execution.elements.iter().map(label).collect();
    labels.sort();
    assert_eq!(labels, ["a:right", "end 1", "left=0", "right=1"]);
}
