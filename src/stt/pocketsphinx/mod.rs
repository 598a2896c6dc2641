//! The embedded recogniser: PocketSphinx with Debian's American English model.
//!
//! It needs no network and no keys, knows everyday sentences well and rare words badly. Nothing
//! carries over from one utterance to the next: the same sound gives the same events, whatever
//! was heard before and however the sound was cut into chunks.
//!
//! ```text
//! open ─▶ task: queued inputs ─▶ one job on the worker pool ─▶ events ─▶ Work dropped
//!                                  │ decoder moves in and out
//!                    idle decoders ┘ (bounded; one takes 0.3 s to load and 100 MB)
//! ```
//!
//! It does not detect turns: [`SttEvent::SpeechEnded`] is never sent.

mod dictation;
mod ffi;

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::{SttError, SttEvent, SttInput, Transcriber, Utterance, UtteranceEngine, pool};
use crate::audio::SampleRate;
use crate::time::Work;
use dictation::Dictation;
use ffi::Decoder;

/// The recogniser PocketSphinx.
#[derive(Clone, Debug)]
pub struct PocketSphinx(Arc<Decoders>);

impl PocketSphinx {
    /// The name of the engine.
    pub const NAME: &str = "pocketsphinx";

    /// With the model of Debian's package pocketsphinx-en-us.
    ///
    /// # Errors
    ///
    /// [`SttError::Start`] if the model is not installed.
    pub fn new() -> Result<Self, SttError> {
        Self::with_model(MODEL)
    }

    /// With the model in the folder `model`, laid out as Debian's: `en-us/`, `en-us.lm.bin`,
    /// `cmudict-en-us.dict`.
    ///
    /// # Errors
    ///
    /// [`SttError::Start`] if a part of the model is missing.
    pub fn with_model(model: impl AsRef<Path>) -> Result<Self, SttError> {
        let model = find_model(model.as_ref())?;
        Ok(Self(Arc::new(Decoders { model, idle: ArrayQueue::new(pool::width()) })))
    }
}

impl Transcriber for PocketSphinx {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn pre_roll(&self) -> Duration {
        PRE_ROLL
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, engine) = Utterance::channel();
        tokio::spawn(serve(Arc::clone(&self.0), engine));
        Ok(utterance)
    }
}

/// Serves one utterance, then takes the decoder back.
async fn serve(decoders: Arc<Decoders>, engine: UtteranceEngine) {
    let UtteranceEngine { mut inputs, events } = engine;
    let mut worker = Worker { decoders, dictation: None };
    let mut batch = Vec::new();
    while inputs.recv_many(&mut batch, BATCH).await > 0 && !events.is_closed() {
        let (told, works): (Vec<SttInput>, Vec<Work>) = batch.drain(..).unzip();
        let job = pool::run(move || {
            let answers = worker.answer(told);
            (worker, answers)
        });
        let Ok((returned, answers)) = job.await else {
            let _gone = events.send(Err(failed("its worker died"))).await;
            return;
        };
        worker = returned;
        let over = matches!(answers.last(), Some(Err(_) | Ok(SttEvent::Final(_))));
        for answer in answers {
            let _gone = events.send(answer).await;
        }
        drop(works);
        if over {
            break;
        }
    }
    drop(inputs);
    let _shutting_down = pool::run(move || worker.end()).await;
    // Only now, so that who waits for the last event finds the decoder idle.
    drop(events);
}

/// What moves into a job and out again.
struct Worker {
    decoders: Arc<Decoders>,
    /// From the first input on.
    dictation: Option<Dictation>,
}

impl Worker {
    /// What `inputs` bring about. A final or an error is the last event.
    fn answer(&mut self, inputs: Vec<SttInput>) -> Vec<Result<SttEvent, SttError>> {
        let mut events = Vec::new();
        if let Err(error) = self.take(inputs, &mut |event| events.push(Ok(event))) {
            self.dictation = None;
            events.push(Err(error));
        }
        events
    }

    fn take(
        &mut self,
        inputs: Vec<SttInput>,
        emit: &mut dyn FnMut(SttEvent),
    ) -> Result<(), SttError> {
        let dictation = match &mut self.dictation {
            Some(dictation) => dictation,
            none => none.insert(Dictation::new(self.decoders.borrow()?)?),
        };
        for input in inputs {
            match input {
                SttInput::Audio(chunk) if chunk.rate() != SampleRate::SPEECH => {
                    let rate = chunk.rate();
                    return Err(failed(format!("it needs sound at 16000 Hz, not {rate}")));
                }
                SttInput::Audio(chunk) => dictation.hear(chunk.samples(), emit)?,
                SttInput::Lull => emit(SttEvent::Provisional(dictation.pause()?)),
                SttInput::End => {
                    emit(SttEvent::Final(dictation.pause()?));
                    break;
                }
            }
        }
        Ok(())
    }

    fn end(self) {
        if let Some(decoder) = self.dictation.and_then(Dictation::end) {
            // More than the pool can use are not worth their memory.
            let _too_many = self.decoders.idle.push(decoder);
        }
    }
}

/// The model, and the decoders that wait for work.
#[derive(Debug)]
struct Decoders {
    /// The acoustic model, the language model, the dictionary.
    model: [CString; 3],
    idle: ArrayQueue<Decoder>,
}

impl Decoders {
    fn borrow(&self) -> Result<Decoder, SttError> {
        self.idle.pop().map_or_else(|| self.load(), Ok)
    }

    fn load(&self) -> Result<Decoder, SttError> {
        let [acoustic, language, dictionary] = &self.model;
        Decoder::load(acoustic, language, dictionary).ok_or_else(|| {
            start(format!("it cannot read its model {}", language.to_string_lossy()))
        })
    }
}

/// The parts of the model in `folder`, all there. The library would end the program otherwise.
fn find_model(folder: &Path) -> Result<[CString; 3], SttError> {
    let find = |part: &str| {
        let path = folder.join(part);
        if !path.exists() {
            return Err(start(format!(
                "there is no {}; install its model (Debian: apt-get install pocketsphinx-en-us)",
                path.display()
            )));
        }
        CString::new(path.into_os_string().into_encoded_bytes())
            .map_err(|_| start("the path of its model holds a NUL".to_owned()))
    };
    Ok([find("en-us")?, find("en-us.lm.bin")?, find("cmudict-en-us.dict")?])
}

fn start(reason: String) -> SttError {
    SttError::Start { engine: PocketSphinx::NAME, reason }
}

fn failed(reason: impl Into<String>) -> SttError {
    SttError::Failed { engine: PocketSphinx::NAME, reason: reason.into() }
}

/// Where Debian's package pocketsphinx-en-us puts its model.
const MODEL: &str = "/usr/share/pocketsphinx/model/en-us";

/// All that an utterance's queue can hold.
const BATCH: usize = 64;

/// A second of faint noise before "how much is ten plus five" makes it "hello much is ten plus
/// five": the library takes some of it for speech, and learns the voice from it.
const PRE_ROLL: Duration = Duration::from_millis(300);

#[cfg(test)]
mod tests;
