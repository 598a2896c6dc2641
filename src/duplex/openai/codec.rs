//! Speaks OpenAI Realtime: events of ours in, frames out; frames in, events of ours out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::asks::{Ask, Asks};
use super::hearing::Hearing;
use super::items;
use super::options::{Format, OpenAiOptions};
use super::replies::{Fix, Replies};
use super::session;
use super::wire::{Choice, ClientEvent, Item, ResponseOptions, Sent};
use crate::audio::AudioChunk;
use crate::audio::codec::g711::Law;
use crate::duplex::anchors::Anchors;
use crate::duplex::repeats::Repeats;
use crate::duplex::{
    Codec, Decoded, Detecting, DuplexEvent, DuplexInput, DuplexSettings, ReplyEnd, ReplyId,
};
use crate::ids::TurnId;
use crate::time::SessionTime;
use crate::types::{Message, Secret, ToolResult};

/// A session's codec.
#[derive(Debug)]
pub(super) struct OpenAiCodec {
    pub(super) options: Arc<OpenAiOptions>,
    /// What errors must not quote.
    pub(super) keys: Vec<Secret>,
    pub(super) settings: DuplexSettings,
    pub(super) is_ready: bool,
    /// Where the sound lies that was sent on this connection.
    pub(super) sent: Anchors,
    /// Samples that are not committed yet.
    buffered: u64,
    pub(super) hearing: Hearing,
    pub(super) replies: Replies,
    pub(super) asks: Asks,
    /// Calls that were made on earlier connections, and of which this one was told.
    told: Vec<String>,
    pub(super) repeats: Repeats,
    /// What happened while nothing was decoded.
    pub(super) late: Vec<DuplexEvent>,
    /// Events that were sent.
    number: u64,
    pub(super) skipped: u64,
}

impl OpenAiCodec {
    pub(super) fn new(options: Arc<OpenAiOptions>, keys: Vec<Secret>) -> Self {
        let sent = Anchors::new(options.format.rate());
        Self {
            options,
            keys,
            settings: DuplexSettings::default(),
            is_ready: false,
            sent,
            buffered: 0,
            hearing: Hearing::default(),
            replies: Replies::new(),
            asks: Asks::default(),
            told: Vec::new(),
            repeats: Repeats::default(),
            late: Vec::new(),
            number: 0,
            skipped: 0,
        }
    }

    /// Asks for what is wanted, unless the other side is busy.
    pub(super) fn ask(&mut self, frames: &mut Vec<String>) {
        if self.replies.active.is_some() {
            return;
        }
        let Some((number, ask)) = self.asks.next() else {
            return;
        };
        let marked = number.to_string();
        let options = Arc::clone(&self.options);
        let mut metadata: BTreeMap<_, _> =
            options.metadata.iter().take(MARKS).map(|(name, mark)| (&**name, &**mark)).collect();
        metadata.insert(ASKED, &marked);
        let instructions = match &ask {
            Ask::Answer => None,
            Ask::Say(text) => Some(format!("{SAY}{text}")),
        };
        let response = ResponseOptions {
            instructions: instructions.as_deref(),
            tool_choice: instructions.as_ref().map(|_| Choice::Mode("none")),
            metadata,
        };
        self.send(Named::Create(number), ClientEvent::CreateResponse { response }, frames);
    }

    fn send(&mut self, name: Named, event: ClientEvent<'_>, frames: &mut Vec<String>) {
        self.number += 1;
        let event_id = name.to_event_id(self.number);
        // What is written here can always be written.
        frames.extend(serde_json::to_string(&Sent { event_id: &event_id, event }));
    }

    fn create(&mut self, item: Item<'_>, frames: &mut Vec<String>) {
        let event = ClientEvent::CreateItem { item, previous_item_id: None };
        self.send(Named::Other, event, frames);
    }

    fn append(&mut self, samples: &[i16], frames: &mut Vec<String>) {
        self.buffered = self.buffered.saturating_add(samples.len() as u64);
        let mut bytes = Vec::new();
        match self.options.format {
            Format::Pcm => bytes.extend(samples.iter().flat_map(|sample| sample.to_le_bytes())),
            Format::Pcmu => Law::Mu.encode(samples, &mut bytes),
            Format::Pcma => Law::A.encode(samples, &mut bytes),
        }
        let audio = STANDARD.encode(bytes);
        self.send(Named::Other, ClientEvent::Append { audio: &audio }, frames);
    }

    fn sound(&mut self, at: SessionTime, audio: &AudioChunk, frames: &mut Vec<String>) {
        if !audio.samples().is_empty() {
            self.sent.push(at, audio);
            self.append(audio.samples(), frames);
        }
    }

    /// Where turns are told, the sound so far is the turn's. The other side refuses less than
    /// 100 ms of it.
    fn turn_ended(&mut self, turn: TurnId, frames: &mut Vec<String>) {
        self.hearing.ended(turn);
        if self.settings.detecting != Detecting::Here {
            return;
        }
        if self.buffered == 0 {
            let reason = "nothing of it was sent".to_owned();
            self.note(DuplexEvent::NoTranscript { turn, reason });
            return;
        }
        let missing = self.options.format.rate().samples(LEAST).saturating_sub(self.buffered);
        if missing > 0 {
            self.sent.pad(missing);
            self.append(&vec![0; usize::try_from(missing).unwrap_or_default()], frames);
        }
        self.buffered = 0;
        self.hearing.committing(self.number + 1, turn);
        self.send(Named::Commit, ClientEvent::Commit, frames);
    }

    fn turn_dropped(&mut self, turn: TurnId, frames: &mut Vec<String>) {
        self.hearing.ended(turn);
        if self.settings.detecting == Detecting::Here && self.buffered > 0 {
            self.buffered = 0;
            self.send(Named::Other, ClientEvent::Clear, frames);
        }
    }

    fn cancel(&mut self, reply: ReplyId, frames: &mut Vec<String>) {
        let active = self.replies.active.as_mut();
        let Some(active) = active.filter(|active| active.id == reply && !active.is_cancelled)
        else {
            return;
        };
        active.is_cancelled = true;
        let response = active.response.clone();
        let event = ClientEvent::CancelResponse { response_id: &response };
        self.send(Named::Correction, event, frames);
    }

    fn heard(&mut self, reply: ReplyId, sound: Duration, text: &str, frames: &mut Vec<String>) {
        for fix in self.replies.heard(reply, sound, self.options.format.rate()) {
            let event = match &fix {
                Fix::Truncate { item, index, end } => ClientEvent::TruncateItem {
                    item_id: item,
                    content_index: *index,
                    audio_end_ms: u64::try_from(end.as_millis()).unwrap_or(u64::MAX),
                },
                Fix::Delete { item } => ClientEvent::DeleteItem { item_id: item },
                Fix::Say { .. } if text.is_empty() => continue,
                Fix::Say { after } => ClientEvent::CreateItem {
                    item: items::of_answer(text, false),
                    previous_item_id: after.as_deref(),
                },
            };
            self.send(Named::Correction, event, frames);
        }
    }

    fn results(&mut self, results: &[ToolResult], frames: &mut Vec<String>) {
        let mut goes_on = false;
        for result in results {
            match self.replies.answer(&result.id) {
                Some(reply) => goes_on |= reply.is_served(),
                None => {
                    goes_on = true;
                    if !self.told.contains(&result.id) {
                        self.create(items::of_forgotten(result), frames);
                    }
                }
            }
            self.create(items::of_result(result), frames);
        }
        if goes_on {
            self.asks.want(Ask::Answer);
            self.ask(frames);
        }
    }

    fn change(&mut self, settings: &DuplexSettings, frames: &mut Vec<String>) {
        let before = std::mem::replace(&mut self.settings, settings.clone());
        if before.detecting != settings.detecting {
            self.buffered = 0;
        }
        let options = Arc::clone(&self.options);
        if let Some(session) = session::changes(&options, &before, settings) {
            let session = Box::new(session);
            self.send(Named::Other, ClientEvent::SessionUpdate { session }, frames);
        }
    }

    /// Told with the next frame that comes.
    fn note(&mut self, event: DuplexEvent) {
        if self.late.len() < NOTES {
            self.late.push(event);
        }
    }
}

impl Codec for OpenAiCodec {
    fn open(&mut self, settings: &DuplexSettings, past: &[Message], frames: &mut Vec<String>) {
        self.is_ready = false;
        self.settings = settings.clone();
        self.sent = Anchors::new(self.options.format.rate());
        self.buffered = 0;
        self.repeats = Repeats::default();
        self.replies.forget();
        self.asks.forget();
        let options = Arc::clone(&self.options);
        let session = Box::new(session::whole(&options, settings));
        self.send(Named::Session, ClientEvent::SessionUpdate { session }, frames);
        for item in past.iter().flat_map(items::of_message) {
            self.create(item, frames);
        }
        let calls = past.iter().flat_map(|message| &message.tool_calls);
        self.told = calls.map(|call| call.id.clone()).collect();
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn encode(&mut self, input: &DuplexInput, frames: &mut Vec<String>) {
        match input {
            DuplexInput::Sound { at, audio } => self.sound(*at, audio, frames),
            DuplexInput::TurnBegan { turn } => self.hearing.began(*turn),
            DuplexInput::TurnEnded { turn } => self.turn_ended(*turn, frames),
            DuplexInput::TurnDropped { turn } => self.turn_dropped(*turn, frames),
            DuplexInput::Text(text) => self.create(items::of_text(text), frames),
            DuplexInput::Image(image) | DuplexInput::Frame { image, .. } => {
                self.create(items::of_media(image), frames);
            }
            DuplexInput::Respond { say } => {
                self.asks.want(say.clone().map_or(Ask::Answer, Ask::Say));
                self.ask(frames);
            }
            DuplexInput::ToolResults(results) => self.results(results, frames),
            DuplexInput::Cancel { reply } => self.cancel(*reply, frames),
            DuplexInput::Heard { whole: true, reply, .. } if self.replies.knows(*reply) => {}
            DuplexInput::Heard { reply, sound, text, .. } => {
                self.heard(*reply, *sound, text, frames);
            }
            DuplexInput::Settings(settings) => self.change(settings, frames),
        }
    }

    fn decode(&mut self, frame: &[u8], decoded: &mut Decoded) {
        decoded.events.append(&mut self.late);
        if self.read(frame, decoded).is_none() {
            self.skipped += 1;
        }
    }

    fn lost(&mut self, decoded: &mut Decoded) {
        decoded.events.append(&mut self.late);
        decoded.events.extend(self.hearing.lost("the connection was lost"));
        self.break_off(ReplyEnd::Lost, decoded);
        self.is_ready = false;
        self.buffered = 0;
        self.asks.forget();
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// What an event of ours is called, so that an error that names it is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// All of the session.
    Session,
    Commit,
    /// An answer is asked for, by this number.
    Create(u64),
    /// It may come too late.
    Correction,
    Other,
}

impl Named {
    fn to_event_id(self, number: u64) -> String {
        match self {
            Self::Session => format!("session-{number}"),
            Self::Commit => format!("commit-{number}"),
            Self::Create(ask) => format!("create-{ask}"),
            Self::Correction => format!("correction-{number}"),
            Self::Other => format!("event-{number}"),
        }
    }

    /// What an event was, and its number.
    pub(super) fn of_event_id(id: &str) -> (Self, u64) {
        let (name, number) = id.split_once('-').unwrap_or((id, ""));
        let number = number.parse().unwrap_or_default();
        let named = match name {
            "session" => Self::Session,
            "commit" => Self::Commit,
            "create" => Self::Create(number),
            "correction" => Self::Correction,
            _ => Self::Other,
        };
        (named, number)
    }
}

/// The mark of answers that were asked for here.
pub(super) const ASKED: &str = "banter_ask";
/// What comes before words that are to be said as they are.
const SAY: &str = "Say exactly the following, word by word and in its own language. Add nothing, \
                   leave nothing out, answer nothing:\n\n";
/// The protocol's limit is 16, and one is ours.
const MARKS: usize = 15;
/// The other side refuses less.
const LEAST: Duration = Duration::from_millis(100);
/// What waits for the next frame.
const NOTES: usize = 16;
