//! A whole call of one turn as fast as it goes, all of its engines mocks: two and a half seconds
//! of the user's sound, and an answer of about two.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use std::sync::Arc;

use banter::audio::SampleRate;
use banter::device::{CapturePort, Comes, DeviceError, Microphone, NullSpeaker, Running};
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::session::{Engines, Pace, Session, SessionConfig};
use banter::stt::mock::MockTranscriber;
use banter::time::{SessionClock, SessionTime};
use banter::tools::ToolRegistry;
use banter::tts::MockSynthesizer;
use banter::vad::Scripted;
use tokio::runtime::Builder;

const ANSWER: &str = "Hello to you. How can I help today?";

fn main() {
    let mut criterion = support::criterion();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    criterion.bench_function("offline turn", |bencher| {
        bencher.iter(|| runtime.block_on(call()));
    });
    criterion.final_summary();
}

async fn call() {
    let script = [".".repeat(15), "s".repeat(50), ".".repeat(60)].concat();
    let provider = MockProvider::answering(|_| MockAnswer::text(ANSWER));
    let engines = Engines {
        vad: Box::new(Scripted::new(&script)),
        transcriber: Arc::new(MockTranscriber::new(["hello there"])),
        provider: Arc::new(provider),
        synthesizer: Arc::new(MockSynthesizer::default()),
        tools: Arc::new(ToolRegistry::new()),
    };
    let session = Session::new(engines, SessionConfig::default());
    let microphone = Box::new(Memory { left: 40_000 });
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let summary = session.run(microphone, speaker, Pace::Max).await.unwrap();
    assert_eq!((summary.turns, summary.messages.len()), (1, 2), "it was a conversation");
    assert_eq!(summary.messages[1].text, ANSWER, "and its answer was heard");
}

/// A microphone with so many samples.
#[derive(Debug)]
struct Memory {
    left: u64,
}

impl Microphone for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    fn start(
        self: Box<Self>,
        port: CapturePort,
        _clock: &SessionClock,
    ) -> Result<Box<dyn Running>, DeviceError> {
        Ok(Box::new(Capturing { left: self.left, moved: 0, port: Some(port) }))
    }
}

#[derive(Debug)]
struct Capturing {
    left: u64,
    moved: u64,
    /// `None` once the sound has ended.
    port: Option<CapturePort>,
}

impl Running for Capturing {
    fn advance(&mut self, now: SessionTime) -> Result<(), DeviceError> {
        let due = SampleRate::SPEECH.samples(now.since(SessionTime::ZERO)).min(self.left);
        if let Some(port) = &mut self.port {
            port.push(&vec![0; (due - self.moved) as usize]);
            self.moved = due;
        }
        if due == self.left {
            self.port = None;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), DeviceError> {
        Ok(())
    }

    fn comes(&self) -> Comes {
        Comes::OnTime
    }
}
