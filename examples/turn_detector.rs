//! A detector of turns of one's own: one that knows when to be patient.
//!
//! Who has said little is likely to go on: "my name is …". Who has said a whole sentence has likely
//! finished. So this detector waits for 0.8 s of silence after few words, and for 0.4 s after
//! many, where the session's own rule waits for 0.8 s in any case.
//!
//! `cargo run --example turn_detector` has `assets/conversation.wav` answered by doubles, and
//! prints how long each turn waited for its end.

use std::error::Error;
use std::io::{Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use banter::device::{NullSpeaker, WavMicrophone};
use banter::providers::mock::MockProvider;
use banter::session::Engines;
use banter::stt::mock::MockTranscriber;
use banter::tools::ToolRegistry;
use banter::tts::MockSynthesizer;
use banter::turn::{Piece, TurnDetector, TurnSign};
use banter::{EventKind, Microphone, Pace, Session, SessionConfig, SessionTime, vad};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    talk(&mut stdout()).await.map(drop)
}

/// What it knows of the voice that it hears, if it hears one.
#[derive(Debug, Default)]
struct Patient {
    heard: Option<Heard>,
    /// The turn has been told to have started.
    open: bool,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    since: SessionTime,
    /// When voice was last heard, and how much of it there was.
    last: SessionTime,
    voice: Duration,
}

impl TurnDetector for Patient {
    fn name(&self) -> &'static str {
        "patient"
    }

    fn hear(&mut self, piece: Piece<'_>) -> Option<TurnSign> {
        if piece.probability >= 0.6 {
            let since = piece.at;
            let heard =
                self.heard.get_or_insert(Heard { since, last: since, voice: Duration::ZERO });
            heard.last = piece.end();
            heard.voice += piece.end().since(piece.at);
            let starts = !self.open && heard.voice >= ENOUGH;
            self.open |= starts;
            return starts.then_some(TurnSign::Started { at: heard.since });
        }
        let Heard { last, voice, .. } = self.heard?;
        let silence = match (self.open, voice) {
            (false, _) => GAP, // it was too little to be a turn
            (true, voice) if voice < SENTENCE => PATIENT,
            (true, _) => BRISK,
        };
        if piece.end().since(last) < silence {
            return None;
        }
        self.heard = None;
        std::mem::take(&mut self.open).then_some(TurnSign::Ended { speech_end: last })
    }
}

/// So much voice starts a turn.
const ENOUGH: Duration = Duration::from_millis(200);

/// Voice further apart than this is not of the same start.
const GAP: Duration = Duration::from_millis(60);

/// So much voice is a whole sentence rather than a part of one.
const SENTENCE: Duration = Duration::from_millis(900);

const PATIENT: Duration = Duration::from_millis(800);
const BRISK: Duration = Duration::from_millis(400);

/// When a turn began, and how long its end was waited for, in milliseconds.
type Waited = (f64, f64);

async fn talk(output: &mut impl Write) -> Result<Vec<Waited>, Box<dyn Error>> {
    let provider = MockProvider::new();
    (0..9).for_each(|_| provider.add_response("I see."));
    let engines = Engines {
        vad: vad::by_name("earshot")?,
        transcriber: Arc::new(MockTranscriber::new(["words"; 9])),
        provider: Arc::new(provider),
        synthesizer: Arc::new(MockSynthesizer::default()),
        tools: Arc::new(ToolRegistry::new()),
    };
    let session = Session::new(engines, SessionConfig::default());
    let session = session.with_turn_detector(Box::new(Patient::default()));
    let mut events = session.subscribe();
    let microphone = Box::new(WavMicrophone::open("assets/conversation.wav")?);
    let speaker = Box::new(NullSpeaker(microphone.rate()));
    let watch = async {
        let (mut begun, mut waited) = (0.0, Vec::new());
        while let Some(Ok(event)) = events.next().await {
            match event.kind {
                EventKind::TurnStarted { start_ms } => begun = start_ms,
                EventKind::TurnEnded { silence_ms, .. } => waited.push((begun, silence_ms)),
                _ => {}
            }
        }
        waited
    };
    let (summary, waited) = tokio::join!(session.run(microphone, speaker, Pace::Max), watch);
    summary?;
    for (begun, silence) in &waited {
        writeln!(output, "a turn from {begun:6.0} ms, ended after {silence:4.0} ms of silence")?;
    }
    Ok(waited)
}

#[tokio::test]
async fn sentences_end_soon_and_a_hesitation_is_kept_whole() {
    let mut output = Vec::new();
    let waited = talk(&mut output).await.unwrap();
    let output = String::from_utf8(output).unwrap();
    assert_eq!(waited.len(), 6, "one for each label: {output}");
    let (begun, silence) = waited[0];
    assert!((begun - 1000.0).abs() < 150.0 && (400.0..440.0).contains(&silence), "{output}");
    // "my name is", half a second of silence, "john".
    let next = waited[2].0;
    assert!(waited[1].0 < 7000.0 && next > 13_000.0, "the hesitation is in its turn: {output}");
    let (_, goodbye) = waited[5];
    assert!((800.0..840.0).contains(&goodbye), "one word: {output}");
}
