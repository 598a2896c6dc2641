//! Speaks the answer while it is written.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};

use super::{Fact, Facts, Mark};
use crate::audio::{AudioChunk, SampleRate};
use crate::events::StageName;
use crate::ids::ResponseId;
use crate::pipeline::{
    Context, Element, Floor, Inlet, Kinds, Outcome, Outlet, Payload, Stage, StageError,
    StageFuture, StageIo, StageKind, TurnContext,
};
use crate::text::{Clause, ClauseCutter, English, Language, spoken};
use crate::tts::{SpeakRequest, SpeechEvent, SpeechStream, Synthesizer, TtsError, from_onset};
use crate::turn::{CHARS_PER_SECOND, SpeechMark};

/// The stage: text is cut at the first clause, later at sentences; each piece is synthesized as
/// soon as the one before is, and its sound sent on as it is made. A piece that fails before any
/// of it was sent is tried once more, if that makes sense.
///
/// The text itself passes, ahead of its sound. A cancelled response stops the engine at once. One in
/// the [model's own voice](TurnContext::own_voice) passes as it is.
#[derive(Debug)]
pub struct Tts {
    synthesizer: Arc<dyn Synthesizer>,
    voice: Option<String>,
    speed: f32,
    language: Arc<dyn Language>,
    facts: Facts,
}

impl Tts {
    /// A stage with this engine, in its default voice, for answers in English or in a language
    /// without abbreviations.
    #[must_use]
    pub fn new(synthesizer: Arc<dyn Synthesizer>, facts: Facts) -> Self {
        let language = Arc::new(English);
        Self { synthesizer, voice: None, speed: 1.0, language, facts }
    }

    /// The same in this voice, at this speed (from 0.5 to 2, 1 by default).
    #[must_use]
    pub fn with_voice(mut self, voice: Option<String>, speed: f32) -> Self {
        (self.voice, self.speed) = (voice, speed);
        self
    }

    /// The same for answers in this language: its rules say where they are cut.
    #[must_use]
    pub fn with_language(mut self, language: Arc<dyn Language>) -> Self {
        self.language = language;
        self
    }
}

/// The response that is being spoken.
struct Speaking {
    response: ResponseId,
    /// An element of the response, for the ones to come.
    origin: Element,
    cutter: ClauseCutter,
    /// Pieces that wait for the engine.
    waiting: VecDeque<Clause>,
    /// The piece that the engine is at.
    current: Option<(Clause, SpeechStream)>,
    /// It is spoken a second time: the first time failed.
    retried: bool,
    /// The piece still needs its mark.
    unmarked: bool,
    /// Where the piece's text begins in the answer, if it is spoken as it is written: the words
    /// that the engine names can then be found in it.
    verbatim: Option<usize>,
    /// Where the next word begins in the piece's sound, as far as the engine says.
    word_start: u64,
    /// Samples sent so far.
    sent: u64,
    /// Samples sent before the present piece.
    piece_start: u64,
    /// How the text ended, once it has.
    ended: Option<Outcome>,
    /// How many pieces the engine was given.
    pieces: usize,
    /// It is begun ahead, and not committed as far as is known.
    ahead: bool,
}

struct Speaker {
    stage: Tts,
    inlet: Inlet,
    outlet: Outlet,
    context: Context,
    speaking: Option<Speaking>,
    /// The last response whose end was sent. More of it may still arrive after a failure.
    over: Option<ResponseId>,
}

impl Speaker {
    async fn run(mut self) -> Result<(), StageError> {
        let floor = self.context.floor.clone();
        loop {
            self.start_next().await;
            let current = self.speaking.as_ref().map(|speaking| speaking.response);
            let room = self.speaking.as_ref().is_none_or(Speaking::has_room);
            let waits = current.filter(|_| self.speaking.as_ref().is_some_and(|s| s.ahead));
            tokio::select! {
                biased;
                () = cancelled(current, &floor) => self.abandon().await,
                () = committed(waits, &floor) => {
                    self.speaking.iter_mut().for_each(|speaking| speaking.ahead = false);
                }
                event = next_sound(&mut self.speaking, &self.context) => self.on_sound(event).await,
                element = self.inlet.recv(), if room => match element? {
                    Some(element) => self.on_element(element).await,
                    None if self.speaking.is_none() => return Ok(()),
                    None => self.finish(),
                },
            }
        }
    }

    /// Starts the engine on the next piece, or ends the response when all is spoken.
    async fn start_next(&mut self) {
        while let Some(speaking) = &mut self.speaking
            && speaking.current.is_none()
        {
            if speaking.ahead && speaking.pieces > 0 {
                return; // the rest may be in vain
            }
            let Some(clause) = speaking.waiting.pop_front() else {
                if let Some(outcome) = speaking.ended.take() {
                    self.end(outcome).await;
                }
                return;
            };
            if spoken(&clause.text).is_empty() {
                continue;
            }
            let response = speaking.response;
            let facts = &self.stage.facts;
            speaking.pieces += 1;
            if speaking.pieces == 1 {
                facts.mark(response, Mark::FirstClause, self.context.clock.now()).await;
            }
            facts.tell(Fact::Clause { response, text: clause.text.clone() }).await;
            speaking.retried = false;
            self.start(clause, Duration::ZERO);
        }
    }

    /// Has the engine speak the piece, after a pause.
    fn start(&mut self, clause: Clause, pause: Duration) {
        let Some(speaking) = &mut self.speaking else { return };
        let text = spoken(&clause.text);
        let lead = clause.text.len() - clause.text.trim_start().len();
        speaking.verbatim = (text == clause.text.trim()).then_some(clause.range.start + lead);
        let request =
            SpeakRequest { text, voice: self.stage.voice.clone(), speed: self.stage.speed };
        let (engine, clock) = (Arc::clone(&self.stage.synthesizer), self.context.clock.clone());
        let stream: SpeechStream = match pause {
            Duration::ZERO => engine.speak(request),
            pause => {
                let later = async move {
                    clock.sleep(pause).await;
                    engine.speak(request)
                };
                Box::pin(later.flatten_stream())
            }
        };
        // Silence before the answer only delays it; between sentences it is a pause.
        let stream = if speaking.sent == 0 { from_onset(stream) } else { stream };
        speaking.piece_start = speaking.sent;
        speaking.unmarked = true;
        speaking.word_start = 0;
        speaking.current = Some((clause, stream));
    }

    async fn end(&mut self, outcome: Outcome) {
        let Some(speaking) = self.speaking.take() else { return };
        self.over = Some(speaking.response);
        let at = self.context.clock.now();
        let end = Element { at, ..speaking.origin.with(Payload::TurnEnd(outcome)) };
        let _ended = self.outlet.send(end).await;
    }

    async fn on_element(&mut self, element: Element) {
        if element.response.is_some() && element.response <= self.over {
            return;
        }
        match (&element.payload, &mut self.speaking) {
            (Payload::Begin(turn), _) => {
                let speaks = || Speaking::new(turn, &element, &self.stage.language);
                self.speaking = (!turn.own_voice).then(speaks);
            }
            (Payload::TextDelta(text), Some(speaking)) if speaking.is(&element) => {
                speaking.cutter.push(text);
                speaking.take_clauses();
            }
            // What was said before the call is heard while the tool runs.
            (Payload::ToolCall(_), Some(speaking)) if speaking.is(&element) => {
                while let Some(clause) = speaking.cutter.pause() {
                    speaking.waiting.push_back(clause);
                }
            }
            (Payload::TurnEnd(outcome), Some(speaking)) if speaking.is(&element) => {
                speaking.end_text(outcome.clone());
                return; // it is passed on when all is spoken
            }
            _ => {}
        }
        let _ended = self.outlet.send(element).await;
    }

    /// No more comes: what there is, is spoken to its end.
    fn finish(&mut self) {
        if let Some(speaking) = &mut self.speaking {
            speaking.end_text(Outcome::Discarded);
        }
    }

    async fn on_sound(&mut self, event: Option<Result<SpeechEvent, TtsError>>) {
        let Some(speaking) = &mut self.speaking else { return };
        let Some((clause, _)) = &speaking.current else { return };
        match event {
            Some(Ok(SpeechEvent::Audio(audio))) => {
                let now = self.context.clock.now();
                if speaking.sent == 0 {
                    self.stage.facts.mark(speaking.response, Mark::FirstSound, now).await;
                }
                let mark = std::mem::take(&mut speaking.unmarked).then(|| SpeechMark {
                    start: byte(clause.range.start),
                    end: byte(clause.range.end),
                    at: speaking.piece_start,
                    ends_sentence: clause.ends_sentence,
                });
                speaking.sent += audio.samples().len() as u64;
                let sound = speaking.origin.with(Payload::Spoken { audio, mark });
                let _ended = self.outlet.send(Element { at: now, ..sound }).await;
            }
            Some(Ok(SpeechEvent::Word { text, end })) => {
                let Some(start) = speaking.verbatim else { return };
                let rate = self.stage.synthesizer.rate();
                let last = start + text.end >= clause.range.start + clause.text.trim_end().len();
                let mark = SpeechMark {
                    start: byte(start + text.start),
                    end: byte(start + text.end),
                    at: speaking.piece_start + speaking.word_start,
                    ends_sentence: clause.ends_sentence && last,
                };
                speaking.unmarked = false;
                speaking.word_start = rate.samples(end);
                let audio = AudioChunk::new([], rate);
                let sound = speaking.origin.with(Payload::Spoken { audio, mark: Some(mark) });
                let _ended = self.outlet.send(sound).await;
            }
            Some(Err(error)) => self.on_error(&error).await,
            None => {
                let rate = self.stage.synthesizer.rate();
                let ended = speaking.current.take();
                let ended = ended.and_then(|(clause, _)| speaking.ends(&clause, rate));
                if let Some(mark) = ended {
                    let _ended = self.outlet.send(mark).await;
                }
            }
        }
    }

    /// Tries a piece of which nothing was heard once more, if that makes sense.
    async fn on_error(&mut self, error: &TtsError) {
        let Some(speaking) = &mut self.speaking else { return };
        let unheard = speaking.sent == speaking.piece_start && !speaking.retried;
        let Some(pause) = error.recovery().retry_soon().filter(|_| unheard) else {
            return self.fail(error).await;
        };
        let Some((clause, _)) = speaking.current.take() else { return };
        speaking.retried = true;
        let (turn, response) = (speaking.origin.turn, speaking.response);
        let (stage, error) = (StageName::Tts, error.to_string());
        self.stage.facts.tell(Fact::Retrying { turn, response, stage, error }).await;
        self.start(clause, pause);
    }

    /// The engine failed: what was said stays said, the rest is not.
    async fn fail(&mut self, error: &TtsError) {
        let Some(speaking) = &mut self.speaking else { return };
        let error = error.to_string();
        let (current, rate) = (speaking.current.take(), self.stage.synthesizer.rate());
        let broken = current.and_then(|(clause, _)| speaking.breaks_off(&clause, rate));
        speaking.waiting.clear();
        speaking.ended = Some(Outcome::Failed { reason: error.as_str().into() });
        let (turn, response) = (speaking.origin.turn, Some(speaking.response));
        if let Some(mark) = broken {
            let _ended = self.outlet.send(mark).await;
        }
        let stage = StageName::Tts;
        self.stage.facts.tell(Fact::Failed { turn, response, stage, error: error.into() }).await;
    }

    /// The response is cancelled. Its end is sent when it comes; if it has come, now.
    async fn abandon(&mut self) {
        match self.speaking.as_mut().and_then(|speaking| speaking.ended.take()) {
            Some(_) => self.end(Outcome::Discarded).await,
            None => self.speaking = None,
        }
    }
}

impl Speaking {
    fn new(turn: &TurnContext, origin: &Element, language: &Arc<dyn Language>) -> Self {
        Self {
            response: turn.response,
            ahead: turn.ahead,
            origin: origin.clone(),
            cutter: ClauseCutter::new(Arc::clone(language)),
            waiting: VecDeque::new(),
            current: None,
            retried: false,
            unmarked: false,
            verbatim: None,
            word_start: 0,
            sent: 0,
            piece_start: 0,
            ended: None,
            pieces: 0,
        }
    }

    fn is(&self, element: &Element) -> bool {
        element.response == Some(self.response)
    }

    /// Whether more text may come. What comes after the end belongs to another response.
    fn has_room(&self) -> bool {
        self.ended.is_none() && self.waiting.len() < WAITING
    }

    /// A mark where a piece has ended: what comes after it may be long in coming, and until then
    /// nobody else can tell that all of the piece is there.
    fn ends(&self, clause: &Clause, rate: SampleRate) -> Option<Element> {
        let sounded = self.sent > self.piece_start;
        sounded.then(|| self.end_mark(clause, self.sent, clause.ends_sentence, rate))
    }

    /// A mark where a piece that breaks off would have ended, so that its text is not taken to be
    /// heard with the part of its sound that there is.
    fn breaks_off(&self, clause: &Clause, rate: SampleRate) -> Option<Element> {
        // Of a piece without sound nothing is heard; an engine that names words is exact.
        let sent = self.sent - self.piece_start;
        if sent == 0 || self.word_start > 0 {
            return None;
        }
        let chars = clause.text.trim().chars().count() as u64;
        let whole = chars * u64::from(rate.hz()) / CHARS_PER_SECOND;
        Some(self.end_mark(clause, self.piece_start + sent.max(whole), false, rate))
    }

    /// A mark without text or sound, behind the piece.
    fn end_mark(&self, clause: &Clause, at: u64, ends_sentence: bool, rate: SampleRate) -> Element {
        let end = byte(clause.range.end);
        let mark = Some(SpeechMark { start: end, end, at, ends_sentence });
        let audio = AudioChunk::new([], rate);
        self.origin.with(Payload::Spoken { audio, mark })
    }

    fn end_text(&mut self, outcome: Outcome) {
        self.cutter.finish();
        self.take_clauses();
        self.ended = Some(outcome);
    }

    fn take_clauses(&mut self) {
        while let Some(clause) = self.cutter.next() {
            self.waiting.push_back(clause);
        }
    }
}

/// A position in an answer. No answer has 4 GiB.
fn byte(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Waits until the response that is being spoken is cancelled.
async fn cancelled(current: Option<ResponseId>, floor: &Floor) {
    match current {
        Some(response) => floor.cancelled(response).await,
        None => std::future::pending().await,
    }
}

/// Waits until the response, if it is begun ahead, is committed.
async fn committed(waits: Option<ResponseId>, floor: &Floor) {
    match waits {
        // If it is cancelled, that is looked at first.
        Some(response) => floor.settled(response).await,
        None => std::future::pending().await,
    }
}

/// The next sound of the piece that the engine is at; waits for ever while there is none.
async fn next_sound(
    speaking: &mut Option<Speaking>,
    context: &Context,
) -> Option<Result<SpeechEvent, TtsError>> {
    match speaking.as_mut().and_then(|speaking| speaking.current.as_mut()) {
        Some((_, stream)) => context.clock.during(stream.next()).await,
        None => std::future::pending().await,
    }
}

impl Stage for Tts {
    fn name(&self) -> &'static str {
        "tts"
    }

    fn kind(&self) -> StageKind {
        StageKind::Generate
    }

    fn accepts(&self) -> Kinds {
        Kinds::BEGIN | Kinds::TEXT_DELTA
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        let StageIo { inlet, outlet, context } = io;
        let speaker = Speaker { stage: *self, inlet, outlet, context, speaking: None, over: None };
        Box::pin(speaker.run())
    }
}

/// Pieces of text that may wait for the engine: some minutes of speech.
const WAITING: usize = 16;
