//! What 20 ms of the user's sound cost beside the detector and the resampler: from the
//! microphone's ring through the stage that cuts turns, with its facts, to the turn machine and
//! its commands, and on to a recogniser that does not listen.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;
#[path = "support/tasks.rs"]
mod tasks;

use std::time::Duration;

use banter::audio::{AudioChunk, SampleRate};
use banter::device::capture_port;
use banter::dsp::FrontConfig;
use banter::ids::TurnId;
use banter::pipeline::{
    Context, Element, Kinds, Node, PipelineBuilder, PipelineConfig, Run, Stage, StageFuture,
    StageIo, StageKind,
};
use banter::stages::{AudioTurn, Fact, Facts, TurnCommand};
use banter::time::{SessionClock, SessionTime};
use banter::turn::{Action, Detector, EndReason, Input, TurnConfig, TurnMachine};
use banter::vad::Scripted;
use tasks::{Timer, measure};
use tokio::sync::mpsc;

const RATE: SampleRate = SampleRate::SPEECH;
/// 10 ms, as the session moves them.
const CHUNK: usize = 160;

const DETECTOR: Detector = Detector { threshold: 0.5, delay: Duration::ZERO };

fn main() {
    let mut criterion = support::criterion();
    criterion.bench_function("frame path, 20 ms", |bencher| measure(bencher, frames));
    criterion.final_summary();
}

async fn frames(times: u64) -> Timer {
    let (facts_in, mut facts) = mpsc::channel(256);
    let (commands, obeyed) = mpsc::channel(64);
    let mut run = listen(times, Facts::to(facts_in), obeyed);
    let input = run.take_input().unwrap();
    let mut machine = TurnMachine::new(TurnConfig::default(), DETECTOR);
    let (mut port, mut capture) = capture_port(RATE);
    let (mut taken, mut begun) = (0, 0);
    let timer = Timer::around(async {
        for _ in 0..times {
            for _ in 0..2 {
                port.push(&[0; CHUNK]);
                let samples = capture.take(CHUNK).unwrap();
                let at = SessionTime::ZERO + RATE.duration(taken);
                taken += samples.len() as u64;
                let audio = AudioChunk::new(samples, RATE);
                input.send(Element::heard(TurnId::default(), at, audio)).await.unwrap();
            }
            let Some(Fact::Voice { end, length, probability, tone }) = facts.recv().await else {
                panic!("there is a fact for every frame");
            };
            machine.handle(Input::Voice { end, length, probability, tone });
            while let Some(action) = machine.poll_action() {
                let command = match action {
                    Action::Begin { turn, since } => {
                        begun += 1;
                        TurnCommand::Begin { turn, from: since - Duration::from_millis(300) }
                    }
                    Action::Lull { turn } => TurnCommand::Lull { turn },
                    Action::End { turn, reason, .. } => {
                        TurnCommand::End { turn, discard: reason == EndReason::TooShort }
                    }
                    _ => continue,
                };
                commands.try_send(command).unwrap();
            }
        }
    })
    .await;
    assert!(begun >= times / 100, "{begun} turns in {times} frames");
    timer
}

/// The listening half: a second of voice, a second of silence, and so on.
fn listen(frames: u64, facts: Facts, commands: mpsc::Receiver<TurnCommand>) -> Run {
    let script = ["s".repeat(50), ".".repeat(50)].concat().repeat(frames as usize / 100 + 1);
    let vad = Box::new(Scripted::new(&script));
    let turns =
        AudioTurn::new(vad, &FrontConfig::off(), facts, commands, Duration::from_millis(1_700));
    let config = PipelineConfig { idle_timeout: None, ..PipelineConfig::default() };
    let nodes = [Node::stage(turns), Node::stage(Deaf)];
    let pipeline = PipelineBuilder::new(config).chain(nodes).build().unwrap();
    pipeline.run(&Context::new(SessionClock::live()))
}

/// In the recogniser's place.
#[derive(Debug)]
struct Deaf;

impl Stage for Deaf {
    fn name(&self) -> &'static str {
        "deaf"
    }

    fn kind(&self) -> StageKind {
        StageKind::Sink
    }

    fn emits(&self) -> Kinds {
        Kinds::NONE
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(async move {
            let StageIo { mut inlet, .. } = io;
            while inlet.recv().await?.is_some() {}
            Ok(())
        })
    }
}
