//! Speaks Gemini Live: events of ours in, frames out; frames in, events of ours out.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::answers::Answers;
use super::calls::Calls;
use super::contents;
use super::hearing::Hearing;
use super::options::{GeminiOptions, TextWay};
use super::setup;
use super::wire::{Blob, ClientContent, ClientMessage, Content, RealtimeInput, ToolResponse};
use crate::audio::{AudioChunk, SampleRate};
use crate::duplex::anchors::Anchors;
use crate::duplex::{Codec, Decoded, Detecting, DuplexEvent, DuplexInput, DuplexSettings, Known};
use crate::time::SessionTime;
use crate::types::{Media, Message, Secret, ToolResult};

/// A session's codec.
#[derive(Debug)]
pub(super) struct GeminiCodec {
    pub(super) options: Arc<GeminiOptions>,
    /// What errors must not quote.
    pub(super) keys: Vec<Secret>,
    pub(super) settings: DuplexSettings,
    pub(super) opening: Opening,
    /// The past, until the other side has agreed to be told.
    pub(super) past: Vec<String>,
    /// Where the last connection can be gone on with.
    pub(super) place: Option<Place>,
    pub(super) sent: Anchors,
    /// The other side takes what it hears for a turn of the user's, as it was told.
    is_active: bool,
    /// What is written and not answered yet.
    unanswered: Unanswered,
    pub(super) hearing: Hearing,
    /// What was heard of the turn in which the last connection was lost, if the next one knows of it.
    heard_before: Hearing,
    pub(super) answers: Answers,
    pub(super) calls: Calls,
    /// The other side hears the user speak.
    pub(super) speaks: bool,
    /// What happened while nothing was decoded.
    pub(super) late: Vec<DuplexEvent>,
    pub(super) skipped: u64,
}

/// Where a session can be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) handle: String,
    /// What is known there of what the last connection was told.
    pub(super) known: Known,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opening {
    /// There is none.
    Closed,
    /// The other side has not agreed yet; whether it is to go on with what was before.
    Asked {
        resumes: bool,
    },
    Ready,
}

/// What the user wrote and said since an answer was asked for.
#[derive(Debug, Default)]
struct Unanswered {
    /// What was written and shown goes with the wish for an answer.
    written: Vec<Written>,
    /// A turn has ended, which makes the other side answer by itself.
    is_spoken: bool,
}

#[derive(Debug)]
enum Written {
    Text(Arc<str>),
    Image(Arc<Media>),
}

impl GeminiCodec {
    pub(super) fn new(options: Arc<GeminiOptions>, keys: Vec<Secret>) -> Self {
        Self {
            options,
            keys,
            settings: DuplexSettings::default(),
            opening: Opening::Closed,
            past: Vec::new(),
            place: None,
            sent: Anchors::new(HEARS),
            is_active: false,
            unanswered: Unanswered::default(),
            hearing: Hearing::default(),
            heard_before: Hearing::default(),
            answers: Answers::new(),
            calls: Calls::default(),
            speaks: false,
            late: Vec::new(),
            skipped: 0,
        }
    }

    fn sound(&mut self, at: SessionTime, audio: &AudioChunk, frames: &mut Vec<String>) {
        if audio.samples().is_empty() {
            return;
        }
        self.sent.push(at, audio);
        let bytes: Vec<u8> = audio.samples().iter().flat_map(|s| s.to_le_bytes()).collect();
        let blob = Blob { mime_type: Cow::Borrowed(SOUND), data: STANDARD.encode(bytes) };
        send(&ClientMessage::RealtimeInput(RealtimeInput::Audio(blob)), frames);
    }

    /// A turn begins; the sound of one that was noise could not be taken back, and is its beginning.
    fn activity_starts(&mut self, frames: &mut Vec<String>) {
        if self.settings.detecting == Detecting::Here
            && !std::mem::replace(&mut self.is_active, true)
        {
            send(&ClientMessage::RealtimeInput(RealtimeInput::ActivityStart {}), frames);
        }
    }

    fn activity_ends(&mut self, frames: &mut Vec<String>) {
        if std::mem::replace(&mut self.is_active, false) {
            send(&ClientMessage::RealtimeInput(RealtimeInput::ActivityEnd {}), frames);
        }
    }

    /// It is answered, sooner than that is asked for.
    fn turn_ended(&mut self, frames: &mut Vec<String>) {
        if self.is_active {
            self.write_down(frames);
            self.unanswered.is_spoken = true;
            self.answers.ask();
            self.activity_ends(frames);
        }
    }

    /// What was said was answered, whether that was asked for or not.
    pub(super) fn turn_answered(&mut self) {
        self.unanswered.is_spoken = false;
    }

    /// Whether the user speaks, or has said or written what is not answered yet.
    pub(super) fn is_open(&self) -> bool {
        let Unanswered { written, is_spoken } = &self.unanswered;
        let turn = self.hearing.turn();
        self.is_active
            || self.speaks
            || *is_spoken
            || !written.is_empty()
            || self.answers.is_asked()
            || turn.is_some() && !self.answers.has_answered(turn)
    }

    fn write(&mut self, written: Written, frames: &mut Vec<String>) {
        if self.unanswered.written.len() == WRITTEN {
            self.write_down(frames);
        }
        if self.unanswered.written.len() < WRITTEN {
            self.unanswered.written.push(written);
        }
    }

    /// What was written belongs to what is said with it, and is answered with that.
    fn write_down(&mut self, frames: &mut Vec<String>) {
        if self.options.text == TextWay::Realtime && !self.is_active {
            // It would be answered.
            return;
        }
        let written = std::mem::take(&mut self.unanswered.written);
        match self.options.text {
            TextWay::Content if written.is_empty() => {}
            TextWay::Content => {
                let turns = written.iter().map(Written::content).collect();
                let content = ClientContent { turns, turn_complete: false };
                send(&ClientMessage::ClientContent(content), frames);
            }
            TextWay::Realtime => {
                for text in written.iter().filter_map(Written::text) {
                    let text = RealtimeInput::Text(Cow::Borrowed(text));
                    send(&ClientMessage::RealtimeInput(text), frames);
                }
            }
        }
    }

    fn image(&mut self, image: &Arc<Media>, frames: &mut Vec<String>) {
        match self.options.text {
            TextWay::Content => self.write(Written::Image(Arc::clone(image)), frames),
            TextWay::Realtime => Self::frame(image, frames),
        }
    }

    fn frame(image: &Media, frames: &mut Vec<String>) {
        if let Some(picture) = contents::picture(image) {
            send(&ClientMessage::RealtimeInput(RealtimeInput::Video(picture)), frames);
        }
    }

    /// What was said in a turn is answered by itself.
    fn respond(&mut self, say: Option<&Arc<str>>, frames: &mut Vec<String>) {
        let Unanswered { written, is_spoken } = std::mem::take(&mut self.unanswered);
        if is_spoken && written.is_empty() && say.is_none() {
            return;
        }
        let say = say.map(|text| format!("{SAY}{text}"));
        self.answers.ask();
        match self.options.text {
            TextWay::Content => {
                let said = say.iter().map(|text| contents::of_text(text));
                let turns = written.iter().map(Written::content).chain(said).collect();
                let content = ClientContent { turns, turn_complete: true };
                send(&ClientMessage::ClientContent(content), frames);
            }
            TextWay::Realtime => {
                let texts = written.iter().filter_map(Written::text).chain(say.as_deref());
                let texts: Vec<_> = texts.collect();
                let text = if texts.is_empty() { BEGIN.to_owned() } else { texts.join("\n\n") };
                self.activity_starts(frames);
                let text = RealtimeInput::Text(Cow::Owned(text));
                send(&ClientMessage::RealtimeInput(text), frames);
                self.activity_ends(frames);
            }
        }
    }

    /// All results of the calls that are waited for go together.
    fn results(&mut self, results: &[ToolResult], frames: &mut Vec<String>) {
        for result in results {
            if !self.calls.answer(result) {
                self.forgotten(result, frames);
            }
        }
        self.respond_to_calls(frames);
    }

    pub(super) fn respond_to_calls(&mut self, frames: &mut Vec<String>) {
        let results = self.calls.take();
        if !results.is_empty() {
            self.answers.go_on();
            let function_responses = results.iter().map(contents::of_result).collect();
            send(&ClientMessage::ToolResponse(ToolResponse { function_responses }), frames);
        }
    }

    /// A result whose call this connection does not know is told in words.
    fn forgotten(&mut self, result: &ToolResult, frames: &mut Vec<String>) {
        let text = format!("[The result of {}: {}]", result.name, result.content);
        self.write(Written::Text(text.into()), frames);
        self.respond(None, frames);
    }

    fn change(&mut self, settings: &DuplexSettings, frames: &mut Vec<String>) {
        let before = std::mem::replace(&mut self.settings, settings.clone());
        if let Some(update) = setup::changes(&before, settings) {
            send(&ClientMessage::ContextUpdate(update), frames);
        }
    }

    fn note(&mut self, event: Option<DuplexEvent>) {
        let room = NOTES.saturating_sub(self.late.len());
        self.late.extend(event.into_iter().take(room));
    }
}

impl Codec for GeminiCodec {
    fn open(&mut self, settings: &DuplexSettings, past: &[Message], frames: &mut Vec<String>) {
        self.settings = settings.clone();
        self.sent = Anchors::new(HEARS);
        self.is_active = false;
        self.speaks = false;
        self.unanswered = Unanswered::default();
        self.calls = Calls::default();
        // What this connection is told is in no place yet.
        if let Some(Place { known: known @ Known::UpTo(_), .. }) = &mut self.place {
            *known = Known::Before;
        }
        let handle = self.place.as_ref().map(|place| place.handle.clone());
        self.opening = Opening::Asked { resumes: handle.is_some() };
        let turns: Vec<_> = past.iter().filter_map(contents::of_message).collect();
        let options = Arc::clone(&self.options);
        let setup = setup::whole(&options, settings, handle.as_deref(), !turns.is_empty());
        send(&ClientMessage::Setup(Box::new(setup)), frames);
        self.past.clear();
        if handle.is_none() && !turns.is_empty() {
            // As such it ends with what is complete; else an answer would follow.
            let turn_complete = self.options.initial_history;
            let content = ClientContent { turns, turn_complete };
            send(&ClientMessage::ClientContent(content), &mut self.past);
        }
    }

    fn is_ready(&self) -> bool {
        self.opening == Opening::Ready
    }

    fn encode(&mut self, input: &DuplexInput, frames: &mut Vec<String>) {
        match input {
            DuplexInput::Sound { at, audio } => self.sound(*at, audio, frames),
            DuplexInput::TurnBegan { turn } => {
                let before = self.hearing.began(*turn);
                self.note(before);
                self.activity_starts(frames);
                self.write_down(frames);
            }
            DuplexInput::TurnEnded { .. } => self.turn_ended(frames),
            DuplexInput::Text(text) => self.write(Written::Text(Arc::clone(text)), frames),
            DuplexInput::Image(image) => self.image(image, frames),
            DuplexInput::Frame { image, .. } => Self::frame(image, frames),
            DuplexInput::Respond { say } => self.respond(say.as_ref(), frames),
            DuplexInput::ToolResults(results) => self.results(results, frames),
            DuplexInput::Cancel { reply } => self.answers.cancel(*reply),
            // What was heard cannot be told: the other side has its own idea of it. A turn that was
            // noise goes on until the next one ends: its end would be answered.
            DuplexInput::Heard { .. } | DuplexInput::TurnDropped { .. } => {}
            DuplexInput::Settings(settings) => self.change(settings, frames),
        }
    }

    fn recall(&mut self, input: &DuplexInput) {
        match input {
            // It is none of this connection's.
            DuplexInput::Sound { .. } => return,
            DuplexInput::TurnBegan { turn } if self.heard_before.turn() == Some(*turn) => {
                self.hearing = std::mem::take(&mut self.heard_before);
            }
            _ => {}
        }
        self.encode(input, &mut Vec::new());
    }

    fn known(&self) -> Known {
        self.place.as_ref().map_or(Known::Nothing, |place| place.known)
    }

    fn decode(&mut self, frame: &[u8], decoded: &mut Decoded) {
        decoded.events.append(&mut self.late);
        if self.read(frame, decoded).is_none() {
            self.skipped += 1;
        }
    }

    fn lost(&mut self, decoded: &mut Decoded) {
        decoded.events.append(&mut self.late);
        if matches!(self.opening, Opening::Asked { resumes: true }) {
            // It does not go on there.
            self.place = None;
        }
        self.opening = Opening::Closed;
        if self.answers.has_answered(self.hearing.turn()) && self.settings.transcribes {
            decoded.events.extend(self.hearing.over("the connection was lost"));
        } else {
            // It is told again on the next connection, or known there.
            if self.hearing.turn().is_some() {
                self.heard_before = std::mem::take(&mut self.hearing);
            }
        }
        self.answers.lost(decoded);
        self.past.clear();
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl Written {
    fn content(&self) -> Content<'_> {
        match self {
            Self::Text(text) => contents::of_text(text),
            Self::Image(image) => contents::of_media(image),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Image(_) => None,
        }
    }
}

fn send(message: &ClientMessage<'_>, frames: &mut Vec<String>) {
    // What is written here can always be written.
    frames.extend(serde_json::to_string(message));
}

/// What it hears.
pub(super) const HEARS: SampleRate = SampleRate::SPEECH;
const SOUND: &str = "audio/pcm;rate=16000";
/// What comes before words that are to be said as they are.
const SAY: &str = "Say exactly the following, word by word and in its own language. Add nothing, \
                   leave nothing out, answer nothing:\n\n";
/// Where an answer is wanted to nothing, and nothing cannot be sent.
const BEGIN: &str = "[The user waits for you to speak.]";
/// Lines and pictures that nobody has asked an answer to.
const WRITTEN: usize = 64;
/// What waits for the next frame.
const NOTES: usize = 16;
