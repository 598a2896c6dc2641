//! What was asked and when it was answered, caller by caller.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::again::{Question, Recording};
use super::duplex::{CallLog, Calls};
use super::plan::End;
use super::script::{Answer, Script};
use super::{Fault, llm, stt, words};

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Transcriptions.
    Stt,
    /// Chat completions.
    Llm,
    /// Speech.
    Tts,
}

impl Service {
    const NAMES: [(&str, Self); 3] = [("stt", Self::Stt), ("llm", Self::Llm), ("tts", Self::Tts)];
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Self::NAMES[*self as usize].0)
    }
}

impl FromStr for Service {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        let found = found.map(|(_, service)| *service);
        found.ok_or_else(|| format!("there is no service \"{name}\"; choose stt, llm or tts"))
    }
}

/// What a caller has asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// How many entries there were before these, and are forgotten: the log keeps 4,096.
    pub forgotten: u64,
    /// The last ones, in the order in which the requests came.
    pub entries: Vec<Entry>,
    /// The last 256 calls over a socket, in the order in which they were opened.
    #[serde(default)]
    pub calls: Vec<CallLog>,
}

impl From<Vec<Entry>> for Log {
    /// A log of these alone.
    fn from(entries: Vec<Entry>) -> Self {
        Self { entries, ..Self::default() }
    }
}

/// One request and its answer. Times are in nanoseconds on the clock of whoever plays the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whose request it was: its key.
    pub caller: String,
    /// What was asked.
    pub service: Service,
    /// Which of the caller's requests to this service it was, from 1, since its script was given.
    pub request: u64,
    /// When the last byte of the request was there.
    pub arrived: u64,
    /// When each step of the answer was sent, as far as it went.
    pub sent: Vec<u64>,
    /// The model: the text in each step, also of those that were not sent. What came with a step
    /// that was cut is not in it. Empty for the other services.
    pub texts: Vec<String>,
    /// The model: how many images, sounds and files the request showed, old ones as well. 0 for the
    /// other services.
    #[serde(default)]
    pub media: u64,
    /// The status.
    pub status: u16,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// More is to be sent.
    Open,
    /// All was sent, and its end.
    Finished,
    /// It was refused.
    Refused,
    /// It broke off, as it was told.
    Cut,
    /// Nothing follows, as it was told.
    Stalled,
    /// The caller did not wait for the end.
    Left,
}

/// Names an exchange to [`Services::sent`](super::Services::sent).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId(Option<Place>);

impl ExchangeId {
    /// An exchange that is not in the log: no service was asked.
    pub(super) const NONE: Self = Self(None);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    caller: u64,
    number: u64,
}

/// What the services know of their callers: at most 4,096, with as many entries each. The caller
/// that came first is forgotten for a new one.
#[derive(Debug, Default)]
pub(super) struct Callers {
    names: HashMap<String, u64>,
    callers: VecDeque<Caller>,
    /// How many callers are forgotten.
    first: u64,
    pub(super) served: u64,
}

impl Callers {
    /// The caller of this name, and its number.
    pub(super) fn of(&mut self, name: &str) -> (u64, &mut Caller) {
        let known = self.names.get(name).copied();
        let number = known.unwrap_or_else(|| self.add(name));
        let at = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        (number, &mut self.callers[at])
    }

    fn add(&mut self, name: &str) -> u64 {
        if self.callers.len() == MOST_CALLERS
            && let Some(forgotten) = self.callers.pop_front()
        {
            self.names.remove(&forgotten.name);
            self.first += 1;
        }
        let number = self.first + self.callers.len() as u64;
        self.names.insert(name.to_owned(), number);
        self.callers.push_back(Caller { name: name.to_owned(), ..Caller::default() });
        number
    }

    pub(super) fn known(&self, name: &str) -> Option<&Caller> {
        let at = self.names.get(name)?.checked_sub(self.first)?;
        self.callers.get(usize::try_from(at).ok()?)
    }

    /// Notes an exchange whose answer has so many steps.
    pub(super) fn open(&mut self, entry: Entry, steps: usize, end: End) -> ExchangeId {
        self.served += 1;
        let name = entry.caller.clone();
        let (caller, log) = self.of(&name);
        let number = log.push(Record { entry, steps, end });
        ExchangeId(Some(Place { caller, number }))
    }

    /// The record of an exchange, if it is not forgotten.
    pub(super) fn record(&mut self, ExchangeId(place): ExchangeId) -> Option<&mut Record> {
        let Place { caller, number } = place?;
        let at = usize::try_from(caller.checked_sub(self.first)?).ok()?;
        let caller = self.callers.get_mut(at)?;
        caller.records.get_mut(usize::try_from(number.checked_sub(caller.first)?).ok()?)
    }
}

/// One caller: its script, how far it is in it, and its log.
#[derive(Debug, Default)]
pub(super) struct Caller {
    name: String,
    script: Script,
    /// Of each service.
    requests: [u64; 3],
    heard: usize,
    answered: usize,
    /// What was heard last.
    recording: Option<Recording>,
    /// The last questions, each with more history than the one before.
    questions: Vec<Question>,
    records: VecDeque<Record>,
    /// Its calls over a socket.
    pub(super) calls: Calls,
    /// The number of the first record.
    first: u64,
    forgotten: u64,
}

impl Caller {
    pub(super) fn begin(&mut self, script: Script) {
        self.script = script;
        self.requests = [0; 3];
        (self.heard, self.answered) = (0, 0);
        (self.recording, self.questions) = (None, Vec::new());
        self.calls.begin(self.script.duplex.clone());
    }

    /// The number of the next request, from 1.
    pub(super) fn next(&mut self, service: Service) -> u64 {
        let count = &mut self.requests[service as usize];
        *count += 1;
        *count
    }

    /// What is to go wrong with a request.
    pub(super) fn fault(&self, service: Service, request: u64) -> Option<Fault> {
        let mut planned = self.script.faults.iter();
        let planned = planned.find(|plan| plan.service == service && plan.request == request);
        planned.map(|plan| plan.fault)
    }

    /// What a recording says.
    pub(super) fn words(&self) -> String {
        let heard = &self.script.heard;
        let text = heard.get(self.heard).or(heard.last());
        text.map_or_else(|| words::QUESTION.to_owned(), Clone::clone)
    }

    /// What the model says; `None` is the text that nobody wrote.
    pub(super) fn reply(&self) -> Option<Answer> {
        self.script.answers.get(self.answered).cloned()
    }

    /// What was heard in a call, which is not heard again.
    pub(super) fn next_words(&mut self) -> String {
        let words = self.words();
        self.heard += 1;
        self.recording = None;
        words
    }

    /// What the model says in a call, which is not said again unless it is
    /// [given back](Self::give_back).
    pub(super) fn take_reply(&mut self) -> Option<Answer> {
        let reply = self.reply();
        self.answered += 1;
        reply
    }

    /// So many answers were lost, and are given once more.
    pub(super) const fn give_back(&mut self, answers: usize) {
        self.answered = self.answered.saturating_sub(answers);
    }

    /// What this service had to say to this request is said.
    pub(super) fn said(&mut self, service: Service, body: &[u8]) {
        match service {
            Service::Stt => {
                self.heard += 1;
                self.recording = stt::sound(body).map(Recording::of);
            }
            Service::Llm => {
                let record = self.first + self.records.len() as u64;
                if self.questions.len() == MOST_QUESTIONS {
                    self.questions.remove(0);
                }
                self.questions.push(Question::new(&llm::messages(body), self.answered, record));
                self.answered += 1;
            }
            Service::Tts => {}
        }
    }

    /// A request may be one that was made ahead, made once more.
    pub(super) fn goes_back(&mut self, service: Service, body: &[u8]) {
        match (service, self.recording) {
            (Service::Stt, Some(last)) => {
                let goes_on = stt::sound(body).is_some_and(|sound| last.goes_on_in(sound));
                self.heard -= usize::from(goes_on);
            }
            (Service::Llm, _) => {
                let messages = llm::messages(body);
                let asks = |question: &Question| question.is_asked_by(&messages);
                if let Some(at) = self.questions.iter().position(asks)
                    && self.questions[at..].iter().any(|question| self.was_left(question.record))
                {
                    self.answered = self.questions[at].answer;
                    self.questions.truncate(at);
                }
            }
            _ => {}
        }
    }

    fn was_left(&self, record: u64) -> bool {
        let at = record.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let record = at.and_then(|at| self.records.get(at));
        record.is_some_and(|record| record.entry.outcome == Outcome::Left)
    }

    pub(super) fn log(&self) -> Log {
        let entries = self.records.iter().map(|record| record.entry.clone()).collect();
        Log { forgotten: self.forgotten, entries, calls: self.calls.logs() }
    }

    pub(super) fn clear(&mut self) {
        self.first += self.records.len() as u64;
        self.forgotten = 0;
        self.records.clear();
        self.calls.clear();
    }

    fn push(&mut self, record: Record) -> u64 {
        if self.records.len() == MOST_ENTRIES {
            self.records.pop_front();
            self.first += 1;
            self.forgotten += 1;
        }
        self.records.push_back(record);
        self.first + self.records.len() as u64 - 1
    }
}

/// An entry, and what is still to come of it.
#[derive(Debug)]
pub(super) struct Record {
    entry: Entry,
    steps: usize,
    end: End,
}

impl Record {
    /// A step was sent.
    pub(super) fn sent(&mut self, step: usize, at: u64) {
        if step == self.entry.sent.len() && step < self.steps {
            self.entry.sent.push(at);
        }
    }

    /// Whoever plays the answer has done with it.
    pub(super) fn over(&mut self) {
        self.entry.outcome = match self.end {
            _ if self.entry.sent.len() < self.steps => Outcome::Left,
            End::Finish if self.entry.status >= 400 => Outcome::Refused,
            End::Finish => Outcome::Finished,
            End::Cut => Outcome::Cut,
            End::Stall => Outcome::Stalled,
        };
    }

    pub(super) fn is_all_sent(&self) -> bool {
        self.entry.sent.len() == self.steps
    }
}

/// The rounds of one turn, and more.
const MOST_QUESTIONS: usize = 16;
const MOST_ENTRIES: usize = 4_096;
const MOST_CALLERS: usize = 4_096;
