//! Answers: the one that is under way, and those that may still be corrected.

use std::collections::VecDeque;
use std::time::Duration;

use crate::audio::SampleRate;
use crate::duplex::{ReplyEnd, ReplyId};

/// Joins what the other side calls responses with the replies that the session knows.
#[derive(Debug)]
pub(super) struct Replies {
    next: ReplyId,
    /// The first of this connection.
    first: ReplyId,
    /// There is one at a time.
    pub(super) active: Option<Reply>,
    ended: VecDeque<Reply>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) id: ReplyId,
    pub(super) response: String,
    /// The other side was told to stop.
    pub(super) is_cancelled: bool,
    parts: Vec<Part>,
    calls: Vec<Called>,
    how: Option<ReplyEnd>,
}

/// A part of an item's content, with what came of it.
#[derive(Debug)]
pub(super) struct Part {
    item: String,
    index: u32,
    samples: u64,
    /// The first half of a sample whose other half follows.
    odd: Option<u8>,
    words: String,
}

#[derive(Debug)]
struct Called {
    id: String,
    is_answered: bool,
}

/// How the other side's history is made what was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fix {
    /// This part ends here.
    Truncate { item: String, index: u32, end: Duration },
    /// Nothing of this item was heard.
    Delete { item: String },
    /// Of an answer that is not in its history, or only as text, this was heard.
    Say { after: Option<String> },
}

impl Replies {
    pub(super) fn new() -> Self {
        Self { next: ReplyId::FIRST, first: ReplyId::FIRST, active: None, ended: VecDeque::new() }
    }

    /// Another connection knows nothing of them.
    pub(super) fn forget(&mut self) {
        self.active = None;
        self.ended.clear();
        self.first = self.next;
    }

    /// An answer begins; that before it must have ended.
    pub(super) fn begin(&mut self, response: String) -> ReplyId {
        let id = self.stillborn();
        let (parts, calls) = (Vec::new(), Vec::new());
        self.active = Some(Reply { id, response, is_cancelled: false, parts, calls, how: None });
        id
    }

    /// An answer that will not begin.
    pub(super) fn stillborn(&mut self) -> ReplyId {
        let id = self.next;
        self.next = id.next();
        id
    }

    /// The answer that is under way has ended.
    pub(super) fn end(&mut self, how: ReplyEnd) -> Option<&Reply> {
        let mut reply = self.active.take()?;
        reply.how = Some(how);
        if self.ended.len() == ENDED {
            self.ended.pop_front();
        }
        self.ended.push_back(reply);
        self.ended.back()
    }

    pub(super) fn is_active(&self, response: &str) -> bool {
        self.active.as_ref().is_some_and(|reply| reply.response == response)
    }

    pub(super) fn has_ended(&self, response: &str) -> bool {
        self.ended.iter().any(|reply| reply.response == response)
    }

    /// The result of a call is told: the answer that wants it, if it is of this connection.
    pub(super) fn answer(&mut self, call: &str) -> Option<&Reply> {
        let mut replies = self.active.iter_mut().chain(self.ended.iter_mut().rev());
        let reply = replies.find(|reply| reply.calls.iter().any(|called| called.id == call))?;
        for called in reply.calls.iter_mut().filter(|called| called.id == call) {
            called.is_answered = true;
        }
        Some(reply)
    }

    /// Whether it is of this connection.
    pub(super) fn knows(&self, id: ReplyId) -> bool {
        id >= self.first
    }

    /// What is to be done about an answer of which so much was heard.
    pub(super) fn heard(&self, id: ReplyId, sound: Duration, rate: SampleRate) -> Vec<Fix> {
        if !self.knows(id) {
            return vec![Fix::Say { after: None }];
        }
        let mut replies = self.active.iter().chain(&self.ended);
        match replies.find(|reply| reply.id == id) {
            Some(reply) => reply.cut(rate.samples(sound), rate),
            None => Vec::new(),
        }
    }
}

impl Reply {
    /// The part of an item; a new one if it was not known. None if there are too many.
    pub(super) fn part(&mut self, item: &str, index: u32) -> Option<&mut Part> {
        let at = self.parts.iter().position(|part| part.item == item && part.index == index);
        let at = match at {
            Some(at) => at,
            None if self.parts.len() == PARTS => return None,
            None => {
                let (item, words) = (item.to_owned(), String::new());
                self.parts.push(Part { item, index, samples: 0, odd: None, words });
                self.parts.len() - 1
            }
        };
        self.parts.get_mut(at)
    }

    /// Whether this call is a new one.
    pub(super) fn call(&mut self, id: &str) -> bool {
        let is_new = self.calls.len() < CALLS && self.calls.iter().all(|called| called.id != id);
        if is_new {
            self.calls.push(Called { id: id.to_owned(), is_answered: false });
        }
        is_new
    }

    pub(super) fn has_called(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Whether the other side may go on: it wanted results, and has them all.
    pub(super) fn is_served(&self) -> bool {
        self.how == Some(ReplyEnd::AwaitsTools) && self.calls.iter().all(|call| call.is_answered)
    }

    /// The items in order, each cut where the user ceased to hear it.
    fn cut(&self, heard: u64, rate: SampleRate) -> Vec<Fix> {
        let received: u64 = self.parts.iter().map(|part| part.samples).sum();
        if received == 0 {
            return self.cut_text();
        }
        if heard >= received && self.how == Some(ReplyEnd::Completed) {
            return Vec::new();
        }
        let mut fixes = Vec::new();
        let mut left = heard;
        let mut cut: Option<&str> = None;
        let sounding = self.parts.iter().filter(|part| part.samples > 0).collect::<Vec<_>>();
        for (at, part) in sounding.iter().enumerate() {
            let is_last = at + 1 == sounding.len();
            let is_next = at > 0 && part.item != sounding[at - 1].item;
            if cut.is_none() && left == 0 && is_next {
                cut = Some(&sounding[at - 1].item);
            }
            match cut {
                None if left < part.samples || is_last => {
                    let end = rate.duration(left.min(part.samples));
                    fixes.push(Fix::Truncate { item: part.item.clone(), index: part.index, end });
                    cut = Some(&part.item);
                }
                None => left -= part.samples,
                // The rest of the same item: nothing of it was heard.
                Some(item) if item == part.item => {
                    let (item, index, end) = (part.item.clone(), part.index, Duration::ZERO);
                    fixes.push(Fix::Truncate { item, index, end });
                }
                Some(_) => {
                    let delete = Fix::Delete { item: part.item.clone() };
                    if !fixes.contains(&delete) {
                        fixes.push(delete);
                    }
                }
            }
        }
        fixes
    }

    /// What is written cannot be cut: what was seen of it takes its place.
    fn cut_text(&self) -> Vec<Fix> {
        let mut items: Vec<&str> = self.parts.iter().map(|part| &*part.item).collect();
        items.dedup();
        let Some(last) = items.last() else {
            return Vec::new();
        };
        let say = Fix::Say { after: Some((*last).to_owned()) };
        let deleted = items.iter().map(|item| Fix::Delete { item: (*item).to_owned() });
        std::iter::once(say).chain(deleted).collect()
    }
}

impl Part {
    /// So much sound of it came.
    pub(super) fn sounded(&mut self, samples: usize) {
        self.samples = self.samples.saturating_add(samples as u64);
    }

    /// The bytes of 16-bit samples, with the half that was left before; a half that is left over
    /// is kept.
    pub(super) fn pcm(&mut self, bytes: &[u8]) -> Vec<i16> {
        let Some(&head) = bytes.first() else {
            return Vec::new();
        };
        let first = self.odd.take().map(|low| i16::from_le_bytes([low, head]));
        let rest = if first.is_some() { &bytes[1..] } else { bytes };
        let (pairs, left) = rest.as_chunks::<2>();
        self.odd = left.first().copied();
        first.into_iter().chain(pairs.iter().map(|pair| i16::from_le_bytes(*pair))).collect()
    }

    /// More words of it came.
    pub(super) fn said(&mut self, delta: &str) {
        if self.words.len() + delta.len() <= LONGEST {
            self.words.push_str(delta);
        }
    }

    /// What is missing of all its words, if those that came are their beginning.
    pub(super) fn missing<'a>(&self, all: &'a str) -> &'a str {
        if all.len() > LONGEST { "" } else { all.strip_prefix(&*self.words).unwrap_or_default() }
    }
}

/// Answers that may still be cut, or whose events may still come.
const ENDED: usize = 64;
/// Parts of an answer that are known.
const PARTS: usize = 64;
/// Calls of one answer.
const CALLS: usize = 64;
/// Of the words of a part, in bytes.
const LONGEST: usize = 64 << 10;
