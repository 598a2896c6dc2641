//! Speech to text: one utterance of sound in, its words out while it is spoken.
//!
//! ```text
//! Transcriber::open ─▶ Utterance ── send(Audio …, Lull, End) ─▶ engine
//!                          ◀── next(): Partial …, Provisional, Partial …, Final ──┘
//! ```
//!
//! An engine works beside the caller: on the worker pool, in a task, in a process. The two
//! queues between them are bounded, so a slow engine holds its caller back.

pub mod mock;
mod openai;
#[cfg(feature = "pocketsphinx")]
pub mod pocketsphinx;
#[cfg(feature = "pocketsphinx")]
mod pool;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::audio::{AudioChunk, SampleRate};
use crate::error::Recovery;
use crate::net::NetError;
use crate::text::Phrases;
use crate::time::Work;

pub use openai::OpenAiTranscriber;

/// A speech recogniser, shared by many sessions.
pub trait Transcriber: Debug + Send + Sync {
    /// Names the engine in events and on the command line.
    fn name(&self) -> &'static str;

    /// The sample rate that it takes.
    fn rate(&self) -> SampleRate {
        SampleRate::SPEECH
    }

    /// The most sound before speech that it makes good use of. No limit by default.
    fn pre_roll(&self) -> Duration {
        Duration::MAX
    }

    /// Whether its use is paid for: then nothing is recognised ahead that may be in vain, unless
    /// that is wished for. By default it is not.
    fn is_metered(&self) -> bool {
        false
    }

    /// Whether what it says at a lull is asked of a service as if it were the end, and again if the
    /// speaker goes on: then it is asked at lulls only where answers are begun ahead. By default it
    /// is not.
    fn asks_again(&self) -> bool {
        false
    }

    /// Whether its words, while they come, tell if a sentence is complete: of one that mistakes
    /// every third word, the last means nothing. So it is by default.
    fn is_reliable(&self) -> bool {
        true
    }

    /// Whether it gives words while they are said, within a second: then noise is known by their
    /// absence. By default it is not.
    fn is_prompt(&self) -> bool {
        false
    }

    /// Opens an utterance. Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// As [`SttError`] says.
    fn open(&self) -> Result<Utterance, SttError>;

    /// Opens an utterance that may hold one of `phrases`. An engine that can listen for them says
    /// [`SttEvent::Spotted`]; any other hears words as ever, and this is the same as
    /// [`open`](Self::open), as it is by default.
    ///
    /// # Errors
    ///
    /// As [`SttError`] says.
    fn open_for(&self, phrases: &Phrases) -> Result<Utterance, SttError> {
        let _unheard = phrases;
        self.open()
    }

    /// Whether it can hear all of `phrases`. By default it can.
    ///
    /// # Errors
    ///
    /// [`SttError::Start`] names a word that it does not know.
    fn check_phrases(&self, phrases: &Phrases) -> Result<(), SttError> {
        let _all = phrases;
        Ok(())
    }
}

/// The recogniser called `name`: `pocketsphinx`, or `mock`, which hears a few fixed sentences.
///
/// # Errors
///
/// [`SttError::Unknown`] for another name, [`SttError::Start`] if that engine is not built in or
/// its model is missing.
pub fn by_name(name: &str) -> Result<Arc<dyn Transcriber>, SttError> {
    match name {
        #[cfg(feature = "pocketsphinx")]
        "pocketsphinx" => Ok(Arc::new(pocketsphinx::PocketSphinx::new()?)),
        #[cfg(not(feature = "pocketsphinx"))]
        "pocketsphinx" => Err(SttError::Start {
            engine: "pocketsphinx",
            reason: "it is not built in; build with `--features pocketsphinx`".to_owned(),
        }),
        "mock" => Ok(Arc::new(mock::MockTranscriber::new(["hello", "tell me a story", "goodbye"]))),
        _ => Err(SttError::Unknown(name.to_owned())),
    }
}

/// Has `engine` load what it needs by an utterance without sound, so that the first one with
/// sound is not late. Waits as long as the engine does.
///
/// # Errors
///
/// As [`SttError`] says.
pub async fn warm(engine: &dyn Transcriber) -> Result<(), SttError> {
    let mut utterance = engine.open()?;
    utterance.send(SttInput::End, Work::default()).await;
    while let Some(event) = utterance.next().await {
        event?;
    }
    Ok(())
}

/// What a recogniser is told.
#[derive(Debug)]
pub enum SttInput {
    /// More sound, at the engine's rate.
    Audio(AudioChunk),
    /// The speaker pauses: say what was said so far as [`SttEvent::Provisional`]. The utterance
    /// stays open; sound may follow. If the end does, what was said so far was all.
    Lull,
    /// The speaker goes on after a lull.
    GoesOn,
    /// No more sound: [`SttEvent::Final`] follows, and the utterance is over.
    End,
}

/// What a recogniser says. Each text is that of the whole utterance so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SttEvent {
    /// May still change.
    Partial(String),
    /// What the final would be if nothing more were said.
    Provisional(String),
    /// The whole utterance. Empty if there were no words.
    Final(String),
    /// The engine believes that the speaker has finished.
    SpeechEnded,
    /// It was asked to listen for this phrase, and has heard it. All texts that follow are those of
    /// what was said behind it.
    Spotted(String),
}

/// An utterance in progress. Dropping it abandons it.
#[derive(Debug)]
pub struct Utterance {
    inputs: mpsc::Sender<(SttInput, Work)>,
    events: mpsc::Receiver<Result<SttEvent, SttError>>,
}

/// The engine's side of an [`Utterance`].
#[derive(Debug)]
pub struct UtteranceEngine {
    /// What to do, in order. The [`Work`] is dropped when it is done and its events are sent.
    pub inputs: mpsc::Receiver<(SttInput, Work)>,
    /// Where the events go.
    pub events: mpsc::Sender<Result<SttEvent, SttError>>,
}

impl Utterance {
    /// An utterance and the engine's side of it. Each direction holds up to 64 items: sound
    /// waits for the engine beyond that, the engine for its reader.
    #[must_use]
    pub fn channel() -> (Self, UtteranceEngine) {
        let (inputs, engine_inputs) = mpsc::channel(QUEUE);
        let (engine_events, events) = mpsc::channel(QUEUE);
        (Self { inputs, events }, UtteranceEngine { inputs: engine_inputs, events: engine_events })
    }

    /// Tells the engine something, waiting while its queue is full. `work` holds a stepped clock
    /// until the engine has dealt with it.
    ///
    /// Returns without effect if the engine is gone: [`next`](Self::next) says why.
    pub async fn send(&self, input: SttInput, work: Work) {
        let _gone = self.inputs.send((input, work)).await;
    }

    /// The next event; `None` after the last. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<SttEvent, SttError>> {
        self.events.recv().await
    }
}

/// A failure of a speech recogniser.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SttError {
    /// There is no engine of that name.
    #[error("there is no speech recogniser \"{0}\"; choose pocketsphinx or mock")]
    Unknown(String),
    /// The engine could not be set up.
    #[error("cannot start the speech recogniser {engine}: {reason}")]
    Start {
        /// Which engine.
        engine: &'static str,
        /// What is missing and what to do about it.
        reason: String,
    },
    /// The engine failed while it worked.
    #[error("the speech recogniser {engine} failed: {reason}")]
    Failed {
        /// Which engine.
        engine: &'static str,
        /// What it said.
        reason: String,
    },
    /// The service behind the engine cannot be reached, fails or refuses.
    #[error("the speech recogniser {engine} failed: {error}{}", advice(error))]
    Service {
        /// Which engine.
        engine: &'static str,
        /// What went wrong.
        error: NetError,
    },
}

/// What to do about a refusal.
fn advice(error: &NetError) -> &'static str {
    let NetError::Refused { status, .. } = error else { return "" };
    match status.as_u16() {
        401 => "; check the key",
        404 => {
            "; it transcribes no speech, or has no such model: choose another with --stt or the \
             setting stt.base_url"
        }
        _ => "",
    }
}

impl SttError {
    /// What to do about it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        match self {
            Self::Unknown(_) | Self::Start { .. } => Recovery::AskUser,
            Self::Failed { .. } => Recovery::FallBack,
            Self::Service { error, .. } => error.recovery(),
        }
    }
}

/// 64 chunks of 20 ms are more than a second: an engine that far behind will not catch up.
const QUEUE: usize = 64;

#[cfg(test)]
mod tests {
    use super::by_name;

    #[test]
    fn engines_have_names() {
        assert_eq!(by_name("mock").unwrap().name(), "mock");
        let unknown = by_name("wisper").unwrap_err().to_string();
        assert!(unknown.contains("wisper") && unknown.contains("pocketsphinx"), "{unknown}");
    }

    #[cfg(not(feature = "pocketsphinx"))]
    #[test]
    fn an_engine_that_is_not_built_in_says_how_to_build_it() {
        let missing = by_name("pocketsphinx").unwrap_err().to_string();
        assert!(missing.contains("--features pocketsphinx"), "{missing}");
    }
}
