//! The talk that is measured: every instruction of it is the same each time.

use std::path::Path;
use std::sync::Arc;

use banter::device::{NullSpeaker, WavMicrophone};
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::stt::mock::MockTranscriber;
use banter::tts::MockSynthesizer;
use banter::{Engines, Microphone, Pace, Session, SessionConfig, vad};
use tokio::runtime::Builder;

const HEARD: [&str; 6] = [
    "how much is ten plus five",
    "my name is john",
    "tell me a story",
    "stop please",
    "what is my name",
    "goodbye",
];
const ANSWERS: [&str; 6] = [
    "Ten plus five is fifteen. Ask me for more.",
    "Nice to meet you, John.",
    "There was a parrot who was asked for a story every day. One day it asked back, and nobody \
     knew one. So it told them of a parrot who was asked for a story every day. They liked it.",
    "I stop.",
    "Your name is John, as you said.",
    "Goodbye, John. It was good to talk to you.",
];

/// 36 s of a recorded user who talks to the agent, and interrupts it once: `earshot` listens to
/// every frame, and all other engines are doubles. On one thread, in a time that no clock moves.
///
/// # Panics
/// If it was not that talk: then there is nothing to measure.
pub(crate) fn talk() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        // By the question: at the pause in one of them an answer is begun in vain.
        let provider = MockProvider::answering(|request| {
            let asked = request.messages.last().map_or("", |message| message.text.as_str());
            let number = HEARD.iter().position(|heard| *heard == asked);
            MockAnswer::text(number.map_or("What?", |number| ANSWERS[number]))
        });
        let engines = Engines {
            vad: vad::by_name("earshot").unwrap(),
            transcriber: Arc::new(MockTranscriber::new(HEARD)),
            provider: Arc::new(provider),
            synthesizer: Arc::new(MockSynthesizer::default()),
            tools: Arc::default(),
        };
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/conversation.wav");
        let microphone = Box::new(WavMicrophone::open(fixture).unwrap());
        let speaker = Box::new(NullSpeaker(microphone.rate()));
        let session = Session::new(engines, SessionConfig::default());
        let summary = session.run(microphone, speaker, Pace::Live).await.unwrap();
        assert_eq!((summary.turns, summary.messages.len()), (6, 12), "{:?}", summary.messages);
        let story = &summary.messages[5].text;
        assert!(ANSWERS[2].starts_with(story.as_str()) && story.len() < ANSWERS[2].len());
    });
}
