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
//! It does not detect turns: [`SttEvent::SpeechEnded`] is never sent. It listens for phrases, with a
//! decoder of its own for that (`phrases`).

mod dictation;
mod ffi;
mod phrases;

use std::ffi::CString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_queue::ArrayQueue;

use super::{SttError, SttEvent, SttInput, Transcriber, Utterance, UtteranceEngine, pool};
use crate::audio::SampleRate;
use crate::text::Phrases;
use crate::time::Work;
use dictation::Dictation;
use ffi::Decoder;
use phrases::{Ear, Listener, Spotted};

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
        let (idle, ears) = (ArrayQueue::new(pool::width()), ArrayQueue::new(pool::width()));
        Ok(Self(Arc::new(Decoders { model, idle, ears })))
    }
}

impl Transcriber for PocketSphinx {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// It mistakes four words of ten.
    fn is_reliable(&self) -> bool {
        false
    }

    fn is_prompt(&self) -> bool {
        true
    }

    fn pre_roll(&self) -> Duration {
        PRE_ROLL
    }

    fn open(&self) -> Result<Utterance, SttError> {
        let (utterance, engine) = Utterance::channel();
        tokio::spawn(serve(Arc::clone(&self.0), None, engine));
        Ok(utterance)
    }

    fn open_for(&self, phrases: &Phrases) -> Result<Utterance, SttError> {
        let (utterance, engine) = Utterance::channel();
        tokio::spawn(serve(Arc::clone(&self.0), Some(phrases.clone()), engine));
        Ok(utterance)
    }

    fn check_phrases(&self, phrases: &Phrases) -> Result<(), SttError> {
        phrases::check(&self.0.model[2], phrases)
    }
}

/// Serves one utterance, then takes the decoder back.
async fn serve(decoders: Arc<Decoders>, phrases: Option<Phrases>, engine: UtteranceEngine) {
    let UtteranceEngine { mut inputs, events } = engine;
    let mut worker = Worker { decoders, phrases, dictation: None, listener: None };
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
    /// What is still to be listened for.
    phrases: Option<Phrases>,
    /// From the first input on.
    dictation: Option<Dictation>,
    listener: Option<Listener>,
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
        if let Some(phrases) = self.phrases.take() {
            self.listener = Some(Listener::new(self.decoders.ear(&phrases)?));
        }
        if self.dictation.is_none() {
            self.dictation = Some(Dictation::new(self.decoders.borrow()?)?);
        }
        for input in inputs {
            let Some(dictation) = &mut self.dictation else { break };
            match input {
                SttInput::Audio(chunk) if chunk.rate() != SampleRate::SPEECH => {
                    let rate = chunk.rate();
                    return Err(failed(format!("it needs sound at 16000 Hz, not {rate}")));
                }
                SttInput::Audio(chunk) => {
                    let samples = chunk.samples();
                    match self.listener.as_mut().and_then(|listener| listener.hear(samples)) {
                        Some(spotted) => self.begin_anew(spotted, emit)?,
                        None => dictation.hear(samples, emit)?,
                    }
                }
                SttInput::Lull => {
                    let text = self.pause(emit)?;
                    emit(SttEvent::Provisional(text));
                }
                SttInput::GoesOn => {}
                SttInput::End => {
                    let text = self.pause(emit)?;
                    emit(SttEvent::Final(text));
                    break;
                }
            }
        }
        Ok(())
    }

    /// The whole text so far.
    fn pause(&mut self, emit: &mut dyn FnMut(SttEvent)) -> Result<String, SttError> {
        if let Some(spotted) = self.listener.as_mut().and_then(Listener::look) {
            self.begin_anew(spotted, emit)?;
        }
        self.dictation.as_mut().map_or_else(|| Ok(String::new()), Dictation::pause)
    }

    /// A phrase was found: the words are those behind it, and nothing more is listened for.
    fn begin_anew(
        &mut self,
        Spotted { phrase, rest }: Spotted,
        emit: &mut dyn FnMut(SttEvent),
    ) -> Result<(), SttError> {
        self.stop_listening();
        emit(SttEvent::Spotted(phrase));
        let Some(dictation) = &mut self.dictation else { return Ok(()) };
        dictation.forget()?;
        dictation.hear(&rest, emit)
    }

    fn stop_listening(&mut self) {
        if let Some(listener) = self.listener.take() {
            // More than the pool can use are not worth their memory.
            let _too_many = self.decoders.ears.push(listener.end());
        }
    }

    fn end(mut self) {
        self.stop_listening();
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
    ears: ArrayQueue<Ear>,
}

impl Decoders {
    fn borrow(&self) -> Result<Decoder, SttError> {
        self.idle.pop().map_or_else(|| self.load(), Ok)
    }

    fn ear(&self, phrases: &Phrases) -> Result<Ear, SttError> {
        let fits = |ear: &Ear| ear.phrases == *phrases;
        self.ears.pop().filter(fits).map_or_else(|| Ear::new(self, phrases), Ok)
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
