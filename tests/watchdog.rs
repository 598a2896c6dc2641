//! A conversation goes on when an engine does not.

use std::sync::Arc;

use banter::device::{NullMicrophone, NullSpeaker};
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::stt::mock::MockTranscriber;
use banter::tts::MockSynthesizer;
use banter::{Engines, EventKind, Pace, SampleRate, Session, SessionConfig, vad};

/// The microphone hears silence all the while, which is no progress of the answer.
/// A model that hangs takes time on the wall: that is paused here.
#[tokio::test(start_paused = true)]
async fn a_model_that_says_nothing_fails_its_turn_after_30_s() {
    let model = MockProvider::new();
    model.add(MockAnswer::text("Never heard.").hanging_after(0));
    let engines = Engines {
        vad: Box::new(vad::Scripted::new(&(".".repeat(25) + &"s".repeat(25)))),
        transcriber: Arc::new(MockTranscriber::new(["good morning"])),
        provider: Arc::new(model),
        synthesizer: Arc::new(MockSynthesizer::default()),
        tools: Arc::default(),
    };
    let session = Session::new(engines, SessionConfig::default());
    let (mut events, stop) = (session.subscribe(), session.handle());
    let (mut asked, mut failed) = (None, None);
    let watch = async {
        while let Some(Ok(event)) = events.next().await {
            let at = event.at.as_millis();
            match event.kind {
                EventKind::ResponseStarted => asked = asked.or(Some(at)),
                EventKind::TurnFailed { .. } => failed = Some(at),
                EventKind::ResponseEnded { .. } => stop.stop(),
                _ => {}
            }
        }
    };
    let microphone = Box::new(NullMicrophone(SampleRate::SPEECH));
    let speaker = Box::new(NullSpeaker(SampleRate::SPEECH));
    let (summary, ()) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);

    assert_eq!(summary.unwrap().turns, 1);
    assert_eq!(failed.unwrap() - asked.unwrap(), 30_000.0);
}
