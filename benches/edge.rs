//! One element over an edge, and through ten steps of either kind.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;
#[path = "support/tasks.rs"]
mod tasks;

use banter::audio::{AudioChunk, SampleRate};
use banter::ids::TurnId;
use banter::pipeline::{
    Context, Element, FromTransform, Node, PipelineBuilder, PipelineConfig, edge,
};
use banter::stages::Merge;
use banter::time::{SessionClock, SessionTime};
use tasks::{Timer, measure};

fn main() {
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("edge");
    group.bench_function("one hop", |bencher| measure(bencher, hop));
    let transform = |name: String| Node::transform(Merge::new(&name));
    group.bench_function("ten transforms", |bencher| {
        measure(bencher, |times| through(times, transform, PipelineConfig::default()));
    });
    let stage = |name: String| Node::stage(FromTransform(Box::new(Merge::new(&name))));
    group.bench_function("ten stages", |bencher| {
        measure(bencher, |times| through(times, stage, PipelineConfig::default()));
    });
    let urgent = PipelineConfig { priority_queue: true, ..PipelineConfig::default() };
    group.bench_function("ten stages, urgent first", |bencher| {
        measure(bencher, |times| through(times, stage, urgent.clone()));
    });
    group.finish();
    criterion.final_summary();
}

fn element() -> Element {
    let audio = AudioChunk::new([0; 160], SampleRate::SPEECH);
    Element::heard(TurnId::new(1), SessionTime::ZERO, audio)
}

/// Sends and receives on one task.
async fn hop(times: u64) -> Timer {
    let (outlet, mut inlet) = edge(16, &Context::new(SessionClock::live()));
    let element = element();
    Timer::around(async {
        for _ in 0..times {
            outlet.send(element.clone()).await.unwrap();
            inlet.recv().await.unwrap().unwrap();
        }
    })
    .await
}

/// Sends an element through ten steps and waits for it, again and again.
async fn through(times: u64, step: impl Fn(String) -> Node, config: PipelineConfig) -> Timer {
    let steps = (0..10).map(|number| step(number.to_string()));
    let pipeline = PipelineBuilder::new(config).chain(steps).build().unwrap();
    let mut run = pipeline.run(&Context::new(SessionClock::live()));
    let input = run.take_input().unwrap();
    let element = element();
    Timer::around(async {
        for _ in 0..times {
            input.send(element.clone()).await.unwrap();
            run.output.recv().await.unwrap().unwrap();
        }
    })
    .await
}
