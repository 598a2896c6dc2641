//! The answers of a duplex session, from where they begin until somebody asks for them.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc::{self, Sender};

use super::model::Answer;
use crate::duplex::ReplyId;
use crate::ids::ResponseId;
use crate::providers::{ProviderError, ProviderEvent};

/// An answer that is under way.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) id: ReplyId,
    /// Nothing more of it comes.
    pub(super) over: bool,
    /// Where its events go.
    pub(super) events: Sender<Result<ProviderEvent, ProviderError>>,
    /// The other end, until somebody asks for it.
    pub(super) answer: Option<Answer>,
}

impl Reply {
    pub(super) fn new(id: ReplyId) -> Self {
        let (events, answer) = mpsc::channel(EVENTS);
        Self { id, over: false, events, answer: Some(answer) }
    }

    /// Gives an event to whoever has the answer. False if it has more than can be kept, or nobody
    /// wants it any more.
    pub(super) fn give(&self, event: Result<ProviderEvent, ProviderError>) -> bool {
        self.events.try_send(event).is_ok()
    }
}

/// What was given of one answer.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) reply: ReplyId,
    pub(super) sound: Duration,
    pub(super) text: String,
}

/// What was heard of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HeardPart {
    pub(super) reply: ReplyId,
    pub(super) sound: Duration,
    pub(super) text: String,
    pub(super) whole: bool,
}

/// What was given of the last answers, and of which of them responses consist.
#[derive(Debug, Default)]
pub(super) struct Given {
    parts: VecDeque<Part>,
    responses: VecDeque<(ResponseId, Vec<ReplyId>)>,
}

impl Given {
    /// An answer begins.
    pub(super) fn start(&mut self, reply: ReplyId) {
        if self.parts.len() == REMEMBERED {
            self.parts.pop_front();
        }
        self.parts.push_back(Part { reply, sound: Duration::ZERO, text: String::new() });
    }

    /// What was given of it so far.
    pub(super) fn part(&mut self, reply: ReplyId) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.reply == reply)
    }

    /// A response begins.
    pub(super) fn begin(&mut self, response: ResponseId) {
        if self.responses.len() == REMEMBERED {
            self.responses.pop_front();
        }
        self.responses.push_back((response, Vec::new()));
    }

    /// The answer is part of the last response.
    pub(super) fn join(&mut self, reply: ReplyId) {
        if let Some((_, replies)) = self.responses.back_mut() {
            replies.push(reply);
        }
    }

    /// The response that the answer is part of.
    pub(super) fn response(&self, reply: ReplyId) -> Option<ResponseId> {
        let of = self.responses.iter().find(|(_, replies)| replies.contains(&reply));
        of.map(|(response, _)| *response)
    }

    /// A response is not heard any more: what was heard of each of its answers, if so much sound of
    /// all and these words were.
    pub(super) fn over(
        &mut self,
        response: ResponseId,
        mut sound: Duration,
        mut words: &str,
        whole: bool,
    ) -> Vec<HeardPart> {
        let Some(at) = self.responses.iter().position(|(one, _)| *one == response) else {
            return Vec::new();
        };
        let (_, replies) = self.responses.remove(at).unwrap_or((response, Vec::new()));
        let mut heard = Vec::with_capacity(replies.len());
        for part in replies.iter().filter_map(|id| self.parts.iter().find(|part| part.reply == *id))
        {
            let of_part = sound.min(part.sound);
            let cut = words.floor_char_boundary(part.text.trim().len().min(words.len()));
            let (of_text, rest) = words.split_at(cut);
            sound -= of_part;
            words = rest.trim_start();
            heard.push(HeardPart {
                reply: part.reply,
                sound: of_part,
                text: of_text.trim().to_owned(),
                whole: whole || !sound.is_zero() && of_part == part.sound,
            });
        }
        heard
    }
}

/// Pieces of one answer that nobody has taken: of 100 ms of sound each, 7 minutes.
const EVENTS: usize = 4_096;

/// One is heard at a time; others were not heard at all.
const REMEMBERED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_of_a_response_is_told_of_each_of_its_answers() {
        let (first, second) = (ReplyId::FIRST, ReplyId::FIRST.next());
        let given = || {
            let mut given = Given::default();
            given.begin(ResponseId::FIRST);
            for (reply, text, seconds) in [(first, "Let me see.", 1), (second, "It rains.", 2)] {
                given.start(reply);
                given.join(reply);
                let part = given.part(reply).unwrap();
                part.text.push_str(text);
                part.sound = Duration::from_secs(seconds);
            }
            given
        };
        let heard =
            |ms, words| given().over(ResponseId::FIRST, Duration::from_millis(ms), words, false);
        let part = |reply, ms, text: &str, whole| HeardPart {
            reply,
            sound: Duration::from_millis(ms),
            text: text.to_owned(),
            whole,
        };
        let both = [part(first, 1_000, "Let me see.", true), part(second, 500, "It", false)];
        assert_eq!(heard(1_500, "Let me see. It"), both);
        assert_eq!(heard(400, "Let"), [part(first, 400, "Let", false), part(second, 0, "", false)]);
        let mut given = given();
        assert_eq!(given.response(second), Some(ResponseId::FIRST));
        assert_eq!(given.over(ResponseId::FIRST.next(), Duration::ZERO, "", true), []);
    }
}
