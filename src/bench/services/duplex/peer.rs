//! The service's end of one call.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use super::desk::{Desk, Event, Out};
use super::gemini::Gemini;
use super::log::{CallEnd, keep};
use super::mishap::{CallFault, Mishap, Moment};
use super::openai::OpenAi;
use super::{DuplexScript, Knock, Protocol};
use crate::net::SocketMessage;
use crate::time::SessionTime;

/// The service's end of one call: told what comes, it answers with what is to be sent.
///
/// Whoever holds the socket calls [`hear`](Self::hear) with each message, then drains
/// [`poll`](Self::poll), and again when [`due`](Self::due) has come. Times never go back. After a
/// [`Say`] that ends the call it says nothing more; when the caller leaves, drop it.
#[derive(Debug)]
pub struct Peer {
    side: Side,
    desk: Desk,
    mishaps: Mishaps,
    /// Nothing is sent until then.
    stalled: SessionTime,
    duplicates: bool,
    reorders: bool,
    /// Deltas that the next of their kind overtakes.
    held: HashMap<&'static str, Event>,
    ready: VecDeque<Event>,
    binary: bool,
    end: Option<CallEnd>,
}

/// What is to be done with the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// A message is sent.
    Message(SocketMessage),
    /// It is closed with this code, for this reason.
    Close(u16, String),
    /// It breaks off, without a goodbye.
    Cut,
    /// It stays open; but nothing is read from it any more, and no ping is answered.
    Deafen,
}

#[derive(Debug)]
enum Side {
    OpenAi(Box<OpenAi>),
    Gemini(Box<Gemini>),
}

impl Peer {
    pub(super) fn new(
        knock: &Knock,
        mut desk: Desk,
        script: &DuplexScript,
        mishaps: Vec<Mishap>,
        call: u64,
    ) -> Self {
        let binary = knock.protocol == Protocol::Gemini && !script.text_frames;
        let mut mishaps = Mishaps::new(mishaps, call);
        mishaps.comes(Moment::Open, &mut desk);
        let side = match knock.protocol {
            Protocol::OpenAi => Side::OpenAi(Box::new(OpenAi::open(knock, script, &mut desk))),
            Protocol::Gemini => Side::Gemini(Box::new(Gemini::open(script, &desk))),
        };
        Self {
            side,
            desk,
            mishaps,
            stalled: SessionTime::ZERO,
            duplicates: false,
            reorders: false,
            held: HashMap::new(),
            ready: VecDeque::new(),
            binary,
            end: None,
        }
    }

    /// A message has come.
    pub fn hear(&mut self, message: &SocketMessage, now: SessionTime) {
        if self.end.is_some() {
            return;
        }
        self.desk.now = now.max(self.desk.now);
        let text = match message {
            SocketMessage::Text(text) => text.as_bytes(),
            SocketMessage::Binary(bytes) => bytes,
        };
        match &mut self.side {
            Side::OpenAi(side) => side.hear(text, &mut self.desk),
            Side::Gemini(side) => side.hear(text, &mut self.desk),
        }
        while let Some(moment) = self.desk.next_moment() {
            self.mishaps.comes(moment, &mut self.desk);
        }
        if self.waiting() > MOST_WAITING {
            (self.stalled, self.ready) = (SessionTime::ZERO, VecDeque::new());
            self.desk.give_up();
        }
    }

    fn waiting(&self) -> usize {
        self.desk.waiting() + self.ready.len()
    }

    /// When to ask for more; `None` until something comes.
    #[must_use]
    pub fn due(&self) -> Option<SessionTime> {
        if self.end.is_some() {
            return None;
        }
        let waiting = self.waiting() > 0;
        let next = match &self.side {
            Side::OpenAi(side) => side.due(),
            Side::Gemini(side) => side.due(),
        };
        let next = if waiting { Some(self.desk.now) } else { next };
        let next = next.map(|at| at.max(self.stalled));
        next.into_iter().chain(self.mishaps.due()).min()
    }

    /// What is to be done now, if anything.
    pub fn poll(&mut self, now: SessionTime) -> Option<Say> {
        self.desk.now = now.max(self.desk.now);
        loop {
            if self.end.is_some() {
                return None;
            }
            if let Some(fault) = self.mishaps.next(self.desk.now) {
                if let Some(said) = self.strike(&fault) {
                    return Some(said);
                }
                continue;
            }
            if self.desk.now < self.stalled {
                return None;
            }
            if let Some(event) = self.ready.pop_front() {
                return Some(self.sent(&event));
            }
            match self.desk.next_out() {
                Some(Out::Event(event)) => self.arrange(event),
                Some(Out::Close(code, reason)) => {
                    self.end(CallEnd::Closed(code));
                    return Some(Say::Close(code, reason));
                }
                None if self.advance() => {}
                None => return None,
            }
        }
    }

    fn advance(&mut self) -> bool {
        match &mut self.side {
            Side::OpenAi(side) => side.advance(&mut self.desk),
            Side::Gemini(side) => side.advance(&mut self.desk),
        }
    }

    /// Makes of an event those that are sent, in their order.
    fn arrange(&mut self, event: Event) {
        if !event.is_delta {
            let mut held: Vec<_> = self.held.drain().map(|(_, event)| event).collect();
            held.sort_by_key(|event| event.kind);
            self.ready.extend(held);
            if event.moment == Some(Moment::ResponseOver) {
                (self.duplicates, self.reorders) = (false, false);
            }
            self.ready.push_back(event);
            return;
        }
        if self.reorders && !self.held.contains_key(event.kind) {
            self.held.insert(event.kind, event);
            return;
        }
        let overtaken = self.held.remove(event.kind);
        for event in std::iter::once(event).chain(overtaken) {
            if self.duplicates {
                self.ready.push_back(Event { moment: None, ..event.clone() });
            }
            self.ready.push_back(event);
        }
    }

    fn sent(&mut self, event: &Event) -> Say {
        let log = self.desk.log();
        log.sent(event.kind);
        log.write().spoken_ms += event.sound_ms;
        if let Some(moment) = event.moment {
            if moment == Moment::FirstAudio {
                self.mishaps.comes(Moment::Audio, &mut self.desk);
            }
            self.mishaps.comes(moment, &mut self.desk);
        }
        let text = event.body.to_string();
        Say::Message(match self.binary {
            true => SocketMessage::Binary(Bytes::from(text)),
            false => SocketMessage::Text(text),
        })
    }

    fn strike(&mut self, fault: &CallFault) -> Option<Say> {
        keep(&mut self.desk.log().write().faults, fault.to_string());
        match fault {
            CallFault::Cut => Some(self.cut()),
            CallFault::Refuse(ms) => {
                let until = self.desk.now + Duration::from_millis(*ms);
                self.desk.services().refuse_calls(self.desk.caller(), until);
                Some(self.cut())
            }
            CallFault::Close(code) => {
                self.end(CallEnd::Closed(*code));
                Some(Say::Close(*code, "as it was told".to_owned()))
            }
            CallFault::Silent => {
                self.end(CallEnd::Silent);
                Some(Say::Deafen)
            }
            CallFault::Stall(ms) => {
                self.stalled = self.desk.now + Duration::from_millis(*ms);
                None
            }
            CallFault::Duplicate => {
                self.duplicates = true;
                None
            }
            CallFault::Reorder => {
                self.reorders = true;
                None
            }
            CallFault::Malformed => {
                self.desk.log().sent("malformed");
                let nonsense = r#"{"type": "response.output_audio.delta", "delta"#.to_owned();
                Some(Say::Message(SocketMessage::Text(nonsense)))
            }
            _ => {
                match &mut self.side {
                    Side::OpenAi(side) => side.strike(fault, &mut self.desk),
                    Side::Gemini(side) => side.strike(fault, &mut self.desk),
                }
                None
            }
        }
    }

    fn cut(&mut self) -> Say {
        self.end(CallEnd::Cut);
        Say::Cut
    }

    fn end(&mut self, end: CallEnd) {
        self.end = Some(end);
        self.desk.all_lost();
        let stamp = self.desk.stamp();
        let mut log = self.desk.log().write();
        (log.closed, log.ending) = (Some(stamp), end);
    }

    /// Tells the log when the caller left, before the peer is dropped.
    pub fn left(&mut self, now: SessionTime) {
        self.desk.now = now.max(self.desk.now);
        if self.end.is_none() {
            self.end(CallEnd::Left);
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if self.end.is_none() {
            self.end(CallEnd::Left);
        }
    }
}

/// What may go wrong with a call, and what is about to.
#[derive(Debug)]
struct Mishaps {
    all: Vec<Mishap>,
    counts: HashMap<u8, u64>,
    /// The soonest first.
    coming: Vec<(SessionTime, CallFault)>,
}

impl Mishaps {
    fn new(all: Vec<Mishap>, call: u64) -> Self {
        let all = all.into_iter().filter(|mishap| mishap.call.is_none_or(|it| it == call));
        Self { all: all.collect(), counts: HashMap::new(), coming: Vec::new() }
    }

    fn comes(&mut self, moment: Moment, desk: &mut Desk) {
        let count = self.counts.entry(moment as u8).or_default();
        *count += 1;
        for mishap in self.all.iter().filter(|mishap| mishap.at == moment) {
            if mishap.nth.is_none_or(|nth| nth == *count)
                && (mishap.probability >= 1.0 || desk.chance.strikes(mishap.probability))
                && self.coming.len() < MOST_COMING
            {
                self.coming.push((desk.now + mishap.after(), mishap.fault.clone()));
            }
        }
        self.coming.sort_by_key(|(at, _)| *at);
    }

    fn due(&self) -> Option<SessionTime> {
        self.coming.first().map(|(at, _)| *at)
    }

    fn next(&mut self, now: SessionTime) -> Option<CallFault> {
        let due = self.due().is_some_and(|at| at <= now);
        due.then(|| self.coming.remove(0).1)
    }
}

/// Events that a stall holds up.
const MOST_WAITING: usize = 4_096;
/// Faults that are about to strike.
const MOST_COMING: usize = 256;
